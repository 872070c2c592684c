"""What cells print in a worker: two pipes, read all the time, passed on at once and kept in part."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from hotplate.execute.captured import NOTHING, Captured, Outlet, StreamTail

if TYPE_CHECKING:
    from collections.abc import Callable

if sys.platform == "win32":
    from hotplate.execute.workers.ends_windows import CHUNK, Pipe
else:
    from hotplate.execute.workers.ends_posix import CHUNK, Pipe


class Output:
    """The two pipes of one worker. `sink(stream, data)` gets everything at once; `stream` is 1 or 2."""

    def __init__(self, sink: Callable[[int, bytes], None]) -> None:
        self._outlet = Outlet(sink)
        self._kept: dict[int, StreamTail] = {}
        self._lock = threading.RLock()
        self._pipes: dict[int, Pipe] = {}
        try:
            for stream in (1, 2):
                self._pipes[stream] = Pipe()
        except BaseException:
            self.abandon()
            raise
        self.ends = {stream: pipe.end for stream, pipe in self._pipes.items()}
        """What the worker writes to; closed by `started` or `abandon`."""

    def started(self) -> None:
        """The worker has its ends; from here on the pipes are read."""
        with self._lock:
            for pipe in self._pipes.values():
                pipe.started()
            for pipe in self._pipes.values():
                pipe.watch(self.read)

    def abandon(self) -> None:
        """There will be no worker."""
        for stream, pipe in tuple(self._pipes.items()):
            pipe.started()
            self._drop(stream)

    def read(self) -> None:
        """Takes what is there now. Any thread."""
        with self._lock:
            for stream, pipe in tuple(self._pipes.items()):
                self._read(stream, pipe)

    def listen(self, listener: Callable[[int, bytes], None] | None = None, *, echo: bool = True) -> None:
        """Gives everything to `listener` as well, until `taken`; to the sink only with `echo`."""
        self._outlet.listener, self._outlet.echo = listener, echo

    def taken(self) -> tuple[Captured, Captured]:
        """What was written since this was last asked: to stdout, to stderr. Whoever listened does so no more."""
        with self._lock:
            self.read()
            self.listen()
            if not self._kept:
                return NOTHING, NOTHING
            kept, self._kept = self._kept, {}
        stdout, stderr = (kept[stream].captured() if stream in kept else NOTHING for stream in (1, 2))
        return stdout, stderr

    def forget(self) -> None:
        """What was taken since then is of no interest."""
        if self._kept:
            with self._lock:
                self._kept = {}

    def disown(self) -> None:
        """Closes the pipes in a child that was forked; the parent goes on reading them."""
        pipes, self._pipes = self._pipes, {}
        for pipe in pipes.values():
            pipe.disown()

    def close(self) -> None:
        """Takes the rest. The worker must be dead."""
        with self._lock:
            self.read()
            for stream in tuple(self._pipes):
                self._drop(stream)

    def _read(self, stream: int, pipe: Pipe) -> None:
        while data := pipe.take():
            self._kept.setdefault(stream, StreamTail()).add(data)
            self._outlet(stream, data)
            if len(data) < CHUNK:
                return
        if data is None:
            self._drop(stream)

    def _drop(self, stream: int) -> None:
        self._pipes.pop(stream).close()
