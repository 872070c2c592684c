"""The process of a Python worker: its start, its descriptors, its end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate.execute.cooperation import Usage
from hotplate.execute.workers.python import family, wire

assert sys.platform == "linux"

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROGRAM = Path(__file__).with_name("main.py")
_STREAMS = ("stdout", "stderr")

_living: weakref.WeakSet[PythonProcess] = weakref.WeakSet()


class PythonProcess:
    """A worker's process, running from the start. `kill` is thread-safe; everything else is for the owner's thread."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Starts it, in a session of its own. Raises OSError."""
        with contextlib.ExitStack() as undo, contextlib.ExitStack() as lent:
            self.connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            undo.callback(self.connection.close)
            lent.callback(theirs.close)
            self._page = os.memfd_create("hotplate-python-page", os.MFD_CLOEXEC)
            undo.callback(os.close, self._page)
            os.write(self._page, bytes(wire.CRASH_AT))
            # The kernel tells the worker when this end closes: with this process, however that ends.
            watched, self._lifeline = os.pipe()
            undo.callback(os.close, self._lifeline)
            lent.callback(os.close, watched)
            self._popen = _spawn(environment, (theirs.fileno(), self._page, watched))
            undo.callback(_put_down, self._popen)
            self.pid = self._popen.pid
            self.pidfd = os.pidfd_open(self.pid)
            undo.callback(os.close, self.pidfd)
            assert self._popen.stdout is not None
            assert self._popen.stderr is not None
            self.streams = dict(zip((self._popen.stdout.fileno(), self._popen.stderr.fileno()), _STREAMS, strict=True))
            """The pipes' names by descriptor."""
            undo.pop_all()
        _living.add(self)
        self._reaped = threading.Lock()
        self.ended: int | None = None
        """Once reaped, the exit code, or minus the number of the signal."""
        self.used: Usage | None = None
        """Once reaped, what it has used, where the system tells."""

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.ended is None and not select.select([self.pidfd], [], [], 0)[0]

    def interrupt(self, number: int) -> None:
        """Raises KeyboardInterrupt in the call of that number, if it is the one under way."""
        os.pwrite(self._page, struct.pack("<Q", number), 0)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGINT)

    def kill(self) -> None:
        """Kills it, its group, and what descends from it, at once. Thread-safe; later calls do nothing."""
        with self._reaped:  # until it is reaped, its number is nobody else's
            if self.ended is None:
                family.kill_descendants(self.pid)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)

    def pending(self, stream: int) -> bytes:
        """What a pipe holds now. Not more: a thread that prints without end would never let go."""
        count = bytearray(4)
        fcntl.ioctl(stream, termios.FIONREAD, count)
        return os.read(stream, struct.unpack("=i", count)[0])

    def crash_text(self) -> str:
        """The Python traceback that a crash has left behind, without the frames of the worker itself."""
        size = os.fstat(self._page).st_size - wire.CRASH_AT
        text = os.pread(self._page, size, wire.CRASH_AT).decode("utf-8", "replace") if size > 0 else ""
        frames = text.partition("\n\nExtension modules:")[0].splitlines()
        return "\n".join(line for line in frames if str(_PROGRAM) not in line)

    def reap(self) -> None:
        """Waits for its end, and kills what is left of its group."""
        select.select([self.pidfd], [], [])
        with self._reaped:
            if self.ended is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                self.ended = self._take_away()

    def _take_away(self) -> int:
        try:
            _, status, used = os.wait4(self.pid, 0)
        except ChildProcessError:  # a program that ignores SIGCHLD is not told how its children end
            return self._popen.wait()
        self.used = Usage(used.ru_utime, used.ru_stime, used.ru_maxrss)
        self._popen.returncode = os.waitstatus_to_exitcode(status)
        return self._popen.returncode

    def forget_in_child(self) -> None:
        """In a fork of this process: lets go of what would tell the worker that its controller is alive."""
        if self.ended is None:
            os.dup2(self._page, self._lifeline, inheritable=False)  # keeps the number from being anything else's

    def close(self) -> None:
        """Lets go of every descriptor of a process that is reaped."""
        self.connection.close()
        assert self._popen.stdout is not None
        assert self._popen.stderr is not None
        self._popen.stdout.close()
        self._popen.stderr.close()
        for descriptor in (self._page, self._lifeline, self.pidfd):
            os.close(descriptor)

    def disown(self) -> None:
        """Lets go of every descriptor in a child that was forked; the process is its parent's."""
        self.close()
        self._popen.returncode = 0  # nobody here waits for it


def _spawn(environment: Mapping[str, str], descriptors: tuple[int, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-u", "-P", str(_PROGRAM), *map(str, descriptors)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        pass_fds=descriptors,
        start_new_session=True,
    )


def _forget_all() -> None:
    for process in _living:
        process.forget_in_child()


os.register_at_fork(after_in_child=_forget_all)


def _put_down(popen: subprocess.Popen[bytes]) -> None:
    popen.kill()
    with popen:  # closes its pipes and waits
        pass
