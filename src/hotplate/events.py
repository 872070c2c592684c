"""What happens in a run, as it happens: one event type, and the emitter that numbers them."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hotplate.frozen import quickly_made

log = logging.getLogger("hotplate")


class Kind(StrEnum):
    """What an event reports. A cell's terminal event is CELL_DONE, CELL_FAILED or CELL_SKIPPED, exactly one a run.

    Between CELL_STARTED and that, CELL_PROGRESS (`done`, `total`) and CELL_OUTPUT (`stream`, `text`, and how many bytes
    are `dropped` before it) may come, and CELL_RETRYING (`outcome`, `error`, `not_before`) before each further attempt.

    A notebook that is watched also reports reloads: RELOAD_STARTED when files have changed (`files`), CELL_RELOADED for
    each cell whose code was replaced, RELOAD_DONE when the newer text runs or was refused (`reload`).
    """

    RUN_STARTED = "run_started"
    CELL_BUILDING = "cell_building"
    CELL_BUILT = "cell_built"
    CELL_STARTED = "cell_started"
    CELL_PROGRESS = "cell_progress"
    CELL_OUTPUT = "cell_output"
    CELL_RETRYING = "cell_retrying"
    CELL_DONE = "cell_done"
    CELL_FAILED = "cell_failed"
    CELL_SKIPPED = "cell_skipped"
    RUN_DONE = "run_done"
    RELOAD_STARTED = "reload_started"
    CELL_RELOADED = "cell_reloaded"
    RELOAD_DONE = "reload_done"


@quickly_made
@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `sequence` counts from 1 in each run; `time` is seconds since the epoch."""

    kind: Kind
    run: str
    sequence: int
    time: float
    cell: str = ""
    attempt: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)


Sink = Callable[[Event], None]
"""Takes an event; called from the thread that caused it, one event at a time."""


class PromptSink(ABC):
    """A sink that never waits for anything, and must know of an event before what it tells of goes on."""

    @abstractmethod
    def __call__(self, event: Event) -> None:
        """Takes an event, as every sink."""


class EventLog:
    """The events of one run. Thread-safe as far as one writes at a time.

    They are kept as their parts, one behind the other, and become objects for who asks: an object of each would have
    Python's collector go through all of them again and again, which took a tenth of the time of small cells.
    """

    __slots__ = ("_parts", "_results", "_run")

    def __init__(self, run: str = "", results: Mapping[str, object] | None = None) -> None:
        """`results` has that of each cell whose end was told of."""
        self._run = run
        self._results = {} if results is None else results
        self._parts: list[Any] = []

    def add(
        self, kind: Kind, sequence: int, time: float, cell: str, attempt: int, data: Mapping[str, Any] | None
    ) -> None:
        """Keeps an event, but for CELL_OUTPUT, which has no bound: outcomes hold the beginning and the end of it."""
        if kind is not _OUTPUT:
            if not data or "result" in data:
                data = None
            self._parts += (kind, sequence, time, cell, attempt, data)

    def events(self) -> tuple[Event, ...]:
        """All of them, in order."""
        parts = iter(tuple(self._parts))
        return tuple(
            Event(kind, self._run, sequence, time, cell, attempt, self._data(kind, cell) if data is None else data)
            for kind, sequence, time, cell, attempt, data in zip(*[parts] * 6, strict=True)
        )

    def _data(self, kind: Kind, cell: str) -> Mapping[str, Any]:
        return {"result": self._results[cell]} if kind in _ENDS else {}


_OUTPUT = Kind.CELL_OUTPUT  # once: until Python 3.12, to find a member of an enum takes 60 ns
_ENDS = frozenset({Kind.CELL_DONE, Kind.CELL_FAILED, Kind.CELL_SKIPPED})


class Emitter:
    """Stamps the events of one run and hands them to its sinks. Thread-safe.

    A sink that raises is logged once and left out from then on: it can't stop the run.
    """

    def __init__(
        self,
        run: str,
        sinks: tuple[Sink, ...] = (),
        clock: Callable[[], float] = time.time,
        *,
        log: EventLog | None = None,
    ) -> None:
        self.run = run
        self.log = log
        """Where events are kept as well, as long as there is such a place."""
        self._sinks = sinks
        self._clock = clock
        self._numbers = itertools.count(1)
        # Re-entrant: a sink may cause further events, by interrupting the run for instance.
        self._lock = threading.RLock()

    def emit(self, kind: Kind, cell: str = "", attempt: int = 0, **data: Any) -> None:
        """Sends one event to every sink."""
        with self._lock:
            number, now = next(self._numbers), self._clock()
            if self.log is not None:
                self.log.add(kind, number, now, cell, attempt, data)
            if self._sinks:
                self._tell(Event(kind, self.run, number, now, cell, attempt, data))

    def _tell(self, event: Event) -> None:
        for sink in self._sinks:
            try:
                sink(event)
            except Exception:
                self._sinks = tuple(other for other in self._sinks if other is not sink)
                log.exception("a subscriber of run %s failed on %s and is left out from now on", self.run, event.kind)
