"""The processes that a cell has started, wherever they have gone to. The worker imports it by its path, too.

Linux tells children from `/proc/PID/task/TID/children`. Where a kernel lacks that, only the process group is reached.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Any

assert sys.platform == "linux"


def kill_descendants(pid: int) -> None:
    """Kills what descends from a process, also what has left its group. Who is born meanwhile may be missed."""
    for child in _children(pid):
        kill_descendants(child)
        _kill_child(child, pid)


def end_children() -> None:
    """Kills and reaps all children of this process, which has to be a subreaper: theirs become its own and go, too."""
    if not _has_children():
        return
    tracker = sys.modules.get("multiprocessing.resource_tracker")
    if tracker is not None:
        _end_tracker(tracker)
    _end_all_but(0)


def _end_tracker(module: Any) -> None:
    """Lets multiprocessing's tracker end by itself, for it unlinks the shared memory that nobody else has unlinked."""
    with contextlib.suppress(Exception):  # there is no public way; where the private one is gone, it is killed
        if pid := module._resource_tracker._pid:
            _end_all_but(pid)  # they hold its pipe open
            module._resource_tracker._stop()


def _end_all_but(spared: int) -> None:
    while _has_children():
        children = [child for child in _children(os.getpid()) if child != spared]
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)
        if not children:
            return


def _has_children() -> bool:
    """Reaps one that has ended by itself, if there is one."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def _kill_child(child: int, parent: int) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(child)
        try:
            if child in _children(parent):  # so the descriptor is not of another process that got the number
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - 4 µs against 40
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as listed:  # noqa: PTH123 - likewise
                found += map(int, listed.read().split())
    return found
