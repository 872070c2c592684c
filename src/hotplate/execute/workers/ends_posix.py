"""What a controller needs of a POSIX system: pipes that are read at any time, and whether a process has ended."""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import sys
import threading
from typing import TYPE_CHECKING

assert sys.platform != "win32"

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 65536
"""Bytes that `Pipe.take` gives at most."""


class Pipe:
    """A pipe from a worker to this process. Not thread-safe, but for `watch`, whose calls come in another thread."""

    def __init__(self) -> None:
        _reader.start()  # before there is a worker: it may fail
        self._pipe, self.end = os.pipe()
        """`end` is the worker's, for hp_remote_start."""
        self._ready = select.poll()
        self._ready.register(self._pipe, select.POLLIN)

    def started(self) -> None:
        """The worker has its end."""
        os.close(self.end)

    def watch(self, read: Callable[[], None]) -> None:
        """Calls `read` whenever there is something to take, until the pipe is closed."""
        _reader.add(self._pipe, read)

    def take(self) -> bytes | None:
        """Some of what is there; b"" for nothing, None at the end."""
        if not self._ready.poll(0):  # 0.4 us, where a read that finds nothing takes 1.5 with its exception
            return b""
        return os.read(self._pipe, CHUNK) or None

    def disown(self) -> None:
        """In a child that was forked: the parent goes on reading it."""
        os.close(self._pipe)

    def close(self) -> None:
        """Nothing is taken any more."""
        _reader.remove(self._pipe)
        os.close(self._pipe)


class Ending:
    """The end of a process, by its descriptor (hp_remote_descriptor)."""

    def __init__(self, process: int) -> None:
        self._poll = select.poll()
        self._poll.register(process, select.POLLIN)

    def now(self) -> bool:
        """Whether it has ended."""
        return bool(self._poll.poll(0))


def start_error(code: int, program: str) -> OSError:
    """Why a worker could not be started, by the system's number for it."""
    return OSError(code, f"can't start a worker: {os.strerror(code)}", program)


class _Reader:
    """One thread that reads the pipes of all workers, so that none of them waits for it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._selector: selectors.BaseSelector | None = None
        self._wake = (-1, -1)

    def start(self) -> None:
        """Gets ready, unless it is. Raises OSError, and can be asked again then."""
        with self._lock:
            if self._selector is None:
                self._start()

    def add(self, pipe: int, read: Callable[[], None]) -> None:
        with self._lock:
            assert self._selector is not None
            self._selector.register(pipe, selectors.EVENT_READ, read)
            os.write(self._wake[1], b"x")

    def remove(self, pipe: int) -> None:
        with self._lock, contextlib.suppress(KeyError, ValueError):
            if self._selector is not None:
                self._selector.unregister(pipe)

    def forget_parent(self) -> None:
        """In a child that was forked: there is no such thread, and the selector is the parent's, who goes on."""
        self._lock = threading.RLock()
        selector, self._selector = self._selector, None
        if selector is not None:
            selector.close()
            for end in self._wake:
                os.close(end)

    def _start(self) -> None:
        with contextlib.ExitStack() as undo:
            selector = undo.enter_context(selectors.DefaultSelector())
            wake = os.pipe()
            for end in wake:
                undo.callback(os.close, end)
            selector.register(wake[0], selectors.EVENT_READ, None)
            threading.Thread(target=self._serve, args=(selector,), name="hotplate-output", daemon=True).start()
            undo.pop_all()
        self._selector, self._wake = selector, wake

    def _serve(self, selector: selectors.BaseSelector) -> None:
        while True:
            for key, _ in selector.select():
                if key.data is None:
                    os.read(key.fd, CHUNK)
                else:
                    with contextlib.suppress(OSError):  # closed meanwhile
                        key.data()


_reader = _Reader()
os.register_at_fork(after_in_child=_reader.forget_parent)
