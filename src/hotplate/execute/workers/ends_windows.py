"""What a controller needs of Windows: pipes that are read at any time, and whether a process has ended.

`_winapi` is what subprocess, multiprocessing and asyncio are made of there.
"""

from __future__ import annotations

import _winapi
import ctypes
import itertools
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

assert sys.platform == "win32"

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 65536
"""Bytes that `Pipe.take` gives at most."""
_FIRST_INSTANCE = 0x00080000  # FILE_FLAG_FIRST_PIPE_INSTANCE
_LOCAL_ONLY = 8  # PIPE_REJECT_REMOTE_CLIENTS
_numbers = itertools.count(1)


class Pipe:
    """A pipe from a worker to this process. Not thread-safe, but for `watch`, whose calls come in another thread."""

    def __init__(self) -> None:
        """Named, since a read of an anonymous pipe can't be waited for without holding up all other calls."""
        name = rf"\\.\pipe\hotplate-output-{os.getpid()}-{next(_numbers)}-{os.urandom(8).hex()}"
        access = _winapi.PIPE_ACCESS_INBOUND | _winapi.FILE_FLAG_OVERLAPPED | _FIRST_INSTANCE
        self._pipe = _winapi.CreateNamedPipe(name, access, _LOCAL_ONLY, 1, CHUNK, CHUNK, 0, 0)
        self.end = _winapi.CreateFile(name, _winapi.GENERIC_WRITE, 0, 0, _winapi.OPEN_EXISTING, 0, 0)
        """The worker's, for hp_remote_start."""
        self._lock = threading.Lock()
        self._pending: Any = None
        self._closed = False

    def started(self) -> None:
        """The worker has its end."""
        _winapi.CloseHandle(self.end)

    def watch(self, read: Callable[[], None]) -> None:
        """Calls `read` whenever there is something to take, until the pipe is closed."""
        threading.Thread(target=self._serve, args=(read,), name="hotplate-output", daemon=True).start()

    def take(self) -> bytes | None:
        """Some of what is there; b"" for nothing, None at the end."""
        try:
            there = int(_winapi.PeekNamedPipe(self._pipe)[0])
            if not there:
                return b""
            done, _ = _winapi.ReadFile(self._pipe, min(there, CHUNK), overlapped=True)
            done.GetOverlappedResult(True)
            return bytes(done.getbuffer() or b"")
        except BrokenPipeError:
            return None

    def disown(self) -> None:
        """Windows does not fork."""

    def close(self) -> None:
        """Nothing is taken any more."""
        with self._lock:
            self._closed = True
            if self._pending is not None:
                self._pending.cancel()
            _winapi.CloseHandle(self._pipe)

    def _serve(self, read: Callable[[], None]) -> None:
        while self._wait():
            read()
        if not self._closed:
            read()

    def _wait(self) -> bool:
        """Blocks until there is something to take, which a read of no bytes waits for. False: never again."""
        try:
            with self._lock:
                if self._closed:
                    return False
                self._pending, _ = _winapi.ReadFile(self._pipe, 0, overlapped=True)
            self._pending.GetOverlappedResult(True)
        except OSError:  # it is at its end, or was closed meanwhile
            return False
        return True


class Ending:
    """The end of a process, by its handle (hp_remote_descriptor)."""

    def __init__(self, process: int) -> None:
        self._process = process

    def now(self) -> bool:
        """Whether it has ended."""
        return _winapi.WaitForSingleObject(self._process, 0) == _winapi.WAIT_OBJECT_0


def start_error(code: int, program: str) -> OSError:
    """Why a worker could not be started, by the system's number for it."""
    return OSError(None, f"can't start a worker: {ctypes.FormatError(code)}", program, code)
