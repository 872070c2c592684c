"""Connections to the store's database, and what SQLite's errors mean for whoever uses it."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TYPE_CHECKING

import apsw

from hotplate.errors import StoreError
from hotplate.run.store.place import ELSEWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY = 30_000  # milliseconds to wait for another process; a transaction takes some
_FULL = frozenset(getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name))


def connect(path: Path) -> apsw.Connection:
    """Opens the database; makes it where there is none. Nobody else may read it. Raises StoreError."""
    with explaining(path):
        # The journals get the mode of the file, which the process's umask must not widen.
        # Only a file that is new: closing one that is there frees every lock that this process has on it (POSIX), and
        # another process then takes itself for the last user and removes the journal that this one goes on writing to.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        connection = apsw.Connection(os.fspath(path))
        try:
            connection.set_busy_timeout(BUSY)
            if sys.platform == "win32":
                # By asking again: waiting inside Windows is new in SQLite, and Wine never wakes who waits like that.
                connection.setlk_timeout(0, 0)
            connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", "full")
        except BaseException:
            connection.close()
            raise
        return connection


@contextlib.contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """All or nothing; nobody else writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(apsw.Error):  # SQLite may have done it itself
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextlib.contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turns an error of SQLite or of the system into a StoreError."""
    try:
        yield
    except (apsw.Error, OSError, UnicodeError) as error:  # of a path that is no text
        raise explain(error, path) from error


def explain(error: Exception, path: Path) -> StoreError:
    """What an error with the store's files means, and what to do about it."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, (apsw.CorruptError, apsw.NotADBError)):
        return StoreError(
            f"the run store {path} is damaged ({said}); move it aside and hotplate makes a new one, "
            f"`sqlite3 {path} .recover` shows what can be read, or {ELSEWHERE}"
        )
    if isinstance(error, apsw.BusyError):
        return StoreError(
            f"the run store {path} was in another process's hands for more than {BUSY // 1000} s ({said}); "
            f"end that process, or {ELSEWHERE}"
        )
    full = isinstance(error, apsw.FullError) or getattr(error, "errno", None) in _FULL
    remedy = "free some space" if full or isinstance(error, apsw.IOError) else "make it writable"
    return StoreError(f"the run store {path} can't be written: {said}; {remedy}, or {ELSEWHERE}")
