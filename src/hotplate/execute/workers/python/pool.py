"""The workers of a notebook's Python cells: as many as there were calls at the same time."""

from __future__ import annotations

import os
import re
import sys
import threading
import weakref
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from hotplate._platform import signal_name
from hotplate.diagnostic import Diagnostic, Severity
from hotplate.errors import CellCrashed, CellFailed, CellTimedOut, HotplateError, LoadError, RunCancelled
from hotplate.execute.backend import Outcome, OutcomeKind, Request
from hotplate.execute.captured import Outlet, write_on
from hotplate.execute.workers.crash.report import CrashReport, Stage, kind_of
from hotplate.execute.workers.environment import clean_environment
from hotplate.execute.workers.forks import forget_in_children
from hotplate.execute.workers.idleness import Idleness
from hotplate.execute.workers.python.result import NotPortable, PortableFunction, PythonResult

if sys.platform == "linux":
    from hotplate.execute.workers.python.worker import PythonWorker

assert sys.platform == "linux"

if TYPE_CHECKING:
    from hotplate.execute.workers.policy import Policy

MOST_CALLS = 10_000
"""Calls after which a process is replaced: what cells leak goes with it."""
_STREAMS = {"stdout": 1, "stderr": 2}


class PythonPool:
    """Calls Python functions in workers. Thread-safe. As many run at a time as there are callers."""

    def __init__(self, policy: Policy) -> None:
        """Of `policy`, what it says of the environment is kept."""
        self._policy = policy
        self._idle: list[PythonWorker] = []
        self._busy: set[PythonWorker] = set()
        self._lock = threading.Lock()
        self._idleness = Idleness(self._shrink)
        weakref.finalize(self, _close, self._idle)
        forget_in_children(self)

    def execute(self, request: Request) -> Outcome:
        """Makes the call of a Python cell. Raises KeyboardInterrupt alone."""
        try:
            function = PortableFunction.of(request.call)
        except NotPortable as error:
            return Outcome(OutcomeKind.FAILED, error=CellFailed(request.cell, str(error)))
        outlet = Outlet(write_on, request.output, echo=request.echo)
        worker = self._take()
        try:
            worker.start()
            result = worker.call(
                function,
                request.arguments,
                abort=request.abort,
                timeout=request.timeout,
                grace=request.grace,
                on_output=lambda stream, data: outlet(_STREAMS[stream], data),
                measure=request.measure,
            )
        except OSError as error:
            message = f"there is no worker for {request.cell}: {error}"
            return Outcome(OutcomeKind.LOST, error=LoadError(message))
        finally:
            self._give_back(worker)
        return _outcome(request, result)

    def kill(self) -> None:
        """Ends every worker that is at work, at once. Any thread."""
        with self._lock:
            busy = tuple(self._busy)
        for worker in busy:
            worker.kill()

    def close(self) -> None:
        """Ends every worker."""
        self.kill()
        _close(self._idle)

    def forget_parent(self) -> None:
        """In a child that was forked: the workers are the parent's, this process starts its own."""
        for worker in (*self._busy, *self._idle):
            worker.disown()
        self._idle.clear()
        self._busy, self._lock = set(), threading.Lock()
        self._idleness.forget_parent()

    def _take(self) -> PythonWorker:
        with self._lock:
            worker = self._idle.pop() if self._idle else PythonWorker(clean_environment(os.environ, self._policy))
            self._busy.add(worker)
            self._idleness.uses += 1
        return worker

    def _give_back(self, worker: PythonWorker) -> None:
        if worker.calls >= MOST_CALLS:
            worker.close()  # the next call starts another process
        with self._lock:
            self._busy.discard(worker)
            self._idle.append(worker)
        self._idleness.watch()

    def _shrink(self) -> None:
        """Ends all workers without work: an interpreter takes 15 MB and more."""
        with self._lock:
            idle, self._idle[:] = list(self._idle), []
        _close(idle)


def _close(idle: list[PythonWorker]) -> None:
    while idle:
        idle.pop().close()


def _outcome(request: Request, result: PythonResult) -> Outcome:
    error = None if result.kind is OutcomeKind.OK else _error(request, result)
    reason = result.reason if result.kind is OutcomeKind.CANCELLED else ""
    return Outcome(
        result.kind,
        result.value,
        error,
        reason,
        result.started,
        result.seconds,
        1,
        result.stdout,
        result.stderr,
        cooperation=result.cooperation,
        usage=result.usage,
    )


def _error(request: Request, result: PythonResult) -> HotplateError:
    error: HotplateError = CellFailed(request.cell, result.reason)
    if result.kind is OutcomeKind.TIMED_OUT:
        forced = ", and it did not stop when it was asked to" if result.killed else ""
        error = CellTimedOut(request.cell, result.reason + forced)
    elif result.kind is OutcomeKind.CANCELLED:
        error = RunCancelled(f"{request.cell} was stopped: {result.reason}")
    elif result.kind is OutcomeKind.CRASHED:
        error = CellCrashed(_report(request, result))
    error.__cause__ = result.exception
    return error


def _report(request: Request, result: PythonResult) -> CrashReport:
    code = result.exit_code or 0
    name = signal_name(-code)
    headline = f"crashed: {result.reason}"
    return CrashReport(
        cell=request.cell,
        stage=Stage.RUN,
        signal=name,
        headline=headline,
        address=None,
        frames=(),
        where=_where(request, result.traceback, Diagnostic(Severity.ERROR, headline, cell=request.cell, rule=name)),
        inputs=MappingProxyType({name: kind_of(value) for name, value in request.arguments.items()}),
        output=result.stderr.text or result.stdout.text,
        traceback=result.traceback,
    )


def _where(request: Request, traceback: str, blank: Diagnostic) -> Diagnostic:
    """The innermost line in the file of the cell's function: faulthandler's come first."""
    path = getattr(getattr(request.call, "__code__", None), "co_filename", "")
    line = re.search(rf'File "{re.escape(path)}", line (\d+) in ', traceback) if path else None
    return replace(blank, path=path, line=int(line[1]) if line else 0)
