"""Keeps the artifacts within their size, and removes files that no row tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.run.store.connection import transaction
from hotplate.run.store.points import Point, reached

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apsw import Connection

    from hotplate.run.store.artifacts import Artifacts

_UNDER_WAY = "('pending', 'running', 'resuming')"

# Those of the run that ended longest ago first; a file of several runs counts as the last one's.
_REMOVABLE = f"""
    SELECT artifact.name, artifact.size FROM artifact
    LEFT JOIN artifact_use ON artifact_use.artifact = artifact.name
    LEFT JOIN run ON run.id = artifact_use.run
    GROUP BY artifact.name
    HAVING COALESCE(SUM(run.state IN {_UNDER_WAY}), 0) = 0
    ORDER BY COALESCE(MAX(run.ended), 0), artifact.name
"""


def evict(connection: Connection, artifacts: Artifacts, cap_bytes: int) -> int:
    """Removes artifacts of ended runs until all take no more than `cap_bytes`. Returns the bytes freed.

    What a run that goes on has recorded stays, also beyond the cap.
    """
    excess = _total(connection) - cap_bytes
    if excess <= 0:
        return 0
    freed, names = 0, []
    with transaction(connection):
        for name, size in connection.execute(_REMOVABLE):
            if freed >= excess:
                break
            names.append(str(name))
            freed += int(size)
        connection.executemany("DELETE FROM artifact WHERE name = ?", [(name,) for name in names])
    remove_files(connection, artifacts, names)
    return freed


def remove_files(connection: Connection, artifacts: Artifacts, names: Iterable[str]) -> None:
    """Removes the files of artifacts that have no row (any more), and no others.

    First the rows, for certain, then the files: a row without its file can't be. While the files go, nobody else writes
    to the database, so nobody adds a row for a file that is about to go.
    """
    reached(Point.ARTIFACTS_FORGOTTEN)
    with transaction(connection):
        for name in names:
            if not list(connection.execute("SELECT 1 FROM artifact WHERE name = ?", (name,))):
                artifacts.remove(name)


def forget(connection: Connection, artifacts: Artifacts, name: str) -> bool:
    """Removes an artifact whose file is damaged or gone. False: there was no row of it."""
    with transaction(connection):
        connection.execute("DELETE FROM artifact WHERE name = ?", (name,))
        known = bool(connection.changes())
    remove_files(connection, artifacts, [name])
    return known


def remove_orphans(connection: Connection, artifacts: Artifacts) -> None:
    """Removes the files that a process left behind that died before they had a row."""
    known = {name for (name,) in connection.execute("SELECT name FROM artifact")}
    if orphans := [name for name in artifacts.names() if name not in known]:
        remove_files(connection, artifacts, orphans)


def delete_run(connection: Connection, artifacts: Artifacts, run: str) -> None:
    """Removes a run and those that it began, with everything that no other one needs."""
    with transaction(connection):
        names = [str(name) for (name,) in connection.execute(_ONLY_HERE, (run,))]
        connection.executemany("DELETE FROM artifact WHERE name = ?", [(name,) for name in names])
        for table in ("result", "attempt", "event_batch", "artifact_use"):
            connection.execute(f"DELETE FROM {table} WHERE run IN {_FAMILY}", (run,))
        connection.execute("DELETE FROM run WHERE id = ?1 OR parent = ?1", (run,))
        connection.execute("DELETE FROM source WHERE hash NOT IN (SELECT source FROM run)")
    remove_files(connection, artifacts, names)


_FAMILY = "(SELECT id FROM run WHERE id = ?1 OR parent = ?1)"
_ONLY_HERE = f"""
    SELECT DISTINCT artifact FROM artifact_use WHERE run IN {_FAMILY}
    AND artifact NOT IN (SELECT artifact FROM artifact_use WHERE run NOT IN {_FAMILY})
"""


def _total(connection: Connection) -> int:
    ((total,),) = connection.execute("SELECT COALESCE(SUM(size), 0) FROM artifact")
    return int(total)
