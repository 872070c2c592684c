"""RunStore: what runs did, kept on disk, so that no finished work is lost with the process that did it."""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from hotplate import _platform
from hotplate.errors import StoreError
from hotplate.run.store import codec, describing, event_batches, eviction, place, reading, settling
from hotplate.run.store.artifacts import Artifacts
from hotplate.run.store.change import Change
from hotplate.run.store.connection import connect, explaining
from hotplate.run.store.points import Point, reached
from hotplate.run.store.recording import Recording
from hotplate.run.store.records import Loaded, StoredOutput, StoredValue
from hotplate.run.store.rows import plain
from hotplate.run.store.schema import migrate
from hotplate.run.store.tally import Tally
from hotplate.run.store.writer import Writer
from hotplate.show import Shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from apsw import Connection

    from hotplate.events import Event
    from hotplate.run.state import Trace
    from hotplate.run.store.records import Children, RunDescription, RunRecord, RunSummary
    from hotplate.show import Picture

log = logging.getLogger("hotplate")


class RunStore(Shown):
    """The recorded runs of a directory. Thread-safe; any number of processes may use one directory at once.

    In it are::

        runs.db  artifacts/<xx>/<hash>.npy  logs/<run>/  tallies/<run>-<token>  tmp/<process>/  lock

    Raises StoreError for what can't be read or written. What goes wrong while a run is recorded is not raised but told
    by its Recording.
    """

    def __init__(self, folder: Path, cap_bytes: int) -> None:
        self.folder = folder
        self._path = folder / "runs.db"
        self._tallies = folder / "tallies"
        self._name = os.urandom(4).hex()
        self._numbers = itertools.count(1)
        self._cap_bytes = cap_bytes
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._held = contextlib.ExitStack()
        self._artifacts = Artifacts(folder / "artifacts", folder / "tmp" / self._name)
        self._writer: Writer | None = None
        place.prepare(folder)
        with explaining(self._path), self._opening():
            self._connection = connect(self._path)
            self._held.callback(self._connection.close)
            migrate(self._connection, self._path)
            self._sweep()
        self._finalizer = weakref.finalize(self, _close, self._held, self._process)

    @classmethod
    def open(
        cls, folder: Path | None = None, environ: Mapping[str, str] = os.environ, *, create: bool = True
    ) -> RunStore:
        """Opens the store, by default that of HOTPLATE_RUNS_DIR or the platform's place; makes it if there is none.

        Raises StoreError where it can't be used: no right to write, another machine's disk, a damaged file, a later
        version's file; and, unless it may `create` one, where there is none.
        """
        folder = folder or place.default_folder(environ)
        if not create:
            place.refuse_missing(folder)
        return cls(folder, place.default_cap(environ))

    def close(self) -> None:
        """Records what is pending, and lets go of the files. Also happens when the process ends in order."""
        self._finalizer()

    def __enter__(self) -> RunStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- recording ----

    def begin(self, description: RunDescription, cells: Sequence[str]) -> Recording:
        """Begins to record a run of these cells. It is `pending` until something of it is recorded.

        Raises StoreError where that can't even begin.
        """
        recording = self._recording(description.id, self._new_token(), cells, {}, 0)
        insert, contents = describing.insertion(description, cells, recording.token, self._cap_bytes)
        self._writing().put(Change(recording, contents=contents, step=insert))
        return recording

    def claim(self, run: str) -> tuple[RunRecord, Recording]:
        """Takes over a run that ended without being done, or whose owner is dead, to go on with it.

        Of several that try, one gets it. Attempts that had begun and were not recorded are in the record, as lost.
        Where the run is another one from now on, its recording is told: see `Recording.revise`.
        Raises StoreError for an unknown run, one that is done, and one that somebody works on.
        """
        token = self._new_token()
        with self._using() as connection:
            name = reading.find_id(connection, run)
            settling.settle(connection, self._tallies)
            settling.claim(connection, name, token)
            try:
                record = reading.read_run(connection, name)
                begun = {cell: attempts[-1].number for cell, attempts in record.attempts.items()}
                recording = self._recording(name, token, record.cells, begun, record.last_event)
            except BaseException:
                settling.give_back(connection, name, token)
                raise
        self._writing().put(Change(recording))
        return record, recording

    # ---- reading ----

    def runs(
        self, notebook: str | None = None, limit: int | None = None, *, parent: str | None = None
    ) -> list[RunSummary]:
        """The recorded runs, the newest first: all, those of a notebook's path, the children of a run."""
        with self._using() as connection:
            settling.settle(connection, self._tallies)
            return reading.find_runs(connection, None if notebook is None else plain(notebook), parent, limit)

    def find_run(self, prefix: str) -> RunRecord:
        """The run whose name begins like this. Raises StoreError where there is none, or more than one."""
        with self._using() as connection:
            settling.settle(connection, self._tallies)
            with _snapshot(connection):
                return reading.read_run(connection, reading.find_id(connection, prefix))

    def shorten(self, run: str) -> str:
        """As much of a run's name as no other one begins with; four letters at least."""
        with self._using() as connection:
            return reading.shorten(connection, run)

    def events(self, run: str) -> tuple[Event, ...]:
        """The recorded events of a run, in order. After a resume the numbers go on."""
        with self._using() as connection:
            return event_batches.read_events(connection, run)

    def children(self, parent: str) -> Children:
        """The states of the runs that a run began, as they are at this moment."""
        with self._using() as connection:
            return reading.read_children(connection, parent)

    def lookup(self, trace: Trace) -> StoredOutput | None:
        """The newest recorded result that holds for a trace, of whatever run."""
        with self._using() as connection:
            return reading.find_output(connection, trace)

    def load(self, stored: StoredValue | StoredOutput) -> Loaded | None:
        """A recorded value, compared with the hashes of its arrays.

        None where there is none any more: it was never stored, removed for want of space, or the file is damaged or
        can't be read, which is logged.
        """
        value = stored.value if isinstance(stored, StoredOutput) else stored
        if value.text is None:
            return None
        try:
            return Loaded(codec.decode(value.text, self._read))
        except ValueError as error:
            log.warning("a recorded value can't be used: %s", error)
        except _Missing:
            pass
        return None

    def _picture(self) -> Picture:
        from hotplate.run.store.listing import store_picture

        return store_picture(self)

    def delete(self, run: str) -> str:
        """Removes a run and what only it needs; returns its name. The points of a sweep go with it.

        Raises StoreError for one that goes on, and for a point of a sweep.
        """
        with self._using() as connection:
            name = reading.find_id(connection, run)
            settling.settle(connection, self._tallies)
            settling.refuse_child(connection, name, "delete")
            settling.refuse_alive(connection, name)
            eviction.delete_run(connection, self._artifacts, name)
            _platform.remove_tree(self.folder / "logs" / name)
        return name

    # ---- inside ----

    @contextlib.contextmanager
    def _opening(self) -> Iterator[None]:
        """One process at a time opens a store, for it removes what is left of others."""
        own, lock = self.folder / "tmp" / self._name, self.folder / "lock"
        os.close(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600))
        with contextlib.ExitStack() as undo, _platform.lock(lock):
            own.mkdir(mode=0o700)
            undo.callback(self._held.close)
            self._held.enter_context(_platform.hold_directory(own))
            self._held.callback(_platform.remove_tree, own)
            yield
            undo.pop_all()

    def _sweep(self) -> None:
        temporary = self.folder / "tmp"
        somebody_died = False
        for path in temporary.iterdir():
            if path.name.partition(".")[0] != self._name:
                somebody_died |= _remove_if_left(path)
        settling.settle(self._connection, self._tallies)
        settling.remove_tallies(self._connection, self._tallies, temporary)
        if somebody_died:
            eviction.remove_orphans(self._connection, self._artifacts)

    def _writing(self) -> Writer:
        """The writer; a new one when the last one gave up."""
        self._refuse_left()
        with self._lock:
            if self._writer is None or self._writer.error is not None:
                if self._writer is not None:
                    self._writer.close()
                tidy = functools.partial(eviction.evict, artifacts=self._artifacts, cap_bytes=self._cap_bytes)
                self._writer = Writer(self._path, self._artifacts, tidy)
                self._held.callback(self._writer.close)
            return self._writer

    def _recording(
        self, run: str, token: str, cells: Sequence[str], begun: Mapping[str, int], last_event: int
    ) -> Recording:
        writer = self._writing()
        with explaining(self._path):
            tally = Tally(settling.tally_path(self._tallies, run, token), cells, begun)
        reached(Point.TALLY_MADE)
        return Recording(run, token, writer, tally, last_event=last_event, limit=self._cap_bytes)

    def _new_token(self) -> str:
        return f"{self._name}.{next(self._numbers)}"

    @contextlib.contextmanager
    def _using(self) -> Iterator[Connection]:
        self._refuse_left()
        with self._lock, explaining(self._path):
            yield self._connection

    def _refuse_left(self) -> None:
        if not self._finalizer.alive:
            raise StoreError(f"the run store {self.folder} was closed; open it again with RunStore.open")
        if os.getpid() != self._process:  # there is no writer here, and SQLite's connections survive no fork
            raise StoreError(
                f"the run store {self.folder} was opened before this process was forked, and can't be used in both; "
                "open it again here, or the notebook that has it"
            )

    def _read(self, name: str) -> Any:
        try:
            data = self._artifacts.read(name)
        except OSError as error:  # as when another program keeps it to itself for a moment, on Windows
            log.warning("the recorded value %s can't be read: %s", self._artifacts.path(name), error)
            raise _Missing(name) from error
        if data is not None:
            return data
        with self._using() as connection:
            if eviction.forget(connection, self._artifacts, name):
                log.warning("the recorded value %s is damaged and was removed", self._artifacts.path(name))
        raise _Missing(name)


def _close(held: contextlib.ExitStack, process: int) -> None:
    if os.getpid() == process:  # else it is the copy of a store in a child that was forked
        held.close()


class _Missing(Exception):
    """An artifact is not there."""


@contextlib.contextmanager
def _snapshot(connection: Connection) -> Iterator[None]:
    """What is read inside is all of one moment."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _remove_if_left(path: Path) -> bool:
    """Removes a process's directory if that process is dead."""
    try:
        if not path.is_dir():
            path.unlink()  # the lock beside a directory, on Windows, which refuses as long as its holder lives
            return False
        with _platform.hold_directory(path) as nobody_else:
            if nobody_else:
                _platform.remove_tree(path)
            return nobody_else
    except OSError:
        return False
