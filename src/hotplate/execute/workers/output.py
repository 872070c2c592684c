"""What cells print in a worker: two pipes, read all the time, passed on at once and kept in part."""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
from typing import TYPE_CHECKING

from hotplate.execute.captured import NOTHING, Captured, StreamTail

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 65536


class Output:
    """The two pipes of one worker. `sink(stream, data)` gets everything at once; `stream` is 1 or 2."""

    def __init__(self, sink: Callable[[int, bytes], None]) -> None:
        self._sink = sink
        self._kept: dict[int, StreamTail] = {}
        self._lock = threading.RLock()
        self._pipes: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        """What the worker writes to; closed by `started`."""
        for stream in (1, 2):
            read, self.ends[stream] = os.pipe()
            os.set_blocking(read, False)
            self._pipes[stream] = read

    def started(self) -> None:
        """The worker has its ends; from here on the pipes are read."""
        for end in self.ends.values():
            os.close(end)
        for pipe in self._pipes.values():
            _reader.add(pipe, self.read)

    def read(self) -> None:
        """Takes what is there now. Any thread."""
        with self._lock:
            for stream, pipe in tuple(self._pipes.items()):
                self._read(stream, pipe)

    def taken(self) -> tuple[Captured, Captured]:
        """What was written since this was last asked: to stdout, to stderr."""
        with self._lock:
            self.read()
            kept, self._kept = self._kept, {}
        stdout, stderr = (kept[stream].captured() if stream in kept else NOTHING for stream in (1, 2))
        return stdout, stderr

    def close(self) -> None:
        """Takes the rest. The worker must be dead."""
        with self._lock:
            self.read()
            for stream in tuple(self._pipes):
                self._drop(stream)

    def _read(self, stream: int, pipe: int) -> None:
        while True:
            try:
                data = os.read(pipe, _CHUNK)
            except BlockingIOError:
                return
            if not data:
                self._drop(stream)
                return
            self._kept.setdefault(stream, StreamTail()).add(data)
            self._sink(stream, data)
            if len(data) < _CHUNK:
                return

    def _drop(self, stream: int) -> None:
        pipe = self._pipes.pop(stream)
        _reader.remove(pipe)
        os.close(pipe)


class _Reader:
    """One thread that reads the pipes of all workers, so that none of them waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._selector: selectors.BaseSelector | None = None
        self._wake = (-1, -1)
        self._process = 0

    def add(self, pipe: int, read: Callable[[], None]) -> None:
        with self._lock:
            if self._selector is None or self._process != os.getpid():  # a child of fork has no such thread
                self._start()
            assert self._selector is not None
            self._selector.register(pipe, selectors.EVENT_READ, read)
            os.write(self._wake[1], b"x")

    def remove(self, pipe: int) -> None:
        with self._lock, contextlib.suppress(KeyError, ValueError):
            if self._selector is not None:
                self._selector.unregister(pipe)

    def _start(self) -> None:
        self._selector, self._process = selectors.DefaultSelector(), os.getpid()
        self._wake = os.pipe()
        self._selector.register(self._wake[0], selectors.EVENT_READ, None)
        threading.Thread(target=self._serve, args=(self._selector,), name="hotplate-output", daemon=True).start()

    def _serve(self, selector: selectors.BaseSelector) -> None:
        while True:
            for key, _ in selector.select():
                if key.data is None:
                    os.read(key.fd, _CHUNK)
                else:
                    with contextlib.suppress(OSError):  # closed meanwhile
                        key.data()


_reader = _Reader()
