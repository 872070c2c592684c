"""One timer thread for all deadlines of the process: no polling, no thread a call."""

from __future__ import annotations

import heapq
import itertools
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from hotplate.events import log

if TYPE_CHECKING:
    from collections.abc import Callable


class Deadlines:
    """Calls functions when their time comes. Thread-safe; the thread starts with the first deadline and is a daemon."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begin()

    def _begin(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._cancelled: set[int] = set()
        self._numbers = itertools.count()
        # Taken by itself, not through the condition: an interrupt can strike in Condition.__enter__ and leave it held.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None

    def after(self, seconds: float, action: Callable[[], None]) -> int:
        """Calls `action` in `seconds`, from the timer's thread; it must be quick. Returns a number for `cancel`.

        Raises RuntimeError when no thread can be started.
        """
        number = next(self._numbers)
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._serve, name="hotplate-deadlines", daemon=True)
                thread.start()
                self._thread = thread
            heapq.heappush(self._heap, (self._clock() + seconds, number, action))
            self._changed.notify()
        return number

    def cancel(self, number: int) -> None:
        """Forgets a deadline that has not come yet."""
        with self._lock:
            self._cancelled.add(number)
            self._changed.notify()

    def forget_parent(self) -> None:
        """In a child that was forked: there is no such thread, and the deadlines are the parent's."""
        self._begin()

    def _serve(self) -> None:
        while True:
            for action in self._due():
                try:
                    action()
                except Exception:  # or no other deadline of this process would ever come
                    log.exception("what a deadline calls has failed")

    def _due(self) -> list[Callable[[], None]]:
        """Waits for the next deadlines and takes them off the heap."""
        with self._lock:
            while True:
                while self._heap and self._heap[0][1] in self._cancelled:
                    self._cancelled.remove(heapq.heappop(self._heap)[1])
                now = self._clock()
                due = []
                while self._heap and self._heap[0][0] <= now:
                    _, number, action = heapq.heappop(self._heap)
                    if number in self._cancelled:
                        self._cancelled.remove(number)
                    else:
                        due.append(action)
                if due:
                    return due
                if not self._heap:
                    self._cancelled.clear()
                self._changed.wait(self._heap[0][0] - now if self._heap else None)


deadlines = Deadlines()
"""Those of this process."""
if sys.platform != "win32":
    os.register_at_fork(after_in_child=deadlines.forget_parent)
