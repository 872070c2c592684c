"""Idleness: tells a pool when it has been without work for a while."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from hotplate.execute.deadlines import deadlines

if TYPE_CHECKING:
    from collections.abc import Callable

IDLE = 30.0
"""Seconds without a call after which a pool has more workers than it needs."""


class Idleness:
    """Calls a method once after a while without use. Thread-safe; it does not keep the method's object alive."""

    def __init__(self, shrink: Callable[[], None]) -> None:
        """`shrink` is a method. It is called in the thread of the deadlines."""
        self._shrink = weakref.WeakMethod(shrink)
        self.uses = 0
        """How often there was work; the pool counts."""
        self.forget_parent()

    def forget_parent(self) -> None:
        """In a child that was forked: whoever had the lock is not there, and nobody looks."""
        self._lock = threading.RLock()
        self._watched = False

    def watch(self) -> None:
        """Has somebody look later, unless somebody will."""
        if self._watched:
            return
        with self._lock:
            if self._watched:
                return
            self._watched = True
        used, itself = self.uses, weakref.ref(self)

        def look() -> None:
            if (found := itself()) is not None:
                found._look(used)

        try:
            deadlines.after(IDLE, look)
        except RuntimeError:  # no thread can be started; a later call tries again
            self._watched = False

    def _look(self, used: int) -> None:
        self._watched = False
        if used != self.uses:
            self.watch()
        elif (shrink := self._shrink()) is not None:
            shrink()
