"""What goes into a Python worker's call and what comes of it."""

from __future__ import annotations

import hashlib
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotplate.errors import HotplateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.execute.backend import OutcomeKind

STREAM_LIMIT = 1 << 16
"""Bytes that are kept of a stream, half of them from its beginning and half from its end."""


class NotPortable(HotplateError):
    """A Python function or value can't be sent to another process."""


class RemoteTraceback(Exception):
    """Where in the worker an exception was raised: as a cause, it is printed with the exception."""

    def __str__(self) -> str:
        return "\n" + "".join(self.args)


@dataclass(frozen=True, slots=True)
class PortableFunction:
    """A function as a worker takes it: with the globals and closed-over values that it had when this was made."""

    key: bytes
    """Names the content: a worker is sent each once."""
    payload: bytes

    @classmethod
    def of(cls, function: Callable[..., Any]) -> PortableFunction:
        """Any function, also a lambda, a closure, or one of the main program. 15 to 70 µs. Raises NotPortable."""
        import cloudpickle  # type: ignore[import-untyped]  # it has no stubs

        try:
            payload = cloudpickle.dumps(function, protocol=5)
        except Exception as error:  # pickling runs the code of whatever the function refers to
            name = getattr(function, "__name__", "the function")
            raise NotPortable(f"{name} can't be sent to another process: {error}; {WAY_OUT}") from error
        return cls(hashlib.blake2b(payload, digest_size=16).digest(), payload)


WAY_OUT = "make it plain values and arrays, or take isolate off the cell"


@dataclass(frozen=True, slots=True)
class Captured:
    """What a call has written to one stream. `head` is all of it unless `dropped` says otherwise."""

    head: str = ""
    dropped: int = 0
    """Bytes left out between head and tail."""
    tail: str = ""

    @property
    def text(self) -> str:
        """All that was kept, with a line about what was not."""
        gap = f"\n[{self.dropped:,} bytes left out]\n" if self.dropped else ""
        return f"{self.head}{gap}{self.tail}"


@dataclass(frozen=True, slots=True)
class PythonResult:
    """How one call ended. `started` is in seconds since the epoch, `seconds` the time from the call to its end."""

    kind: OutcomeKind
    value: Any = None
    reason: str = ""
    """For people, unless it is ok: `ValueError: no such thing`, `ended by SIGSEGV`."""
    exception: BaseException | None = None
    """What the function raised, with a RemoteTraceback as its cause; that alone where the exception can't travel."""
    traceback: str = ""
    """Of the exception or the crash, formatted in the worker."""
    exit_code: int | None = None
    """Of a worker that ended: minus the number of the signal, if one ended it."""
    killed: bool = False
    """Whether it did not stop when asked to, and was killed."""
    stdout: Captured = Captured()
    stderr: Captured = Captured()
    started: float = 0.0
    seconds: float = 0.0


class StreamTail:
    """Keeps the beginning and the end of what a stream brings."""

    def __init__(self, limit: int = STREAM_LIMIT) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def add(self, data: bytes) -> None:
        """Takes the next bytes."""
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        # Twice the half before it is cut: each byte is moved once at most.
        if len(self._tail) > 2 * self._half:
            self._cut()

    def captured(self) -> Captured:
        """What was kept. Cuts are between characters."""
        if len(self._tail) > self._half:
            self._cut()
        if not self._dropped:
            return Captured(_decode(bytes(self._head + self._tail)))
        # Bytes of a character that the cut divides belong to no text.
        head, tail = _whole_end(self._head), _whole_start(self._tail)
        lost = len(self._head) - len(head) + len(self._tail) - len(tail)
        return Captured(_decode(head), self._dropped + lost, _decode(tail))

    def _cut(self) -> None:
        excess = len(self._tail) - self._half
        del self._tail[:excess]
        self._dropped += excess


def describe_exit(code: int) -> str:
    """An exit code for people."""
    if code >= 0:
        return f"it ended its process with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name == "SIGKILL":
        return f"its process was ended by {name}: somebody else's kill, or the system was out of memory"
    return f"its process was ended by {name} ({signal.strsignal(-code)})"


def _decode(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "replace")


def _whole_end(data: bytearray) -> bytes:
    """Without the beginning of a character at its end."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:
            length = 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return bytes(data[:-back]) if length > back else bytes(data)
    return bytes(data)


def _whole_start(data: bytearray) -> bytes:
    """Without the rest of a character at its beginning."""
    start = 0
    while start < min(3, len(data)) and data[start] & 0xC0 == 0x80:
        start += 1
    return bytes(data[start:])
