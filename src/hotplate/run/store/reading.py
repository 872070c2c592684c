"""Reading back what was recorded."""

from __future__ import annotations

import json
import time
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from hotplate.errors import StoreError
from hotplate.run.state import Trace
from hotplate.run.store.attempt_rows import read_attempts
from hotplate.run.store.event_batches import last_event
from hotplate.run.store.owner import Owner
from hotplate.run.store.records import (
    CellRecord,
    Children,
    RunRecord,
    RunState,
    RunSummary,
    StoredOutput,
    StoredValue,
    trace_hash,
)
from hotplate.run.store.rows import RESULT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apsw import Connection

_SUMMARY = """
    SELECT id, notebook, state, problem, began, ended, parent, point, targets, version,
        json_array_length(cells), host, pid, started, boot, namespace,
        (SELECT json_group_object(status, n) FROM
            (SELECT status, COUNT(*) AS n FROM result WHERE result.run = run.id GROUP BY status)),
        worked, heartbeat
    FROM run
"""


def find_runs(connection: Connection, notebook: str | None, parent: str | None, limit: int | None) -> list[RunSummary]:
    """The runs of a notebook, or of all; of a parent, or those without one and with. The newest first."""
    where = "WHERE (?1 IS NULL OR notebook = ?1) AND (?2 IS NULL OR parent = ?2) ORDER BY number DESC LIMIT ?3"
    rows = connection.execute(f"{_SUMMARY} {where}", (notebook, parent, -1 if limit is None else limit))
    return [_summary(row) for row in rows]


def find_id(connection: Connection, prefix: str) -> str:
    """The one run whose name begins like this. Raises StoreError where there is none, or more than one."""
    # A sweep's points are called after it; who means one of them gives its number too.
    query = (
        "SELECT id FROM run WHERE (substr(id, 1, length(?1)) = ?1 AND parent IS NULL) OR id = ?1 ORDER BY number DESC"
    )
    found = [str(run) for (run,) in connection.execute(query, (prefix,))]
    if prefix and (len(found) == 1 or prefix in found):
        return prefix if prefix in found else found[0]
    if prefix and found:
        raise StoreError(f"{len(found)} runs begin with {prefix}: {_some(found)}; give more of the name")
    sweep, dot, number = prefix.rpartition(".")
    if dot and sweep and number.isdigit():
        return _find_point(connection, find_id(connection, sweep), number)
    known = [
        str(run)
        for (run,) in connection.execute("SELECT id FROM run WHERE parent IS NULL ORDER BY number DESC LIMIT 1000")
    ]
    if not known:
        raise StoreError(f"there is no run {prefix}: none was recorded")
    near = get_close_matches(prefix, known, 3, 0.5)
    told = f"did you mean {_some(near)}?" if near else f"the last ones are {_some(known)}"
    raise StoreError(f"there is no run {prefix}; {told}")


def _find_point(connection: Connection, sweep: str, number: str) -> str:
    """The name of a sweep's point, whose beginning was found."""
    name = f"{sweep}.{number}"
    if not any(connection.execute("SELECT 1 FROM run WHERE id = ?", (name,))):
        ((points,),) = connection.execute("SELECT COUNT(*) FROM run WHERE parent = ?", (sweep,))
        has = f"it has {points}, from 0 on" if points else "it is no sweep"
        raise StoreError(f"run {sweep} has no point {number}: {has}")
    return name


def shorten(connection: Connection, run: str) -> str:
    """The shortest beginning of a run's name, of four letters at least, that no other run's name has.

    Points of a sweep, which are called after it, do not count as others.
    """
    others = "FROM run WHERE parent IS NULL AND id"
    query = f"SELECT MAX(id) {others} < ?1 UNION ALL SELECT MIN(id) {others} > ?1"
    names = [other for (other,) in connection.execute(query, (run,)) if other is not None]
    return run[: max([4, *(_differs_at(run, other) + 1 for other in names)])]


def read_run(connection: Connection, run: str) -> RunRecord:
    """Everything about one run but its events."""
    summary = _summary(next(iter(connection.execute(f"{_SUMMARY} WHERE id = ?", (run,)))))
    ((text, plan, cells, given, options),) = connection.execute(
        "SELECT source.text, run.plan, run.cells, COALESCE(run.given, whole.given, '{}'),"
        " COALESCE(run.options, whole.options, '{}') FROM run JOIN source ON source.hash = run.source"
        " LEFT JOIN run AS whole ON whole.id = run.parent WHERE run.id = ?",
        (run,),
    )
    return RunRecord(
        summary,
        text.decode("utf-8", "surrogatepass"),
        plan,
        tuple(json.loads(cells)),
        _values(given),
        json.loads(options),
        _results(connection, run),
        read_attempts(connection, run),
        last_event(connection, run),
    )


def find_output(connection: Connection, trace: Trace) -> StoredOutput | None:
    """The newest result that holds for a trace and has a value."""
    name = trace_hash(trace)
    if name is None:
        return None
    query = (
        "SELECT run, cell, contents, value, started, seconds, compiler FROM result"
        " WHERE trace = ? AND value IS NOT NULL ORDER BY number DESC LIMIT 1"
    )
    for run, cell, contents, value, started, seconds, compiler in connection.execute(query, (name,)):
        return StoredOutput(run, cell, trace, _contents(contents), StoredValue(value), started, seconds, compiler)
    return None


def read_children(connection: Connection, parent: str) -> Children:
    """The states of the runs that another one began."""
    rows = connection.execute("SELECT id, state FROM run WHERE parent = ? ORDER BY number", (parent,))
    return Children({run: RunState(state) for run, state in rows})


def _summary(row: Any) -> RunSummary:
    (
        run,
        notebook,
        state,
        problem,
        began,
        ended,
        parent,
        point,
        targets,
        version,
        cells,
        *owner,
        outcomes,
        worked,
        beat,
    ) = row
    if parent is None and RunState(state).is_under_way:
        worked += max(0.0, time.time() - beat)
    return RunSummary(
        run, notebook, RunState(state), problem, began, ended, Owner(*owner), parent, _values(point),
        tuple(json.loads(targets)), cells, json.loads(outcomes), version, worked,
    )  # fmt: skip


def _results(connection: Connection, run: str) -> dict[str, CellRecord]:
    query = f"SELECT {','.join(RESULT.columns)} FROM result WHERE run = ? ORDER BY number"
    return {row[1]: _result(row) for row in connection.execute(query, (run,))}


def _result(row: Any) -> CellRecord:
    _, cell, status, kept, given, started, seconds, attempts, *texts, value, unstored = row
    reason, error, key, compiler, trace, inputs, contents, *_ = texts
    return CellRecord(
        cell, status, bool(kept), bool(given), started, seconds, attempts, reason, error, key, compiler,
        None if trace is None else Trace(key, tuple((name, content) for name, content in json.loads(inputs))),
        _contents(contents), StoredValue(value, unstored),
    )  # fmt: skip


def _values(text: str) -> dict[str, StoredValue]:
    return {name: StoredValue(*stored) for name, stored in json.loads(text).items()}


def _contents(text: str) -> Mapping[str | None, str]:
    return dict(json.loads(text))


def _differs_at(one: str, other: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
