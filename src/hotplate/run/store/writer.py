"""Writer: the one thread of a process that writes to the store. What is pending goes into one transaction."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import apsw

from hotplate.errors import Backpressure, ShutDown, StoreError
from hotplate.execute import DispatchQueue
from hotplate.run.store import settling
from hotplate.run.store.change import Change
from hotplate.run.store.connection import connect, explain, transaction
from hotplate.run.store.place import ELSEWHERE
from hotplate.run.store.points import Point, reached
from hotplate.run.store.rows import ARTIFACT, ARTIFACT_USE, WORKED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from apsw import SQLiteValue

    from hotplate.run.store.artifacts import Artifacts
    from hotplate.run.store.change import Lease
    from hotplate.run.store.content import Content
    from hotplate.run.store.rows import Rows

log = logging.getLogger("hotplate")

CAPACITY = 4096
"""Changes that may be pending; then who records waits."""
_LOOK = 0.25  # seconds; on Windows, Ctrl-C ends no wait for a lock, and is seen between two
BEAT = 2.0
"""Seconds between two signs of life of a run that goes on."""


class Writer:
    """Takes changes from any thread and records them, in order. Nothing that goes wrong is raised into the run.

    After an error of the disk or the database it records nothing more, and `error` says why. `tidy` is called after
    runs have ended.
    """

    def __init__(self, path: Path, artifacts: Artifacts, tidy: Callable[[apsw.Connection], object]) -> None:
        self.error: StoreError | None = None
        self._path = path
        self._artifacts = artifacts
        self._tidy = tidy
        self._queue: DispatchQueue[Change] = DispatchQueue(CAPACITY)
        self._own: list[Change] = []
        self._leases: dict[str, Lease] = {}
        """Of the runs that go on, by token."""
        self._over: set[str] = set()
        """Tokens of runs that have ended. What was left behind of one may tell of more, but gives no sign of life."""
        self._beaten = time.monotonic()
        self._connection: apsw.Connection
        self._thread = threading.Thread(target=self._work, name="hotplate-runs", daemon=True)
        self._thread.start()
        self._ident = self._thread.ident

    @property
    def is_this_thread(self) -> bool:
        """Whether the caller is a subscriber, whom the one thread that records waits for."""
        return threading.get_ident() == self._ident

    def put(self, change: Change) -> None:
        """Records a change as soon as possible. Waits while too many are pending."""
        try:
            self._queue.put(change, wait=not self.is_this_thread)
        except Backpressure:
            self._own.append(change)  # a subscriber's, who is called from the thread that alone makes room
        except ShutDown:
            self._refuse(change)

    def offer(self, change: Change) -> bool:
        """The same for a change that may grow until it is sealed: without waiting. Returns whether it is pending now.

        Raises Backpressure where too many are.
        """
        try:
            self._queue.put(change)
        except ShutDown:
            self._refuse(change)
            return False
        return True

    def wait_for_room(self) -> None:
        """Waits until fewer changes are pending than may be; for those whom this thread does not wait for."""
        self._queue.wait_for_room()

    def _refuse(self, change: Change) -> None:
        if change.lease is not None:
            change.lease.refuse(StoreError(f"the run store {self._path} was closed, so nothing more is recorded"))
        self._tell([change])

    def flush(self) -> None:
        """Waits until everything that was put before is recorded and told of."""
        if not self.is_this_thread:
            # A bare lock, not an Event: an interrupt that strikes inside Event.wait can leave its inner lock held, for
            # which the thread would then wait without end.
            done = threading.Lock()
            done.acquire()
            self.put(Change(then=done.release))
            while not done.acquire(timeout=_LOOK):
                pass

    def close(self) -> None:
        """Records what is pending and ends. Again does nothing."""
        self._queue.shut_down()
        if not self.is_this_thread:
            self._thread.join()

    def give_back(self, lease: Lease) -> None:
        """Makes a run `lost` whose recording stopped; as far as even that can be recorded."""
        with contextlib.suppress(StoreError, apsw.Error), contextlib.closing(connect(self._path)) as connection:
            settling.give_back(connection, lease.id, lease.token)

    # ---- in the thread ----

    def _work(self) -> None:
        try:
            self._connection = connect(self._path)
        except StoreError as error:
            self._stop(error)
        while (changes := self._queue.take(self._until_beat())) is not None:
            reached(Point.QUEUED)
            own, self._own = self._own, []
            changes = [*own, *changes]
            for change in changes:
                if change.lease is not None:
                    change.lease.seal(change)
            if self.error is None:
                self._protected(changes)
            self._tell(changes)
            own, changes = [], []  # which hold arrays, for as long as nothing more comes
        if self.error is None:
            self._connection.close()

    def _protected(self, changes: Sequence[Change]) -> None:
        try:
            self._record(changes)
        except (apsw.Error, OSError) as error:
            self._stop(explain(error, self._path))
        except Exception as error:
            log.exception("the run store failed")
            self._stop(StoreError(f"the run store {self._path} failed: {type(error).__name__}: {error}"))

    def _stop(self, error: StoreError) -> None:
        log.warning("nothing more of this run is recorded: %s", error)
        self.error = error
        self._leases.clear()
        if hasattr(self, "_connection"):
            self._connection.close()

    def _tell(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.lease is not None:
                for event in change.events:
                    change.lease.tell(event)
            if change.then is not None:
                try:
                    change.then()
                except Exception:
                    log.exception("the run store could not tidy up after a run")
        reached(Point.ANNOUNCED)

    def _record(self, changes: Sequence[Change]) -> None:
        changes = self._write_artifacts(changes)
        leases = {change.lease.token: change.lease for change in changes if change.lease is not None}
        if not leases:
            self._beat_if_due()
            return
        due = time.monotonic() >= self._beaten + BEAT
        with transaction(self._connection):
            reached(Point.TRANSACTION_BEGUN)
            known = self._leases.keys() & leases.keys()
            self._take_steps(changes, leases.keys() - known)
            self._beat(self._leases | leases if due else leases)
            self._take_steps(changes, known)
            self._write_rows([change for change in changes if change.lease is not None and not change.lease.error])
            reached(Point.ROWS_WRITTEN)
        reached(Point.COMMITTED)
        ended = {change.lease.token for change in changes if change.ends is not None and change.lease is not None}
        self._over |= ended
        self._leases |= {token: lease for token, lease in leases.items() if not lease.error}
        for token in self._leases.keys() & self._over:
            del self._leases[token]
        if ended:
            self._tidy(self._connection)

    def _take_steps(self, changes: Iterable[Change], tokens: Collection[str]) -> None:
        for change in changes:
            lease = change.lease
            if change.step is not None and lease is not None and lease.token in tokens and not lease.error:
                change.step(self._connection)

    def _write_artifacts(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Makes the files of the changes, and returns these; those whose files can't be made without their values."""
        contents = {content.name: content for change in changes if _has_files(change) for content in change.contents}
        if not contents:
            return changes
        try:
            self._artifacts.write(contents.values(), self._beat_if_due)
        except OSError:  # one by one: what fits is kept
            return [self._write_files(change) if _has_files(change) else change for change in changes]
        return changes

    def _write_files(self, change: Change) -> Change:
        try:
            self._artifacts.write(change.contents, self._beat_if_due)
        except OSError as error:
            said = error.strerror or str(error)
            problem = said[:1].lower() + said[1:]
            if change.lease is not None:
                told = f"{problem} for {error.filename}; free some, or {ELSEWHERE}" if error.filename else problem
                change.lease.lack(change.describe_value(), told)
            return change.without_values(problem)
        return change

    def _write_rows(self, changes: Sequence[Change]) -> None:
        rows: defaultdict[Rows, list[SQLiteValue]] = defaultdict(list)
        for change in changes:
            for table, values in change.rows.items():
                rows[table] += values
            for content in change.contents:
                self._ensure(content)
                rows[ARTIFACT] += (content.name, self._artifacts.size(content.name))
                rows[ARTIFACT_USE] += (change.lease.id if change.lease else "", content.name)
        for table, added in rows.items():
            table.insert(self._connection, added)
        for run in {change.lease.id for change in changes if change.lease is not None and change.rows}:
            self._connection.execute("UPDATE run SET state = 'running' WHERE id = ? AND state = 'pending'", (run,))
        for change in changes:
            if change.ends is not None:
                change.ends(self._connection)

    def _ensure(self, content: Content) -> None:
        """Nobody removes a file while this transaction is open; somebody may have, between its writing and now."""
        if not self._artifacts.exists(content.name):
            self._artifacts.write([content], lambda: None)

    # ---- signs of life ----

    def _until_beat(self) -> float | None:
        return max(0.0, self._beaten + BEAT - time.monotonic()) if self._leases else None

    def _beat_if_due(self) -> None:
        if self._leases and time.monotonic() >= self._beaten + BEAT:
            with transaction(self._connection):
                self._beat(self._leases)

    def _beat(self, leases: dict[str, Lease]) -> None:
        """Signs that the runs are alive, and finds out which of them are not this process's any more."""
        if leases.keys() >= self._leases.keys():
            self._beaten = time.monotonic()
        now = time.time()
        for token, lease in list(leases.items()):
            self._connection.execute(f"UPDATE run SET {WORKED} WHERE id = ? AND token = ?", (now, now, lease.id, token))
            if not self._connection.changes():
                self._leases.pop(token, None)
                lease.refuse(_taken_over(lease, self._path))


def _has_files(change: Change) -> bool:
    return bool(change.contents) and change.lease is not None and not change.lease.error


def _taken_over(lease: Lease, path: Path) -> StoreError:
    return StoreError(
        f"run {lease.id} in {path} is not this process's any more: another one took it over or deleted it; "
        "what is done here from now on is not recorded"
    )
