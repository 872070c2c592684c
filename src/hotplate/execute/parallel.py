"""ParallelExecutor and ProcessExecutor: independent cells at the same time, on threads or in workers."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from hotplate.errors import SettingError
from hotplate.execute.backend import Outcome, OutcomeKind
from hotplate.execute.dispatch import DispatchQueue
from hotplate.execute.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.execute.abort import AbortHandle
    from hotplate.execute.executor import TaskGraph

GRACE = 0.25
"""Seconds that running cells get to answer a request to stop before they are left behind."""


class ParallelExecutor:
    """Runs up to `jobs` tasks at once; each starts when what it needs is there, with no barrier between levels.

    Of those that could start, the one with the longest way to the end goes first, where times are expected.
    Threads are enough: the interpreter lock is free while native code runs. A thread can't be killed: when the caller
    is interrupted, tasks that do not answer within the grace period are left behind on their (daemon) threads.
    """

    name = "parallel"
    grace = GRACE

    def __init__(self, jobs: int | None = None) -> None:
        if jobs is not None and jobs < 1:
            message = f"jobs must be 1 or more, got {jobs}"
            raise SettingError(message)
        self.jobs = jobs or _processors()

    def execute(
        self,
        graph: TaskGraph,
        call: Callable[[str], Outcome],
        abort: AbortHandle,
        finished: Callable[[str, Outcome], None],
        *,
        keep_going: bool = False,
    ) -> None:
        """See Executor.execute. `finished` is called from the worker threads, one call at a time."""
        scheduler = Scheduler(graph, abort, finished, keep_going)
        crew = _Crew(scheduler, call, abort, min(self.jobs, len(graph.order)))
        try:
            crew.run()
        except BaseException as error:  # KeyboardInterrupt, above all: whatever ends the wait must end the work too
            crew.abandon(error, self.grace)
            raise
        if scheduler.error is not None:
            raise scheduler.error


class ProcessExecutor(ParallelExecutor):
    """Orders cells as ParallelExecutor does and has all of them isolated, so that each can be killed."""

    name = "process"
    isolates = True
    grace = 2.0
    """Seconds: a worker that was asked to stop is killed before they are over, so nothing is left behind."""


class _Crew:
    """The threads of one execution and what they share."""

    def __init__(self, scheduler: Scheduler, call: Callable[[str], Outcome], abort: AbortHandle, size: int) -> None:
        self._scheduler = scheduler
        self._call = call
        self._abort = abort
        self._size = size
        self._lock = threading.Lock()
        self._tasks: DispatchQueue[str] = DispatchQueue(max(size, 1))
        self._running = 0
        """Tasks that have a thread, or are on their way to an idle one."""
        # Held until nothing runs any more. A bare lock, not an Event: an interrupt that strikes inside Event.wait can
        # leave its inner lock held for good.
        self._idle = threading.Lock()
        self._idle.acquire()
        self._abandoned = False

    def run(self) -> None:
        threads = [threading.Thread(target=self._work, name=f"hotplate-{i}", daemon=True) for i in range(self._size)]
        with self._lock:
            self._hand_out()
        for thread in threads:
            thread.start()
        # A signal between the interpreter's last look and the wait itself would not be seen before the next one.
        while not self._idle.acquire(timeout=GRACE):
            pass
        self._tasks.shut_down()
        for thread in threads:
            thread.join()

    def abandon(self, error: BaseException, grace: float) -> None:
        """Waits a little for running tasks, then gives everything that has none an outcome."""
        self._scheduler.fail(error)
        self._idle.acquire(timeout=grace)
        with self._lock:
            self._abandoned = True
            self._scheduler.give_up()
        self._tasks.shut_down()

    def _work(self) -> None:
        while (name := self._tasks.get()) is not None:
            following: str | None = name
            while following is not None:
                following = self._run(following)

    def _run(self, name: str) -> str | None:
        """Runs one task and returns what this thread does next: a task made ready here needs no hand-over."""
        outcome = self._attempt(name)
        with self._lock:
            if self._abandoned:
                return None
            self._running -= 1
            self._scheduler.finish(name, outcome)
            following = self._start()
            self._hand_out()
            return following

    def _attempt(self, name: str) -> Outcome:
        if self._abort.aborted:  # since it was handed out
            return Outcome(OutcomeKind.CANCELLED, reason=self._abort.reason)
        try:
            return self._call(name)
        except BaseException as error:
            self._scheduler.fail(error)
            return Outcome(OutcomeKind.LOST, error=error, started=time.time())

    def _start(self) -> str | None:
        name = self._scheduler.start()
        self._running += name is not None
        return name

    def _hand_out(self) -> None:
        """Gives ready tasks to idle threads; ends the run when nothing runs nor can start.

        None is handed out ahead of that: it would start after tasks that become ready later and are more urgent.
        """
        while self._running < self._size and (name := self._start()) is not None:
            self._tasks.put(name)
        if self._running == 0:
            self._scheduler.give_up()
            self._idle.release()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
