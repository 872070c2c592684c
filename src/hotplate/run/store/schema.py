"""The tables of the store, and how a file of an earlier version becomes one of this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from apsw import Connection

APPLICATION = 0x686F7470
"""Marks the file as hotplate's for whoever asks what it is (`PRAGMA application_id`): `hotp`."""

MIGRATIONS = (
    """
    CREATE TABLE source (hash TEXT PRIMARY KEY, text BLOB NOT NULL);

    CREATE TABLE run (
        number INTEGER PRIMARY KEY, -- in the order in which they began
        id TEXT NOT NULL UNIQUE,
        notebook TEXT NOT NULL,
        source TEXT NOT NULL, -- the hash of the notebook's text
        plan TEXT NOT NULL, -- the hash of what was to be run
        targets TEXT NOT NULL, -- JSON, as are the next three, and `cells`
        given TEXT, -- none: as its parent
        options TEXT, -- likewise
        point TEXT NOT NULL, -- the parameters of a sweep that are this run's own
        parent TEXT, -- the run that began this one
        version TEXT NOT NULL, -- hotplate's
        cells TEXT NOT NULL,
        state TEXT NOT NULL,
        problem TEXT NOT NULL, -- why it is not `done`
        began REAL NOT NULL, -- seconds since the epoch, as all times
        ended REAL,
        heartbeat REAL NOT NULL, -- the last sign of life
        worked REAL NOT NULL DEFAULT 0, -- seconds up to that, without the breaks before a resume
        token TEXT NOT NULL, -- of the recording that may write to it: another one's rows are refused
        host TEXT NOT NULL, pid INTEGER NOT NULL, started INTEGER NOT NULL, boot TEXT NOT NULL, namespace TEXT NOT NULL
    );
    CREATE INDEX run_by_notebook ON run (notebook);
    CREATE INDEX run_by_parent ON run (parent) WHERE parent IS NOT NULL;
    CREATE INDEX run_under_way ON run (state) WHERE state IN ('pending', 'running', 'resuming');

    CREATE TABLE result (
        number INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        cell TEXT NOT NULL,
        status TEXT NOT NULL,
        kept INTEGER NOT NULL,
        given INTEGER NOT NULL,
        started REAL NOT NULL,
        seconds REAL NOT NULL,
        attempts INTEGER NOT NULL,
        reason TEXT NOT NULL,
        error TEXT NOT NULL,
        key TEXT NOT NULL, -- the build key
        compiler TEXT NOT NULL,
        trace TEXT, -- a hash of `key` and `inputs`; none: the value holds for this run only
        inputs TEXT NOT NULL, -- JSON: for each parameter the hash of its content
        contents TEXT NOT NULL, -- JSON: the hashes of the value and of its fields
        value TEXT, -- JSON; none: there is no value, or it could not be stored
        unstored TEXT NOT NULL, -- why it could not be
        UNIQUE (run, cell)
    );
    CREATE INDEX result_by_trace ON result (trace) WHERE trace IS NOT NULL;
    CREATE VIEW trace AS SELECT trace AS hash, key, inputs, contents, value, run, cell, number
        FROM result WHERE trace IS NOT NULL;

    CREATE TABLE attempt (
        run TEXT NOT NULL,
        cell TEXT NOT NULL,
        number INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        started REAL NOT NULL,
        seconds REAL NOT NULL,
        error TEXT NOT NULL,
        unkillable INTEGER NOT NULL,
        not_before REAL NOT NULL,
        answer TEXT NOT NULL, requested REAL NOT NULL, observed REAL, returned REAL, -- its cooperation
        user_seconds REAL, system_seconds REAL, peak_kib INTEGER, -- its usage
        PRIMARY KEY (run, cell, number)
    ) WITHOUT ROWID;

    CREATE TABLE artifact (name TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE artifact_use (
        run TEXT NOT NULL, artifact TEXT NOT NULL, PRIMARY KEY (artifact, run)
    ) WITHOUT ROWID;
    CREATE INDEX artifact_use_by_run ON artifact_use (run);

    CREATE TABLE event (
        run TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        kind TEXT NOT NULL,
        time REAL NOT NULL,
        cell TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        data TEXT NOT NULL, -- JSON
        PRIMARY KEY (run, sequence)
    ) WITHOUT ROWID;
    """,
    # %!.17g: SQLite's own text of a number in JSON has 15 digits, with which a time is 5 us off.
    """
    CREATE TABLE event_batch (
        run TEXT NOT NULL,
        first INTEGER NOT NULL, -- the numbers of its events
        last INTEGER NOT NULL,
        events TEXT NOT NULL, -- JSON: of each its number, kind, time, cell, attempt, and its data as JSON text
        PRIMARY KEY (run, first)
    ) WITHOUT ROWID;
    INSERT INTO event_batch SELECT run, MIN(sequence), MAX(sequence), json_group_array(
        json_array(sequence, kind, json(printf('%!.17g', time)), cell, attempt, data) ORDER BY sequence
    ) FROM event GROUP BY run;
    DROP TABLE event;
    """,
    """
    -- 1: the last attempt led to this, and is in no row of its own. Its usage follows.
    ALTER TABLE result ADD COLUMN attempted INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE result ADD COLUMN user_seconds REAL;
    ALTER TABLE result ADD COLUMN system_seconds REAL;
    ALTER TABLE result ADD COLUMN peak_kib INTEGER;
    """,
)
"""What makes each version from the one before it. A step that was released is never changed: others are added."""


def migrate(connection: Connection, path: Path, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Brings the file up to this version, at once or not at all. Raises StoreError for one of a later version."""
    if _version(connection) == len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection)  # another process may have been first
        if found > len(migrations):
            raise StoreError(
                f"the run store {path} is of version {found}, and this hotplate knows versions up to "
                f"{len(migrations)}: use the newer hotplate, or set HOTPLATE_RUNS_DIR to a directory elsewhere"
            )
        for step in migrations[found:]:
            connection.execute(step)
        connection.execute(f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {len(migrations)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: Connection) -> int:
    return int(connection.pragma("user_version"))
