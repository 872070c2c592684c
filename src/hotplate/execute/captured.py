"""What a call prints in a worker: where it goes at once, and what is kept of it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.events import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STREAM_LIMIT = 1 << 16
"""Bytes that are kept of a stream, half of them from its beginning and half from its end."""


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


NOTHING = Captured()


_takers: list[Callable[[int, bytes], None]] = []
"""Who gets what workers print in place of this process's streams; the last one."""


def write_on(stream: int, data: bytes) -> None:
    """Passes on what a worker wrote to its stdout (1) or stderr (2): to this process's own, unless it is diverted."""
    taker = _takers[-1] if _takers else write_directly
    taker(stream, data)


@contextlib.contextmanager
def diverted(taker: Callable[[int, bytes], None]) -> Iterator[None]:
    """Meanwhile `taker(stream, data)` gets what workers print, in threads that read from them; it must not raise."""
    _takers.append(taker)
    try:
        yield
    finally:
        _takers.remove(taker)


def write_directly(stream: int, data: bytes) -> None:
    """Writes to this process's stdout (1) or stderr (2)."""
    with contextlib.suppress(OSError):  # nobody listens any more
        while data:
            data = data[os.write(stream, data) :]


class Outlet:
    """Where output goes as it comes: on to whoever has the worker, and to who listens to the call that writes it.

    A listener that raises is left out from then on: it can't stop the reading.
    """

    __slots__ = ("_pass_on", "echo", "listener")

    def __init__(
        self,
        pass_on: Callable[[int, bytes], None],
        listener: Callable[[int, bytes], None] | None = None,
        *,
        echo: bool = True,
    ) -> None:
        self._pass_on = pass_on
        self.listener = listener
        self.echo = echo
        """Whether it is passed on."""

    def __call__(self, stream: int, data: bytes) -> None:
        """Takes what was written to stream 1 or 2."""
        if self.echo:
            self._pass_on(stream, data)
        if self.listener is not None:
            try:
                self.listener(stream, data)
            except Exception:
                self.listener = None
                log.exception("what listens to a cell's output has failed and is left out from now on")


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
