"""The conversation with one process of a Python worker: what it has been told, and waiting for what it does next."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from enum import Enum, auto
from typing import TYPE_CHECKING

from hotplate.execute.workers.python import values, wire

assert sys.platform == "linux"

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from hotplate.execute.workers.python.process import PythonProcess
    from hotplate.execute.workers.python.result import PortableFunction
    from hotplate.execute.workers.python.wire import Part, Shared


class Event(Enum):
    """What a wait ended with, besides a message."""

    DEADLINE = auto()
    WOKEN = auto()
    """`wake` was called."""
    ENDED = auto()
    """The process has ended."""
    CLOSED = auto()
    """The process has hung up."""


class PythonSession:
    """One process and what it has been told. For one thread at a time, apart from `wake`."""

    def __init__(self, process: PythonProcess, shared: Shared | None) -> None:
        self.process = process
        self.shared = shared
        self.killed = False
        """Whether somebody has called for the process's end from outside of a call."""
        self.number = 0
        """Of the latest call."""
        self.ready = False
        self._link = wire.Link(process.connection, shared)
        self._settings: tuple[list[str], str] | None = None
        self._sent: set[bytes] = set()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poll = select.poll()
        for descriptor in (process.connection.fileno(), process.pidfd, self._wake, *process.streams):
            self._poll.register(descriptor, select.POLLIN)
        with contextlib.suppress(OSError):  # a process that has ended already is noticed by its first call
            self._set_up()

    def send_call(self, function: PortableFunction, arguments: list[Part], sending: Callable[[], None]) -> None:
        """Sends a call, and before it what has changed; `sending` is called in between. Raises OSError."""
        self._set_up()
        self.number += 1
        payload = b"" if function.key in self._sent else function.payload
        self._link.send(wire.Kind.CALL, self.number, function.key, [payload, *arguments], sending)
        self._sent.add(function.key)

    def encode(self, arguments: Mapping[str, Any]) -> list[Part]:
        """Arguments as the worker takes them. Raises what pickling them raises."""
        return values.encode_arguments(arguments, self.shared)

    def _set_up(self) -> None:
        """Gives the worker this process's module path and working directory, so that it finds the same files."""
        try:
            folder = os.getcwd()  # noqa: PTH109 - asked before each call
        except FileNotFoundError:
            folder = "/"
        settings = (list(sys.path), folder)
        if settings != self._settings:
            self._link.send(wire.Kind.SETUP, parts=values.encode(settings))
            self._settings = settings

    def wake(self) -> None:
        """Ends the wait under way, or the next one. Thread-safe, and for signal handlers."""
        os.eventfd_write(self._wake, 1)

    def wait(self, until: float | None, take: Callable[[str, bytes], None]) -> wire.Message | Event:
        """Waits for the worker's next message or an event. `until` is of time.monotonic. `take` gets the output.

        A message that has come counts more than an end that has come since. Raises ProtocolError.
        """
        process = self.process
        while True:
            limit = None if until is None else max(0.0, (until - time.monotonic()) * 1000)
            found = {descriptor for descriptor, _ in self._poll.poll(limit)}
            for stream, name in process.streams.items():
                if stream in found:
                    self._take_output(stream, name, take)
            if process.connection.fileno() in found:
                return self._link.receive() or Event.CLOSED
            if process.pidfd in found:
                return Event.ENDED
            if self._wake in found:
                os.eventfd_read(self._wake)
                return Event.WOKEN
            if until is not None and time.monotonic() >= until:
                return Event.DEADLINE

    def drain(self, take: Callable[[str, bytes], None]) -> None:
        """Takes what the pipes hold now."""
        for stream, name in self.process.streams.items():
            if data := self.process.pending(stream):
                take(name, data)

    def await_end(self, seconds: float) -> bool:
        """Waits for a process that hung up to end, as dying ones do. False: it still runs."""
        return bool(select.select([self.process.pidfd], [], [], seconds)[0])

    def end(self) -> None:
        """Kills the process and lets go of everything."""
        self.process.kill()
        self.process.reap()
        self.process.close()
        os.close(self._wake)

    def _take_output(self, stream: int, name: str, take: Callable[[str, bytes], None]) -> None:
        data = os.read(stream, 1 << 16)
        if data:
            take(name, data)
        else:
            self._poll.unregister(stream)  # the cell closed it, or all who had it have ended
