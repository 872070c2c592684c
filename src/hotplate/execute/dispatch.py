"""DispatchQueue: what is to be done, on its way from who hands it out to the threads that do it."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from hotplate.errors import Backpressure, SettingError, ShutDown

T = TypeVar("T")


class DispatchQueue(Generic[T]):
    """A bounded queue, first in, first out. Thread-safe; an interrupt at any moment leaves it usable.

    After `shut_down`, what is in it is still given out, and nothing more is taken.
    """

    def __init__(self, capacity: int) -> None:
        """It holds up to `capacity` items. Raises SettingError below 1."""
        if capacity < 1:
            raise SettingError(f"a dispatch queue holds 1 item or more, not {capacity}")
        self.capacity = capacity
        self._items: SimpleQueue[T | _End] = SimpleQueue()
        self._closed = False
        self._waiting = 0
        """How many wait for room."""
        # Taken by itself, not through the condition: an interrupt can strike in Condition.__enter__ and leave it held.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    def put(self, item: T, *, wait: bool = False) -> None:
        """Adds an item; with `wait`, as soon as there is room.

        Raises:
            ShutDown: It takes nothing any more; this is looked at first.
            Backpressure: It is full, and nobody wanted to wait.
        """
        with self._lock:
            if self.is_full and not self._closed:
                if not wait:
                    raise Backpressure(self.capacity)
                self._wait_for_room()
            if self._closed:
                raise ShutDown
            self._items.put(item)  # there still is room: only who holds the lock takes some

    def wait_for_room(self) -> None:
        """Waits until it has room, which somebody else may take first, or takes nothing any more."""
        with self._lock:
            self._wait_for_room()
            self._changed.notify()  # whoever else waits: this one does not take the room

    def _wait_for_room(self) -> None:
        self._waiting += 1  # before it is looked whether there is room: whoever makes some looks at this after
        try:
            self._changed.wait_for(lambda: self._closed or not self.is_full)
        finally:
            self._waiting -= 1

    def get(self) -> T | None:
        """Takes the oldest item; waits for one. None once it was shut down and is empty."""
        item = self._items.get()
        if isinstance(item, _End):
            self._items.put(item)  # for whoever else waits
            return None
        if self._waiting:
            with self._lock:
                self._changed.notify()
        return item

    def take(self, timeout: float | None = None) -> list[T] | None:
        """Takes all that is in it, oldest first; waits for something, for `timeout` seconds or without end.

        None once it was shut down and is empty.
        """
        found: list[T] = []
        with suppress(Empty):
            item = self._items.get(timeout=timeout)
            while not isinstance(item, _End):
                found.append(item)
                if len(found) == self.capacity:  # who puts faster than this takes must not keep it here
                    break
                item = self._items.get_nowait()
            else:
                self._items.put(item)  # for whoever else waits
                if not found:
                    return None
        if self._waiting:
            with self._lock:
                self._changed.notify_all()
        return found

    def shut_down(self) -> None:
        """From now on nothing is taken. Again does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._items.put(_End())
            self._changed.notify_all()

    @property
    def is_full(self) -> bool:
        """Whether it has no room. It may get some at any time, but less only by `put`."""
        return self._items.qsize() >= self.capacity


class _End:
    """Follows the last item."""
