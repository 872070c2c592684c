"""Rows, and how many of them are written at once."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apsw import Connection, SQLiteValue

    Row = tuple[SQLiteValue, ...]

# One statement for many rows: SQLite works without Python's lock, which a thread that computes gives back only every
# 5 ms. With such a thread beside it, a row takes 680 µs by `executemany`, 90 in sixteens and 25 in sixty-fours.
_AT_ONCE = (64, 16, 4, 1)


class Rows(Protocol):
    """What takes rows, as their values one behind the other: a row of its own would be one more object for each."""

    def insert(self, connection: Connection, values: Sequence[SQLiteValue]) -> None:
        """Writes them, within the transaction that is open."""


@dataclass(frozen=True, slots=True, eq=False)  # a key for each row: by its columns, a hash takes 1 µs
class Table:
    """A table that rows are added to. What is recorded again replaces what is there, or is left out."""

    name: str
    columns: tuple[str, ...]
    replaces: bool = False

    def insert(self, connection: Connection, values: Sequence[SQLiteValue]) -> None:
        """Adds rows, within the transaction that is open."""
        at = 0
        for count in _AT_ONCE:
            size = count * len(self.columns)
            while len(values) - at >= size:
                connection.execute(_statement(self, count), values[at : at + size])
                at += size


def rows_of(values: Sequence[SQLiteValue], width: int) -> Iterator[Row]:
    """The rows that values are of, with `width` columns."""
    return zip(*[iter(values)] * width, strict=True)


def plain(text: str) -> str:
    """A text without surrogates, which SQLite does not take: their escapes stand for them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


@functools.cache
def _statement(table: Table, count: int) -> str:
    row = f"({','.join('?' * len(table.columns))})"
    conflict = "REPLACE" if table.replaces else "IGNORE"
    return f"INSERT OR {conflict} INTO {table.name} ({','.join(table.columns)}) VALUES {','.join([row] * count)}"


RESULT = Table(
    "result",
    (
        *("run", "cell", "status", "kept", "given", "started", "seconds", "attempts", "reason", "error"),
        *("key", "compiler", "trace", "inputs", "contents"),
        *("attempted", "user_seconds", "system_seconds", "peak_kib", "value", "unstored"),
    ),
    replaces=True,
)
ATTEMPT = Table(
    "attempt",
    (
        *("run", "cell", "number", "outcome", "started", "seconds", "error", "unkillable", "not_before"),
        *("answer", "requested", "observed", "returned", "user_seconds", "system_seconds", "peak_kib"),
    ),
)
WORKED = "worked = worked + MAX(0, ? - heartbeat), heartbeat = ?"
"""What a sign of life changes of a run; twice the time of it. A clock that was set back takes nothing away."""
ARTIFACT = Table("artifact", ("name", "size"))
ARTIFACT_USE = Table("artifact_use", ("run", "artifact"))
