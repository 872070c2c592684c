"""The program of a Python worker: makes one call at a time, as its controller asks.

It has one thread only, so that cells may fork: it is interrupted by a signal, and killed by the kernel when the
controller is gone. PR_SET_PDEATHSIG would do the latter too early: it looks at the thread that started the worker.

Run as `python -u -P main.py SOCKET PAGE LIFELINE`, the numbers of three inherited descriptors, in a session of
its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import fcntl
import importlib
import os
import resource
import select
import signal
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any

assert sys.platform == "linux"

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from hotplate.execute.workers.python import family, values, wire
else:
    # By their path: the package would bring all of hotplate along, 100 ms and 20 MB.
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib takes 6 ms
    import family
    import values
    import wire

    del sys.path[0]
    for name in ("family", "values", "wire"):  # a cell may import its own modules of these names
        del sys.modules[name]

_PR_SET_CHILD_SUBREAPER = 36
_PRELOADED = ("traceback", "numpy", "cloudpickle")


def main(connection: int, page: int, lifeline: int) -> None:
    """Serves calls until the controller hangs up."""
    for descriptor in (connection, page, lifeline):
        os.set_inheritable(descriptor, False)
    _die_with_controller(lifeline)
    _settle(page)
    Worker(socket.socket(fileno=connection), page).serve()


def _die_with_controller(lifeline: int) -> None:
    """Has the kernel kill this process group when the other end of a pipe closes.

    A thread that waits for that needs the interpreter's lock, which a cell in an endless C loop never gives up.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:  # it was gone before the kernel knew
        os.killpg(0, signal.SIGKILL)


def _settle(page: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    os.lseek(page, wire.CRASH_AT, os.SEEK_SET)
    faulthandler.enable(page, all_threads=False)
    # -u leaves what C prints unbuffered, so that a crash loses none of it; Python's own text goes out line by line.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(  # type: ignore[union-attr]  # these two are what the interpreter made at its start
            encoding="utf-8", errors="backslashreplace", line_buffering=True, write_through=False
        )


class Worker:
    """The calls of one controller."""

    def __init__(self, connection: socket.socket, page: int) -> None:
        self._link = wire.Link(connection, wire.Arenas())
        self._page = page
        self._pid = os.getpid()
        self._number = 0
        """Of the call that may be interrupted; 0: there is none."""
        self._phase = ""
        self._payloads: dict[bytes, bytes] = {}
        self._functions: dict[bytes, Callable[..., Any]] = {}
        os.register_at_fork(after_in_child=connection.close)

    def serve(self) -> None:
        """Answers messages until the controller hangs up."""
        signal.signal(signal.SIGINT, self._interrupted)
        self._get_ready()
        while (message := self._link.receive()) is not None:
            if message.kind is wire.Kind.SETUP:
                self._set_up(message)
            elif message.kind is wire.Kind.CALL:
                self._serve_call(message)

    def _get_ready(self) -> None:
        """Sets up, imports what calls need, and says so: the time of a call counts from there."""
        message = self._link.receive()
        if message is not None and message.kind is wire.Kind.SETUP:
            self._set_up(message)
        for module in _PRELOADED:
            with contextlib.suppress(ImportError):
                importlib.import_module(module)
        self._link.send(wire.Kind.READY, wire.PROTOCOL)

    def _serve_call(self, message: wire.Message) -> None:
        kind, parts = self._answer(message)
        self._clean_up(kind)
        try:
            self._link.send(kind, message.number, parts=parts)
        except OSError as error:  # no memory for the result; or the controller is gone, which raises once more
            self._link.send(wire.Kind.RAISED, message.number, parts=self._explain(error, message.number))

    def _set_up(self, message: wire.Message) -> None:
        sys.path[:], folder = values.decode(message.parts)
        with contextlib.suppress(OSError):  # it may be gone: then this process stays where it is
            os.chdir(folder)

    def _clean_up(self, kind: wire.Kind) -> None:
        """Ends what a call has left behind, before its outcome is known."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # the cell may have closed or replaced them
                stream.flush()
        if os.getpid() != self._pid:  # a cell forked, and its child came back from the call as well
            os._exit(kind is not wire.Kind.DONE)
        family.end_children()
        signal.signal(signal.SIGINT, self._interrupted)

    # ---- one call ----

    def _answer(self, message: wire.Message) -> tuple[wire.Kind, Sequence[wire.Part]]:
        try:
            self._number = message.number
            try:
                answer = wire.Kind.DONE, self._call(message)
            except BaseException as error:  # SystemExit as well: it is the cell that failed, not the worker
                answer = wire.Kind.RAISED, self._explain(error, message.number)
            self._number = 0
        except KeyboardInterrupt:  # came after the cell was done; there is only one a call
            return wire.Kind.RAISED, _report(wire.Report("KeyboardInterrupt", "", "", self._phase, interrupted=True))
        return answer

    def _call(self, message: wire.Message) -> Sequence[wire.Part]:
        self._phase = wire.LOADING
        function = self._function(message.key, message.parts[0])
        arguments = {name: values.seal(value) for name, value in values.decode(message.parts[1:]).items()}
        self._phase = wire.CALLING
        value = function(**arguments)
        self._phase = wire.RETURNING
        return values.encode(value, self._link.shared)

    def _function(self, key: bytes, payload: memoryview) -> Callable[..., Any]:
        if payload:
            self._payloads[key] = bytes(payload)
        if key not in self._functions:
            self._functions[key] = values.decode([memoryview(self._payloads[key])])
        return self._functions[key]

    def _interrupted(self, _signal: int, _frame: object) -> None:
        """Raises in the call that is meant, once. The signal may be late: then the page names a call that is over."""
        if self._number and struct.unpack("<Q", os.pread(self._page, 8, 0))[0] == self._number:
            self._number = 0
            raise KeyboardInterrupt

    def _explain(self, error: BaseException, number: int) -> Sequence[wire.Part]:
        interrupted = isinstance(error, KeyboardInterrupt) and self._number != number
        report = wire.Report(type(error).__name__, _text(error), _format(error), self._phase, interrupted)
        return _report(report, error)


def _report(report: wire.Report, error: BaseException | None = None) -> Sequence[wire.Part]:
    try:
        exception: Sequence[wire.Part] = values.encode(error)
    except Exception:  # whatever its pickling raises: then the report has to do
        exception = values.encode(None)
    return [*values.encode_arguments(report._asdict()), *exception]


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as worse:
        return f"<its text can't be had: {type(worse).__name__}>"


def _format(error: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception(type(error), error, _of_the_cell(error.__traceback__)))


def _of_the_cell(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of this program."""
    own = (__file__, values.__file__)
    while trace is not None and trace.tb_frame.f_code.co_filename in own:
        trace = trace.tb_next
    return trace


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
