"""What cells print while the live view is drawn: taken from the descriptors, whoever writes to them."""

from __future__ import annotations

import ctypes
import os
import select
import sys
import threading
from typing import TYPE_CHECKING

from hotplate.cli.common import flush

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CHUNK = 65536
MUCH = CHUNK // 4
PAUSE = 0.02
"""Seconds that output waits in the pipe, unless there is much: many short lines become few pieces, and what was printed
just before a crash is still there for the guard."""
_IOLBF = 1


class Capture:
    """Gives what is written to `descriptors` to `give`, in order, from a thread of its own; a context manager.

    `give` may block: then so do the writers, as they would on a slow terminal.
    """

    def __init__(self, descriptors: Iterable[int], give: Callable[[bytes], None]) -> None:
        self._descriptors = tuple(descriptors)
        self._give = give
        self.source, self._target = os.pipe()
        """The end that is read; another process may go on with it when this one dies."""
        self._kept: dict[int, int] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name="hotplate-capture", daemon=True)

    def __enter__(self) -> Capture:
        flush()
        for descriptor in self._descriptors:
            self._kept[descriptor] = os.dup(descriptor)
            os.dup2(self._target, descriptor)
        os.close(self._target)
        _print_by_lines()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        flush()
        self._closing.set()
        for descriptor, kept in self._kept.items():
            os.dup2(kept, descriptor)
            os.close(kept)
        # It ends with the last writer: a process that a cell left behind may be one.
        self._thread.join(timeout=0.5)

    def _read(self) -> None:
        chunk = b""
        while True:
            if os.name == "posix" and len(chunk) < MUCH:
                select.select([self.source], [], [])
                self._closing.wait(PAUSE)
            if not (chunk := os.read(self.source, CHUNK)):
                break
            self._give(chunk)
        os.close(self.source)


def _print_by_lines() -> None:
    """Makes the cells' printf write each line at once, as on a terminal; through a pipe it would keep 4 KiB back."""
    if sys.platform == "win32":  # it knows no line buffering
        return
    library = ctypes.CDLL(None)
    stream = ctypes.c_void_p.in_dll(library, "__stdoutp" if sys.platform == "darwin" else "stdout")
    library.setvbuf(stream, None, _IOLBF, ctypes.c_size_t(4096))
