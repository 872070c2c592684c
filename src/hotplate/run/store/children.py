"""Child runs: the points of a sweep, which are rows of their own beside the run that computes them.

They have no tally, no heartbeat and no owner but their parent's: what becomes of it becomes of those that are open.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apsw import Connection

    from hotplate.run.store.records import RunState

_OPEN = "('pending', 'running', 'resuming')"


def child_id(parent: str, number: int) -> str:
    """The name of a run's child, by its number from 0."""
    return f"{parent}.{number}"


def insert_children(
    connection: Connection, parent: str, points: Iterable[Mapping[str, Any]], cells: Sequence[str]
) -> None:
    """Adds a pending child for each point, with what it has in common with its parent. Those that are there stay.

    `points` have the encoded values of each child by name; `cells` are the names of its cells.
    """
    rows = ((child_id(parent, i), json.dumps(point), json.dumps(list(cells)), parent) for i, point in enumerate(points))
    connection.executemany(
        "INSERT OR IGNORE INTO run (id, notebook, source, plan, targets, given, options, point, parent, version, cells,"
        " state, problem, began, heartbeat, token, host, pid, started, boot, namespace)"
        " SELECT ?, notebook, source, plan, targets, given, options, ?, id, version, ?,"
        " 'pending', '', began, heartbeat, token, host, pid, started, boot, namespace FROM run WHERE id = ?",
        rows,
    )


def end_children(connection: Connection, ended: Iterable[tuple[str, RunState, str]]) -> None:
    """Takes down how children ended: their names, states and problems."""
    now = time.time()
    connection.executemany(
        "UPDATE run SET state = ?, problem = ?, ended = ? WHERE id = ?",
        ((state.value, problem, now, child) for child, state, problem in ended),
    )


def close_children(connection: Connection, parent: str, state: RunState) -> None:
    """Ends the children that are open when their parent ends."""
    connection.execute(
        f"UPDATE run SET state = ?, ended = ? WHERE parent = ? AND state IN {_OPEN}", (state.value, time.time(), parent)
    )


def reopen_children(connection: Connection, parent: str) -> None:
    """Makes the children pending again that are not done, when their parent is resumed."""
    connection.execute(
        "UPDATE run SET state = 'pending', problem = '', ended = NULL WHERE parent = ? AND state != 'done'", (parent,)
    )
