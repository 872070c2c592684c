"""Gathering: what is taken down of a run, on its way to the writer."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from hotplate.errors import Backpressure
from hotplate.run.store.change import Change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apsw import SQLiteValue

    from hotplate.events import Event
    from hotplate.run.store.change import Lease
    from hotplate.run.store.content import Content
    from hotplate.run.store.rows import Rows
    from hotplate.run.store.writer import Writer

_MOST = 16
"""How often rows are added to one change."""


class Gathering:
    """Adds rows to the change that is pending last, until the writer takes that. Thread-safe.

    A small cell takes three rows, and a change of its own for each took as long as all else that is done about them.
    """

    def __init__(self, lease: Lease, writer: Writer) -> None:
        self._lease = lease
        self._writer = writer
        self._last: Change | None = None
        """What is pending last, as long as it may grow."""
        self._gate = threading.RLock()
        """Held while it grows, and for no wait: the writer, which alone makes room, takes it too."""

    def put(self, change: Change) -> None:
        """Has a change recorded, after all that came before it and before all that follows. Waits as `add` does."""
        while not self._is_put(change):
            if self._writer.is_this_thread:
                self._writer.put(change)
                return
            self._writer.wait_for_room()

    def add(
        self, rows: Mapping[Rows, Sequence[SQLiteValue]], files: tuple[Content, ...] = (), event: Event | None = None
    ) -> None:
        """Has rows recorded, and tells of an event then. Waits while too much is pending."""
        if files:
            self.put(Change(self._lease, contents=files).add(rows, event))
            return
        while not self._is_added(rows, event):
            if self._writer.is_this_thread:  # which alone makes room
                self.put(Change(self._lease).add(rows, event))
                return
            self._writer.wait_for_room()

    def seal(self, change: Change) -> None:
        """Is told that a change is about to be recorded: nothing is added to it any more."""
        with self._gate:
            if self._last is change:
                self._last = None

    def _is_put(self, change: Change) -> bool:
        with self._gate:  # else another thread could begin a change before this one, to which what follows is added
            self._last = None
            try:
                self._writer.offer(change)
            except Backpressure:
                return False
        return True

    def _is_added(self, rows: Mapping[Rows, Sequence[SQLiteValue]], event: Event | None) -> bool:
        with self._gate:
            last = self._last
            if last is not None and last.size < _MOST:
                last.add(rows, event)
                return True
            change = Change(self._lease).add(rows, event)
            try:
                self._last = change if self._writer.offer(change) else None
            except Backpressure:
                return False
        return True
