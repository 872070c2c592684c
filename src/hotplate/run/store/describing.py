"""A run's description as its row."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import xxhash

from hotplate.run.store import codec
from hotplate.run.store.owner import Owner
from hotplate.run.store.records import RunState
from hotplate.run.store.rows import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from apsw import Connection

    from hotplate.run.store.content import Content
    from hotplate.run.store.records import RunDescription

    Step = Callable[[Connection], None]


def insertion(
    description: RunDescription, cells: Sequence[str], token: str, limit: float
) -> tuple[Step, tuple[Content, ...]]:
    """What adds the run, unless there is one of that name, and the artifacts that it refers to.

    Here and below a value of more than `limit` bytes is not kept.
    """
    facts, keep_text, contents = _facts(description, limit)
    point, more = encode_all(description.point, limit)
    owner, now = Owner.mine(), time.time()
    row = {
        **facts,
        "id": description.id,
        "notebook": plain(description.notebook),
        "point": json.dumps(point),
        "parent": description.parent,
        "cells": json.dumps(list(cells)),
        "state": RunState.PENDING.value,
        "problem": "",
        "began": now,
        "heartbeat": now,
        "token": token,
        **{name: getattr(owner, name) for name in ("host", "pid", "started", "boot", "namespace")},
    }

    def insert(connection: Connection) -> None:
        keep_text(connection)
        names = ", ".join(row)
        marks = ", ".join(f":{name}" for name in row)
        connection.execute(f"INSERT OR IGNORE INTO run ({names}) VALUES ({marks})", row)

    return insert, (*contents, *more)


def revision(description: RunDescription, run: str, token: str, limit: float) -> tuple[Step, tuple[Content, ...]]:
    """What makes a run that is resumed one of this text, plan, values and options."""
    facts, keep_text, contents = _facts(description, limit)

    def update(connection: Connection) -> None:
        keep_text(connection)
        now = facts | {"notebook": plain(description.notebook)}  # it may have been moved
        changes = ", ".join(f"{name} = :{name}" for name in now)
        connection.execute(
            f"UPDATE run SET {changes} WHERE id = :id AND token = :token", now | {"id": run, "token": token}
        )
        if connection.changes():
            connection.execute("UPDATE run SET notebook = ? WHERE parent = ?", (now["notebook"], run))

    return update, contents


def addition(cells: Sequence[str], run: str, token: str) -> Step:
    """What makes these the cells of a run. They begin with those that it has: the tally counts them in this order."""
    listed = json.dumps(list(cells))

    def update(connection: Connection) -> None:
        connection.execute("UPDATE run SET cells = ? WHERE id = ? AND token = ?", (listed, run, token))

    return update


def _facts(description: RunDescription, limit: float) -> tuple[dict[str, Any], Step, tuple[Content, ...]]:
    given, contents = encode_all(description.given, limit)
    text = description.text.encode("utf-8", "surrogatepass")
    source = xxhash.xxh3_128_hexdigest(text)

    def keep_text(connection: Connection) -> None:
        connection.execute("INSERT OR IGNORE INTO source VALUES (?, ?)", (source, text))

    facts = {
        "source": source,
        "plan": description.plan,
        "targets": json.dumps(list(description.targets)),
        "given": json.dumps(given),
        "options": json.dumps(dict(description.options)),
        "version": description.version,
    }
    return facts, keep_text, contents


def encode_all(
    values: Mapping[str, Any], limit: float
) -> tuple[dict[str, tuple[str | None, str]], tuple[Content, ...]]:
    """Values by name as `StoredValue` has them, and their artifacts."""
    texts: dict[str, tuple[str | None, str]] = {}
    contents: list[Content] = []
    for name, value in values.items():
        try:
            text, files = codec.encode(value, limit)
        except codec.Unstorable as reason:
            texts[name] = None, str(reason)
        else:
            texts[name] = text, ""
            contents += files
    return texts, tuple(contents)
