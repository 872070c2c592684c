"""Child runs: the points of a sweep, which are rows of their own beside the run that computes them.

They have no tally, no heartbeat and no owner but their parent's: what becomes of it becomes of those that are open.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from hotplate.run.store.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apsw import Connection, SQLiteValue

    from hotplate.run.store.records import RunState

_OPEN = "('pending', 'running', 'resuming')"


def child_id(parent: str, number: int) -> str:
    """The name of a run's child, by its number from 0."""
    return f"{parent}.{number}"


def insert_children(
    connection: Connection, parent: str, points: Sequence[Mapping[str, Any]], cells: Sequence[str]
) -> None:
    """Adds a pending child for each point, with what it has in common with its parent. Those that are there stay.

    `points` have the encoded values of each child by name; `cells` are the names of its cells. What it was given and
    with which options stands in its parent's row alone.
    """
    # One statement, for which Python's lock is given back once: row by row, a thread that computes makes 20,000 points
    # take 3.7 s, in which no result of them is recorded.
    connection.execute(
        "INSERT OR IGNORE INTO run (id, notebook, source, plan, targets, given, options, point, parent, version, cells,"
        " state, problem, began, heartbeat, token, host, pid, started, boot, namespace)"
        " SELECT run.id || '.' || key, notebook, source, plan, targets, NULL, NULL, value, run.id, version, ?,"
        " 'pending', '', began, heartbeat, token, host, pid, started, boot, namespace FROM run, json_each(?)"
        " WHERE run.id = ? ORDER BY key",
        (json.dumps(list(cells)), json.dumps(points), parent),
    )


class _Ends:
    """How children ended, as rows of their names, states and problems, which are written like those of a table.

    The time that one took is that of its parent until then.
    """

    def insert(self, connection: Connection, values: Sequence[SQLiteValue]) -> None:
        """Takes them down, within the transaction that is open."""
        connection.execute(
            "UPDATE run SET state = value ->> 1, problem = value ->> 2, ended = ?1, worked = ("
            "SELECT whole.worked + MAX(0, ?1 - whole.heartbeat) FROM run AS whole WHERE whole.id = run.parent)"
            " FROM json_each(?2) WHERE run.id = value ->> 0",
            (time.time(), json.dumps(list(rows_of(values, 3)))),
        )


ENDS = _Ends()


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
