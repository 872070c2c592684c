"""InProcessBackend: cells run in this process, at full speed and without protection."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.abi import ffi, lib
from hotplate.errors import CellRejected, HotplateError
from hotplate.execute.abort import AbortHandle
from hotplate.execute.backend import Backend, Capabilities, Isolation, Outcome, OutcomeKind, Request, TimeoutKind
from hotplate.execute.deadlines import deadlines
from hotplate.execute.interrupt import foreground
from hotplate.execute.verdict import failure_of, verdict_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LATE = "timed out"


class InProcessBackend(Backend):
    """Calls cells in the thread that asks.

    A crash takes the process along; a time-out is a request to stop, which a cell may miss.
    """

    name = "inprocess"
    capabilities = Capabilities(isolation=Isolation.IN_PROCESS, timeout=TimeoutKind.COOPERATIVE)

    def __init__(self) -> None:
        self._running: dict[int, tuple[str, Any]] = {}

    def supports_language(self, language: str) -> bool:
        """All three: C, C++ and Python."""
        return language in ("c", "c++", "python")

    def execute(self, request: Request) -> Outcome:
        """See Backend.execute."""
        if reason := self._refusal(request):
            return Outcome(OutcomeKind.REJECTED, error=CellRejected(request.cell, reason), reason=reason)
        if request.abort.aborted:
            return Outcome(OutcomeKind.CANCELLED, reason=request.abort.reason)
        with _limited(request) as abort:
            return self._timed(request, abort)

    def progress(self) -> Mapping[str, tuple[int, int]]:
        """See Backend.progress."""
        done, total = ffi.new("int64_t *"), ffi.new("int64_t *")
        reports = {}
        for cell, host in tuple(self._running.values()):
            lib.hp_host_progress(host, done, total)
            if done[0] or total[0]:
                reports[cell] = (int(done[0]), max(int(total[0]), 0))
        return reports

    def _refusal(self, request: Request) -> str:
        if not self.supports_language(request.language):
            return f"the {self.name} backend can't run {request.language}"
        if request.isolate:
            return "it asks for isolate, and cells run in this process; take isolate off its section to run it here"
        return ""

    def _timed(self, request: Request, abort: AbortHandle) -> Outcome:
        started, begin = time.time(), time.perf_counter()
        value: Any = None
        error: HotplateError | None = None
        try:
            call = self._call_native if request.language != "python" else _call_python
            value = call(request, abort)
        except HotplateError as raised:
            error = raised
        except Exception as raised:
            error = failure_of(request.cell, raised)
        seconds = time.perf_counter() - begin
        kind, error = verdict_on(request.cell, request.timeout, error, seconds, late=abort.reason == _LATE)
        return Outcome(kind, value if kind is OutcomeKind.OK else None, error, "", started, seconds, 1)

    def _call_native(self, request: Request, abort: AbortHandle) -> Any:
        host = ffi.gc(lib.hp_host_new(abort.word), lib.hp_host_free)
        if host == ffi.NULL:
            raise MemoryError
        thread = threading.get_ident()
        self._running[thread] = (request.cell, host)
        with foreground(abort, request.cell, request.polls):
            try:
                lib.hp_host_enter(host)
                return request.call(**request.arguments)
            finally:
                lib.hp_host_enter(ffi.NULL)
                del self._running[thread]


@contextmanager
def _limited(request: Request) -> Iterator[AbortHandle]:
    """The handle that the call runs under: the run's own, or a child that a deadline sets as well."""
    if request.timeout is None:
        yield request.abort
        return
    child = AbortHandle(request.abort)
    deadline = deadlines.after(request.timeout, lambda: child.abort(_LATE))
    try:
        yield child
    finally:
        deadlines.cancel(deadline)
        request.abort.release(child)


def _call_python(request: Request, _abort: AbortHandle) -> Any:
    value = request.call(**request.arguments)
    if type(value) is not np.ndarray:
        return value
    shared = value.view()  # the function may keep its own array and write to it; what others get they may not
    shared.flags.writeable = False
    return shared
