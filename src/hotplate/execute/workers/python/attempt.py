"""One call in a Python worker, from the first byte sent to its outcome."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from hotplate.execute.abort import AbortHandle
from hotplate.execute.backend import OutcomeKind
from hotplate.execute.captured import StreamTail
from hotplate.execute.cooperation import NOBODY_ASKED, cooperation_of
from hotplate.execute.usage import process_usage, used_between
from hotplate.execute.verdict import overtime
from hotplate.execute.workers.python import session, values, wire
from hotplate.execute.workers.python.result import WAY_OUT, PythonResult, RemoteTraceback, describe_exit

assert sys.platform == "linux"

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotplate.execute.cooperation import Cooperation, Usage
    from hotplate.execute.workers.python.result import PortableFunction
    from hotplate.execute.workers.python.session import PythonSession
    from hotplate.execute.workers.python.wire import Part

_START_LIMIT = 60.0
"""Seconds that the interpreter gets to start: it is not the cell's fault, so its timeout does not count."""

_TOO_LATE = "the worker's process ended before the call; start the worker again"

_DYING = 1.0
"""Seconds between a process's hang-up and its end, which a loaded machine may put off."""


class Attempt:
    """Used once."""

    def __init__(
        self,
        process: PythonSession,
        abort: AbortHandle,
        timeout: float | None,
        grace: float,
        on_output: Callable[[str, bytes], None] | None,
        *,
        measure: bool,
    ) -> None:
        self._session = process
        self._parent = abort
        self._abort = AbortHandle(abort, on_abort=process.wake)
        self._timeout = timeout
        self._grace = grace
        self._on_output = on_output
        self._kept = {"stdout": StreamTail(), "stderr": StreamTail()}
        self._asked: OutcomeKind | None = None
        """What the call ends as because it was asked to stop."""
        self._requested = 0.0
        self._answer: tuple[bool, bool] = (False, False)
        """Whether it came to an end of its own, and whether it was seen to have heard the request."""
        self._measures = measure
        self._used: Usage | None = None
        self._killed = False
        self._begin = 0.0
        self._end = 0.0
        self._started = 0.0

    def run(self, function: PortableFunction, arguments: Mapping[str, Any]) -> PythonResult:
        """Makes the call. Whatever ends the wait early ends the process, too."""
        try:
            try:
                parts = self._session.encode(arguments)
            except Exception as error:  # pickling runs the code of the values
                return self._result(OutcomeKind.REJECTED, reason=self._unsendable(arguments, error), exception=error)
            return self._converse(function, parts)
        except wire.ProtocolError as error:
            self._end_process(self._take)
            return self._result(OutcomeKind.LOST, reason=f"what the worker said makes no sense: {error}")
        except BaseException:
            self._end_process(self._keep)  # it may be `on_output` that raised
            raise
        finally:
            self._parent.release(self._abort)

    def _converse(self, function: PortableFunction, parts: list[Part]) -> PythonResult:
        if not self._session.process.runs:
            return self._lost(_TOO_LATE)
        if self._session.ready:
            self._session.drain(lambda _name, _data: None)
        else:
            self._mark_begin()
            if refusal := self._await_ready():
                return refusal
        try:
            # Before the call goes: it may be under way before this thread is again.
            self._session.send_call(function, parts, self._mark_begin)
        except (BrokenPipeError, ConnectionResetError):
            return self._lost(_TOO_LATE)
        except OSError as error:
            return self._result(OutcomeKind.REJECTED, reason=f"its inputs can't be sent: {error}", exception=error)
        return self._await_answer()

    def _mark_begin(self) -> None:
        self._used = process_usage(self._session.process.pid) if self._measures else None
        self._started, self._begin = time.time(), time.monotonic()

    def _mark_end(self) -> float:
        """The call is over, though not all that has to be done about it; returns the seconds that it took."""
        self._end = self._end or time.monotonic()
        return self._end - self._begin

    def _await_ready(self) -> PythonResult | None:
        """Waits for a process that has just been started. Nothing of the call runs before."""
        until = time.monotonic() + _START_LIMIT
        while True:
            event = self._session.wait(until, self._take)
            if isinstance(event, wire.Message):
                if event.kind is not wire.Kind.READY or event.number != wire.PROTOCOL:
                    return self._lost("the files of hotplate have been replaced since this program started; restart it")
                self._session.ready = True
                return None
            if event is session.Event.WOKEN and not self._abort.aborted:
                continue
            self._end_process(self._take)
            if event is session.Event.WOKEN or self._session.killed:
                return self._result(OutcomeKind.CANCELLED, reason=self._abort.reason or "killed")
            took = f"was not ready after {_START_LIMIT:g} s" if event is session.Event.DEADLINE else "could not start"
            return self._lost(f"its process {took}")

    def _await_answer(self) -> PythonResult:
        until = None if self._timeout is None else self._begin + self._timeout
        while True:
            event = self._session.wait(until, self._take)
            if isinstance(event, wire.Message):
                return self._answered(event)
            if event is session.Event.CLOSED:
                self._mark_end()
            if event is session.Event.ENDED or (event is session.Event.CLOSED and self._session.await_end(_DYING)):
                return self._ended()
            if event is session.Event.CLOSED:
                return self._lost("it closed the worker's connection")
            if event is session.Event.DEADLINE and self._asked is not None:
                self._mark_end()
                self._killed, until = True, None
                self._session.process.kill()
            elif self._asked is None and (event is session.Event.DEADLINE or self._abort.aborted):
                self._asked = OutcomeKind.TIMED_OUT if event is session.Event.DEADLINE else OutcomeKind.CANCELLED
                self._session.process.interrupt(self._session.number)
                self._requested = time.monotonic() - self._begin
                until = time.monotonic() + self._grace

    # ---- how it ended ----

    def _answered(self, message: wire.Message) -> PythonResult:
        if message.number != self._session.number or message.kind not in (wire.Kind.DONE, wire.Kind.RAISED):
            raise wire.ProtocolError(f"message {message.kind} about call {message.number}")
        seconds = self._mark_end()
        self._answer = True, message.kind is wire.Kind.RAISED and _report(message).interrupted
        self._session.drain(self._take)
        if self._timeout is not None and (self._asked is OutcomeKind.TIMED_OUT or seconds > self._timeout):
            return self._result(OutcomeKind.TIMED_OUT, reason=overtime(seconds, self._timeout))
        if message.kind is wire.Kind.DONE:
            return self._returned(message)
        return self._raised(message)

    def _returned(self, message: wire.Message) -> PythonResult:
        try:
            value = values.seal(values.decode(message.parts))
        except Exception as error:  # unpickling runs the code of the value's classes
            reason = f"its result can't be read in this process: {type(error).__name__}: {error}"
            return self._result(OutcomeKind.FAILED, reason=reason, exception=error)
        return self._result(OutcomeKind.OK, value=value)

    def _raised(self, message: wire.Message) -> PythonResult:
        report = _report(message)
        if report.interrupted and self._asked is OutcomeKind.CANCELLED:
            return self._result(OutcomeKind.CANCELLED, reason=self._abort.reason)
        exception = _exception(message, report.traceback)
        return self._result(OutcomeKind.FAILED, reason=_reason(report), exception=exception, traceback=report.traceback)

    def _ended(self) -> PythonResult:
        seconds = self._mark_end()
        self._end_process(self._take)
        process = self._session.process
        if self._asked is OutcomeKind.TIMED_OUT:
            kind, reason = OutcomeKind.TIMED_OUT, overtime(seconds, self._timeout)
        elif self._asked is not None or self._session.killed:
            kind, reason = OutcomeKind.CANCELLED, self._abort.reason or "killed"
        else:
            kind, reason = OutcomeKind.CRASHED, describe_exit(process.ended or 0)
        return self._result(kind, reason=reason, traceback=process.crash_text(), exit_code=process.ended)

    def _lost(self, reason: str) -> PythonResult:
        self._end_process(self._take)
        said = self._kept["stderr"].captured().text
        exit_code = self._session.process.ended
        return self._result(OutcomeKind.LOST, reason=f"{reason}\n{said}".rstrip(), exit_code=exit_code)

    def _end_process(self, take: Callable[[str, bytes], None]) -> None:
        """Makes sure that nothing of it runs any more, and takes the last that it wrote."""
        self._session.process.kill()
        self._session.process.reap()
        self._session.drain(take)

    def _result(self, kind: OutcomeKind, **told: Any) -> PythonResult:
        seconds = self._mark_end() if self._begin else 0.0
        stdout, stderr = (self._kept[name].captured() for name in ("stdout", "stderr"))
        return PythonResult(
            kind,
            killed=self._killed,
            stdout=stdout,
            stderr=stderr,
            started=self._started,
            seconds=seconds,
            cooperation=self._cooperation(seconds),
            usage=self._usage(),
            **told,
        )

    def _cooperation(self, seconds: float) -> Cooperation:
        if self._asked is None:
            return NOBODY_ASKED
        ended, observed = self._answer
        return cooperation_of(self._requested, seconds, self._grace, observed=observed, forced=not ended)

    def _usage(self) -> Usage | None:
        if not self._measures:
            return None
        process = self._session.process
        return used_between(self._used, process_usage(process.pid) if process.ended is None else process.used)

    # ---- for people ----

    def _take(self, name: str, data: bytes) -> None:
        self._keep(name, data)
        if self._on_output is not None:
            self._on_output(name, data)

    def _keep(self, name: str, data: bytes) -> None:
        self._kept[name].add(data)

    def _unsendable(self, arguments: Mapping[str, Any], error: Exception) -> str:
        """Names the input, which the error does not."""
        for name, value in arguments.items():
            try:
                self._session.encode({name: value})
            except Exception as cause:
                return f"its input {name} can't be sent to another process: {cause}; {WAY_OUT}"
        return f"its inputs can't be sent to another process: {error}; {WAY_OUT}"


def _report(message: wire.Message) -> wire.Report:
    return wire.Report(**values.decode(message.parts[:1]))


def _reason(report: wire.Report) -> str:
    message = f"{report.type}: {report.message}" if report.message else report.type
    if report.phase == wire.CALLING:
        return (report.message or "out of memory") if report.type == "MemoryError" else message
    if report.phase == wire.RETURNING:
        return f"its result can't be sent to another process: {message}; {WAY_OUT}"
    assert report.phase == wire.LOADING
    return f"it can't be set up in another process: {message}"


def _exception(message: wire.Message, trace: str) -> BaseException:
    """What was raised, if it can be had here; where it was raised, in any case."""
    try:
        exception = values.decode(message.parts[1:])
    except Exception:  # classes that take other arguments than they keep can't be made again
        exception = None
    where = RemoteTraceback(trace)
    if not isinstance(exception, BaseException):
        return where
    exception.__cause__ = where
    return exception
