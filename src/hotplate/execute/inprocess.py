"""InProcessBackend: cells run in this process, at full speed and without protection."""

from __future__ import annotations

import threading
import time
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.abi import ffi, lib
from hotplate.errors import CellRejected, HotplateError
from hotplate.execute.abort import AbortHandle
from hotplate.execute.backend import Backend, Capabilities, Isolation, Outcome, OutcomeKind, Request, TimeoutKind
from hotplate.execute.call_threads import call_threads
from hotplate.execute.cooperation import NOBODY_ASKED, Cooperation, cooperation_of
from hotplate.execute.interrupt import foreground, hearing
from hotplate.execute.usage import thread_times, used_since
from hotplate.execute.verdict import failure_of, left_behind, verdict_on

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.execute.call_threads import CallThread, ThreadedCall

_OK = OutcomeKind.OK  # once: see Outcome.ok
_LATE = "timed out"
_LANGUAGES = ("c", "c++", "python")


class InProcessBackend(Backend):
    """Calls cells in the thread that asks; those with a time-out on another, where they can be left behind.

    A crash takes the process along. A time-out is a request to stop, which a cell may miss: then its outcome is
    `unkillable`, and the call goes on.
    """

    name = "inprocess"
    capabilities = Capabilities(isolation=Isolation.IN_PROCESS, timeout=TimeoutKind.COOPERATIVE)

    def __init__(self) -> None:
        self._running: dict[int, tuple[str, Any]] = {}

    def supports_language(self, language: str) -> bool:
        """All three: C, C++ and Python."""
        return language in _LANGUAGES

    def execute(self, request: Request) -> Outcome:
        """See Backend.execute."""
        if reason := self._refusal(request):
            return Outcome(OutcomeKind.REJECTED, error=CellRejected(request.cell, reason), reason=reason)
        if request.abort.aborted:
            return Outcome(OutcomeKind.CANCELLED, reason=request.abort.reason)
        if request.timeout is not None:
            return self._limited(request, request.timeout)
        return self._timed(request, request.abort)

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
        if request.language not in _LANGUAGES:
            return f"the {self.name} backend can't run {request.language}"
        if request.isolate:
            return "it asks for isolate, and cells run in this process; take isolate off its section to run it here"
        if request.clean_env:
            return "it asks for a clean environment, and this process has the session's; it takes isolate as well"
        return ""

    def _limited(self, request: Request, timeout: float) -> Outcome:
        """Makes the call on another thread, and leaves it behind there when its time is over."""
        abort = AbortHandle(request.abort)
        context = copy_context()
        thread = call_threads.take()
        try:
            with hearing(abort):
                call = thread.call(lambda: context.run(self._timed, request, abort))
                if _is_over(call, request, timeout, abort):
                    return call.result()
            return self._left_behind(request, timeout, abort, thread, call.seconds)
        finally:
            request.abort.release(abort)
            if not call_threads.give_back(thread):
                self._running.pop(thread.number, None)

    def _left_behind(
        self, request: Request, timeout: float, abort: AbortHandle, thread: CallThread, seconds: float
    ) -> Outcome:
        _, host = self._running.get(thread.number, ("", None))
        observed = host is not None and bool(lib.hp_host_observed(host))
        error = left_behind(request.cell, seconds, timeout, polls=request.polls, observed=observed)
        requested = seconds - max(time.perf_counter() - (abort.when or 0.0), 0.0)
        answer = cooperation_of(requested, seconds, request.grace, observed=observed, forced=True)
        return Outcome(
            OutcomeKind.TIMED_OUT,
            error=error,
            started=time.time() - seconds,
            seconds=seconds,
            attempts=1,
            cooperation=answer,
            unkillable=True,
        )

    def _timed(self, request: Request, abort: AbortHandle) -> Outcome:
        before = thread_times() if request.measure else None
        host: Any = None
        value: Any = None
        error: HotplateError | None = None
        started, begin = time.time(), time.perf_counter()
        try:
            if request.language == "python":
                value = _call_python(request)
            else:
                host = _host(abort)
                value = self._call_native(request, abort, host)
        except HotplateError as raised:
            error = raised
        except Exception as raised:
            error = failure_of(request.cell, raised)
        seconds = time.perf_counter() - begin
        asked = abort.aborted
        late = asked and abort.reason == _LATE
        kind, error = verdict_on(request.cell, request.timeout, error, seconds, late=late)
        reason = ""
        if kind is not _OK:
            value, reason = None, abort.reason if kind is OutcomeKind.CANCELLED else ""
        answer = _answer(request, abort, begin, seconds, host) if asked else NOBODY_ASKED
        usage = used_since(before)
        return Outcome(kind, value, error, reason, started, seconds, 1, cooperation=answer, usage=usage)

    def _call_native(self, request: Request, abort: AbortHandle, host: Any) -> Any:
        thread = threading.get_ident()
        self._running[thread] = running = (request.cell, host)
        with foreground(abort, request.cell, request.polls):
            try:
                lib.hp_host_enter(host)
                return request.call(**request.arguments)
            finally:
                lib.hp_host_enter(ffi.NULL)
                if self._running.get(thread) is running:  # else it was left behind
                    del self._running[thread]


def _is_over(call: ThreadedCall[Outcome], request: Request, timeout: float, abort: AbortHandle) -> bool:
    """Waits for a call, and asks it to stop when its time is over; returns whether it has ended."""
    try:
        if call.ends_within(timeout):
            return True
        abort.abort(_LATE)
        return call.ends_within(timeout + request.grace)
    except BaseException:  # KeyboardInterrupt: it gets the grace period, and another Ctrl-C ends that, too
        abort.abort("interrupted")
        call.ends_within(call.seconds + request.grace)
        raise


def _host(abort: AbortHandle) -> Any:
    host = ffi.gc(lib.hp_host_new(abort.word), lib.hp_host_free)
    if host == ffi.NULL:
        raise MemoryError
    return host


def _answer(request: Request, abort: AbortHandle, begin: float, seconds: float, host: Any) -> Cooperation:
    """What became of the request to stop. One that a signal handler made has no time: it came before the end."""
    requested = seconds if abort.when is None else max(abort.when - begin, 0.0)
    observed = host is not None and bool(lib.hp_host_observed(host))
    return cooperation_of(requested, seconds, request.grace, observed=observed)


def _call_python(request: Request) -> Any:
    value = request.call(**request.arguments)
    if type(value) is not np.ndarray:
        return value
    shared = value.view()  # the function may keep its own array and write to it; what others get they may not
    shared.flags.writeable = False
    return shared
