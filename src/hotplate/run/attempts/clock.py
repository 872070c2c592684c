"""The time that attempts are told by, and waiting for it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from hotplate.execute.abort import AbortHandle

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_SLEEP = 0.25
"""Seconds. Ctrl-C does not end a wait for a lock on Windows, nor anywhere one that is about to begin."""


class Clock(Protocol):
    """Tells the time, and waits."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def wait(self, seconds: float, abort: AbortHandle) -> bool:
        """Waits so long, or until somebody asks to stop; returns whether the time is over and nobody has."""


class SystemClock:
    """The machine's. Thread-safe."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now

    def wait(self, seconds: float, abort: AbortHandle) -> bool:
        """See Clock. A request to stop wakes it at once."""
        # A bare lock, not an Event: a signal handler may abort while this thread is inside Event.wait.
        gate = threading.Lock()
        gate.acquire()
        listener = AbortHandle(abort, on_abort=gate.release)
        try:
            end = time.monotonic() + seconds
            while not abort.aborted and (left := end - time.monotonic()) > 0:
                if gate.acquire(timeout=min(left, _LONGEST_SLEEP)):
                    break
        finally:
            abort.release(listener)
        return not abort.aborted
