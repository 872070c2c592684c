"""WorkerPool: the workers of one notebook: at most so many at a time, and one more that waits for its turn."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from hotplate.errors import HotplateError
from hotplate.events import log
from hotplate.execute.workers.crash.causes import OutOfMemory
from hotplate.execute.workers.forks import forget_in_children
from hotplate.execute.workers.idleness import Idleness
from hotplate.execute.workers.library import Libraries
from hotplate.execute.workers.threads import apart
from hotplate.execute.workers.worker import FALSE_STARTS, Worker
from hotplate.load.problems import WorkerDied

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hotplate.execute.workers.library import RemoteLibrary

MOST_CALLS = 10_000
"""Calls after which a worker is replaced: what cells leak goes with it."""
MOST_OUTDATED = 16
"""Libraries that nobody calls any more after which a worker is replaced, which runs destructors of their objects."""


class Loan:
    """A worker while a thread has it. A context manager.

    One that is dead or was interrupted afterwards is buried at its end, so that all that was given out to it is final.
    """

    __slots__ = ("_give_back", "_worker")

    def __init__(self, worker: Worker, give_back: Callable[[Worker], None]) -> None:
        self._worker = worker
        self._give_back = give_back

    def __enter__(self) -> Worker:
        return self._worker

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        worker = self._worker
        try:
            if error is not None:
                worker.leave()  # an interrupt may have struck before the call did that
                if isinstance(error, WorkerDied):
                    error.death = worker.bury()
                elif worker.is_gone:
                    worker.bury()
                worker.printed()  # the rest of it goes to whoever listens, who does so no more then
        finally:
            self._give_back(worker)


class WorkerPool:
    """Gives out workers, one thread each. Thread-safe; who waits longest is served first.

    A dead worker is replaced by one that is running already. All of them end with the pool.
    """

    def __init__(self, start: Callable[[], Worker], size: int | None = None, *, spares: bool = True) -> None:
        """`start` makes a worker; `size` is how many may be at work at a time (None: one for each processor).

        Without `spares` none is started before it is needed: for a pool that makes a call or two.
        """
        self._start = start
        self._has_spares = spares
        self._size = size or os.cpu_count() or 1
        self._idle: list[Worker] = []
        """The one that was used last is at the end: its memory is warm."""
        self._busy: dict[int, Worker | None] = {}
        """By the thread that has it; None: it is being started."""
        self._waiting: deque[object] = deque()
        self._spares = 0
        # Taken by itself, not through the condition: an interrupt can strike in Condition.__enter__ and leave it held.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._libraries = Libraries()
        self._leaving: set[Worker] = set()
        self._closed = False
        self._idleness = Idleness(self._shrink)
        self.out_of_memory = OutOfMemory()
        _pools.add(self)
        forget_in_children(self)

    @property
    def workers(self) -> tuple[int, ...]:
        """The numbers of its processes."""
        with self._lock:
            return tuple(worker.process for worker in (*self._at_work(), *self._idle, *self._leaving))

    def library(self, path: Path, unit_key: str | None = None) -> RemoteLibrary:
        """A library as a worker describes it; opened in one, for its constructors may crash.

        Raises LoadError, HandshakeError, WorkerDied.
        """
        return self._libraries.get(path.absolute(), unit_key, self._description)

    def _description(self, path: Path, number: int) -> bytes:
        for left in reversed(range(FALSE_STARTS)):
            try:
                with self.worker() as worker:
                    return worker.open(path, number)
            except WorkerDied as died:
                if not died.death.idle or not left:
                    raise
        raise AssertionError

    def worker(self, number: int = 0) -> Loan:
        """A worker for this thread, if there is one that has loaded library `number`; waits until one is free."""
        return Loan(self._take(number), self._give_back)

    def progress(self) -> dict[str, tuple[int, int]]:
        """How far the calls under way are, by cell: how much is done, and of how much (0: unknown)."""
        with self._lock:
            busy = self._at_work()
        return {worker.cell: reported for worker in busy if worker.cell and any(reported := worker.progress())}

    def kill(self) -> None:
        """Ends every worker that is at work, at once. Any thread."""
        with self._lock:
            busy = self._at_work()
        for worker in busy:
            worker.kill()

    def close(self) -> None:
        """Ends every worker. Those at work are killed. A call that comes later has one to itself, for once."""
        with self._lock:
            self._closed = True
            idle, self._idle, leaving = self._idle, [], tuple(self._leaving)
            self._changed.notify_all()
        self.kill()
        for worker in leaving:
            worker.kill()  # its thread buries it
        for worker in idle:
            worker.bury()

    def open(self) -> None:
        """Keeps workers again, after `close`."""
        with self._lock:
            self._closed = False

    def forget_parent(self) -> None:
        """In a child that was forked: the workers are the parent's, this process starts its own."""
        for worker in (*self._at_work(), *self._idle, *self._leaving):
            worker.disown()
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._idle, self._busy, self._leaving = [], {}, set()
        self._libraries.forget_parent()
        self._waiting.clear()
        self._spares = 0
        self._idleness.forget_parent()

    # ---- giving out ----

    def _take(self, number: int) -> Worker:
        own = threading.get_ident()
        with self._lock:
            # What this thread still has: an interrupt struck between its being taken and being used.
            self._busy.pop(own, None)
            if self._waiting or not self._has_room():
                self._wait()
            self._idleness.uses += 1
            worker = self._busy[own] = self._choose(number)
        return worker or self._start_now(own)

    def _wait(self) -> None:
        """Waits for this thread's turn and for room."""
        ticket = object()
        self._waiting.append(ticket)
        try:
            self._changed.wait_for(lambda: self._waiting[0] is ticket and self._has_room())
        finally:  # also after Ctrl-C, or those behind would wait for ever
            self._waiting.remove(ticket)
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return len(self._busy) < self._size

    def _at_work(self) -> tuple[Worker, ...]:
        return tuple(worker for worker in self._busy.values() if worker is not None)

    def _start_now(self, own: int) -> Worker:
        try:
            worker = self._start()
        except BaseException:
            with self._lock:
                del self._busy[own]
                self._changed.notify_all()
            raise
        with self._lock:
            self._busy[own] = worker
        return worker

    def _choose(self, number: int) -> Worker | None:
        """The idle worker that was used last, of those with the library if there are any.

        Whether it still lives is not asked, for that costs a microsecond: who finds it dead is given another one.
        """
        while self._idle:
            known = (i for i in range(len(self._idle) - 1, -1, -1) if number in self._idle[i].libraries)
            worker = self._idle.pop(next(known, -1))
            if not worker.is_doomed:
                return worker
            worker.bury()
        return None

    def _bury_the_dead(self) -> None:
        """Of the idle ones: what ended one worker may have ended others."""
        with self._lock:
            dead = [worker for worker in self._idle if worker.is_gone]
            self._idle = [worker for worker in self._idle if worker not in dead]
        for worker in dead:
            worker.bury()

    def _give_back(self, worker: Worker) -> None:
        if worker.is_doomed:
            worker.bury()
        if worker.death is not None:
            self._bury_the_dead()
        with self._lock:
            own = threading.get_ident()
            if self._busy.get(own) is worker:
                del self._busy[own]
            worn = self._is_worn(worker) and worker.death is None
            usable = worker.death is None and not self._closed and not worn
            if usable:
                self._idle.append(worker)
            elif worn and not self._closed:
                self._leaving.add(worker)
            if self._waiting:
                self._changed.notify_all()
        if self._closed:
            worker.bury()
        elif worn:
            apart("hotplate-retire", partial(self._retire, worker))
        if not usable or not self._idleness.uses % 64 or self._idleness.uses == 1:
            self._keep_spare()
        if len(self._idle) > 1:
            self._idleness.watch()

    def _is_worn(self, worker: Worker) -> bool:
        outdated = self._libraries.outdated(worker.libraries)
        if len(outdated) < MOST_OUTDATED:
            return worker.calls >= MOST_CALLS
        others = (other.libraries for other in (*self._at_work(), *self._idle))
        self._libraries.forget(outdated.difference(*others))
        return True

    def _retire(self, worker: Worker) -> None:
        """Lets a worn one leave, on a thread of its own: destructors of global objects may take their time."""
        try:
            worker.retire()
        finally:
            with self._lock:
                self._leaving.discard(worker)

    # ---- spares ----

    def _keep_spare(self) -> None:
        """Starts a worker in the background, unless one is idle."""
        with self._lock:
            enough = bool(self._idle) and len(self._idle) + len(self._busy) > 1
            if enough or self._spares or self._closed or not self._has_spares:
                return
            self._spares += 1
        apart("hotplate-spare", self._start_spare)

    def _start_spare(self) -> None:
        worker = None
        try:
            with suppress(OSError, HotplateError, WorkerDied):  # the next call that needs one says what is wrong
                worker = self._start_warm()
        finally:
            with self._lock:
                self._spares -= 1
        with self._lock:
            if worker is not None and not self._closed:
                self._idle.insert(0, worker)
                worker = None
            self._changed.notify_all()
        if worker is not None:
            worker.bury()
        self._idleness.watch()

    def _start_warm(self) -> Worker:
        """One for which that is done already that its first call would have to wait for."""
        worker = self._start()
        try:
            worker.prepare()
            self._libraries.preload(worker)
        except WorkerDied:
            worker.bury()
            raise
        return worker

    def _shrink(self) -> None:
        """Ends all workers without work but the one that was used last."""
        with self._lock:
            surplus, self._idle = self._idle[:-1], self._idle[-1:]
        for worker in surplus:
            worker.bury()


_pools: weakref.WeakSet[WorkerPool] = weakref.WeakSet()


def _close_all() -> None:
    for pool in tuple(_pools):
        pool.close()
        log.debug("the workers of a pool have ended")


atexit.register(_close_all)
