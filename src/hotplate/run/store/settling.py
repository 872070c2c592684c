"""Settling: what becomes of a run whose owner died, and who may go on with it."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from hotplate.errors import StoreError
from hotplate.run.store.attempt_rows import give_rows, recorded_numbers
from hotplate.run.store.children import close_children, reopen_children
from hotplate.run.store.connection import transaction
from hotplate.run.store.owner import Owner
from hotplate.run.store.points import Point, reached
from hotplate.run.store.records import RunState
from hotplate.run.store.rows import ATTEMPT, WORKED
from hotplate.run.store.tally import read_tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from apsw import Connection

    from hotplate.run.store.rows import Row
    from hotplate.run.store.tally import Counts

_OWNED = """
    SELECT id, token, cells, heartbeat, host, pid, started, boot, namespace FROM run
    WHERE state IN ('pending', 'running', 'resuming') AND parent IS NULL
"""


def settle(connection: Connection, tallies: Path) -> None:
    """Makes every run `lost` that somebody should be working on who is dead, with the attempts that it had begun."""
    now = time.time()
    for run, token, cells, heartbeat, *owner in list(connection.execute(_OWNED)):
        if not Owner(*owner).is_alive(now - heartbeat):
            _lose(connection, tallies, run, token, json.loads(cells))


def claim(connection: Connection, run: str, token: str) -> None:
    """Makes this process the owner of a run that has ended or whose owner is dead; of several at once, one wins.

    Raises StoreError for a run that is done, or that somebody works on.
    """
    mine = Owner.mine()
    with transaction(connection):
        refuse_child(connection, run, "resume")
        if refuse_alive(connection, run) is RunState.DONE:
            raise StoreError(f"run {run} is done, so there is nothing to resume; run the notebook anew")
        connection.execute(
            "UPDATE run SET state = 'resuming', problem = '', ended = NULL, heartbeat = ?, token = ?,"
            " host = ?, pid = ?, started = ?, boot = ?, namespace = ? WHERE id = ?",
            (time.time(), token, mine.host, mine.pid, mine.started, mine.boot, mine.namespace, run),
        )
        give_rows(connection, run)
        reopen_children(connection, run)
        reached(Point.CLAIM_WRITTEN)
    reached(Point.CLAIM_COMMITTED)


def refuse_alive(connection: Connection, run: str) -> RunState:
    """The state of a run that nobody works on, once it is settled. Raises StoreError for one that goes on."""
    query = "SELECT state, host, pid, started, boot, namespace FROM run WHERE id = ?"
    for state, *owner in connection.execute(query, (run,)):
        if RunState(state).is_under_way:
            raise StoreError(f"run {run} is still going on, in {Owner(*owner)}; wait for it, or end that process")
        return RunState(state)
    raise StoreError(f"there is no run {run} any more: another process has just deleted it")


def refuse_child(connection: Connection, run: str, verb: str) -> None:
    """Raises StoreError for a point of a sweep, which is resumed and deleted with that."""
    query = "SELECT whole.id FROM run JOIN run AS whole ON whole.id = run.parent WHERE run.id = ?"
    for (parent,) in connection.execute(query, (run,)):
        raise StoreError(f"run {run} is a point of the sweep {parent}; {verb} that")


def give_back(connection: Connection, run: str, token: str) -> None:
    """Makes a run `lost` that this process has claimed and can't record."""
    now = time.time()
    connection.execute(
        f"UPDATE run SET state = 'lost', ended = ?, problem = ?, {WORKED} WHERE id = ? AND token = ?"
        " AND state IN ('pending', 'running', 'resuming')",
        (now, "not all of it could be recorded", now, now, run, token),
    )
    if connection.changes():
        close_children(connection, run, RunState.LOST)


def tally_path(tallies: Path, run: str, token: str) -> Path:
    """The tally of a run, as long as the recording with this token writes to it.

    A token is the name of a process's own directory below `tmp`, a dot, and a number.
    """
    return tallies / f"{run}-{token}"


def remove_tallies(connection: Connection, tallies: Path, temporary: Path) -> None:
    """Removes the tallies of processes that are gone, once their runs are settled."""
    used = {f"{run}-{token}" for run, token, *_ in connection.execute(_OWNED)}
    for path in list(tallies.iterdir()):
        process = path.name.partition("-")[2].partition(".")[0]
        if path.name not in used and not (temporary / process).exists():
            with suppress(OSError):
                path.unlink()


def _lose(connection: Connection, tallies: Path, run: str, token: str, cells: Sequence[str]) -> None:
    tally = tally_path(tallies, run, token)
    begun = read_tally(tally, cells)
    with transaction(connection):
        connection.execute(
            "UPDATE run SET state = 'lost', ended = heartbeat, problem = ? WHERE id = ? AND token = ?"
            " AND state IN ('pending', 'running', 'resuming')",
            ("its process ended before it did", run, token),
        )
        if not connection.changes():
            return  # somebody else was first
        lost = _lost_attempts(connection, run, begun)
        ATTEMPT.insert(connection, [value for row in lost for value in row])
        close_children(connection, run, RunState.LOST)
        reached(Point.LOSS_WRITTEN)
    reached(Point.LOSS_COMMITTED)
    with suppress(OSError):
        tally.unlink()


def _lost_attempts(connection: Connection, run: str, tally: Mapping[str, Counts]) -> Iterator[Row]:
    recorded = recorded_numbers(connection, run)
    for cell, (begun, ended) in tally.items():
        for number in set(range(1, begun + 1)) - recorded.get(cell, set()):
            # What had ended did not end the process. It burned no attempt: how it ended, nobody knows.
            outcome, error = ("cancelled", _UNRECORDED) if number <= ended else ("lost", _UNDER_WAY)
            row = (run, cell, number, outcome, 0.0, 0.0, error, 0, 0.0)
            yield (*row, "not_applicable", 0.0, None, None, None, None, None)


_UNDER_WAY = "the process ended while it was under way"
_UNRECORDED = "it had ended, but the process did too before that was recorded"
