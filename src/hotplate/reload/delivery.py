"""Delivery: hands events to those who asked for them, on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from hotplate.events import PromptSink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotplate.events import Event, Sink

log = logging.getLogger("hotplate")


class Delivery:
    """A sink in front of others: whoever causes an event goes on at once, and holds no lock while they are told.

    They get one event at a time, in the order in which the events came. One that raises is logged and left out from
    then on. Prompt sinks are told at once. Thread-safe.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._prompt: list[Sink] = [sink for sink in sinks if isinstance(sink, PromptSink)]
        self._others = [sink for sink in sinks if not isinstance(sink, PromptSink)]
        self._waiting: deque[Event] = deque()
        self._taken = self._delivered = 0
        self._ending = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._serve, name="hotplate-events", daemon=True)

    def __call__(self, event: Event) -> None:
        """Takes an event."""
        with self._changed:
            _tell(self._prompt, event)
            self._waiting.append(event)
            self._taken += 1
            self._changed.notify_all()

    def start(self) -> None:
        """Begins to deliver."""
        self._thread.start()

    def flush(self, timeout: float) -> None:
        """Waits until everything that was taken so far is delivered; returns at once where events are delivered."""
        if not self._thread.is_alive() or threading.current_thread() is self._thread:
            return
        with self._changed:
            taken = self._taken
            self._changed.wait_for(lambda: self._delivered >= taken, timeout)

    def stop(self, timeout: float) -> None:
        """Delivers what was taken, and ends; not waited for where a sink calls it, nor for longer than this."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ending)
                if not self._waiting:
                    return
                event = self._waiting.popleft()
            _tell(self._others, event)
            with self._changed:
                self._delivered += 1
                self._changed.notify_all()


def _tell(sinks: list[Sink], event: Event) -> None:
    for sink in tuple(sinks):
        try:
            sink(event)
        except Exception:
            sinks.remove(sink)
            log.exception("a subscriber failed on %s and is left out from now on", event.kind)
