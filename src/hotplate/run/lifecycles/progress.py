"""Progress: events about how far long cells are."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from hotplate.events import Kind
from hotplate.execute.deadlines import deadlines
from hotplate.run.lifecycles.lifecycle import Lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotplate.execute import Outcome
    from hotplate.run.lifecycles.context import CellContext

INTERVAL = 0.1
"""Seconds that a cell runs before anybody asks how far it is, and from one time to the next."""


class Progress(Lifecycle):
    """Tells how far cells are that report it (hp_progress): CELL_PROGRESS events (`done`, `total`), when that changes.

    For one run. Cells that are over soon cost it no thread: there is one as long as any cell runs for long, and one
    deadline ahead as long as any runs.
    """

    name = "progress"

    def __init__(
        self,
        ask: Callable[[], Mapping[str, tuple[int, int]]],
        clock: Callable[[], float] = time.monotonic,
        after: Callable[[float, Callable[[], None]], object] = deadlines.after,
    ) -> None:
        """`ask` is a backend's `progress`; `after` calls a function after so many seconds."""
        self._ask = ask
        self._clock = clock
        self._after = after
        self._running: dict[CellContext, float] = {}
        """Since when."""
        self._told: dict[CellContext, tuple[int, int]] = {}
        self._watched = False
        """Whether somebody will look at `_running`: a deadline that comes, or the thread."""
        self._lock = threading.RLock()
        """Held while it is told of progress, so that nothing is told of a call that is over."""

    def setup(self, context: CellContext) -> None:
        """The call begins."""
        self._running[context] = self._clock()
        if not self._watched:
            with self._lock:
                if not self._watched:
                    self._look_in(INTERVAL)

    def teardown(self, context: CellContext, outcome: Outcome) -> None:  # noqa: ARG002 - however it ended
        """The call is over."""
        with self._lock:
            self._running.pop(context, None)
            self._told.pop(context, None)

    def _look_in(self, seconds: float) -> None:
        with suppress(RuntimeError):  # no thread can be started: the run goes on without
            self._after(seconds, self._look)
            self._watched = True

    def _look(self) -> None:
        """Whether any call takes long. On the thread of all deadlines, so it only looks."""
        with self._lock:
            if not self._is_long_enough():
                return
            with suppress(RuntimeError):
                threading.Thread(target=self._tick, name="hotplate-progress", daemon=True).start()
                self._watched = True

    def _tick(self) -> None:
        while True:
            with self._lock:
                if not self._is_long_enough():
                    return
                self._watched = True
                self._tell()
            time.sleep(INTERVAL)

    def _is_long_enough(self) -> bool:
        """Whether a call has run for long. If not, it is looked again when the first of them may have."""
        self._watched = False  # before it is looked: a call that begins meanwhile is seen, or sees this
        running = tuple(self._running.values())
        if not running:
            return False
        longest = self._clock() - min(running)
        if longest < INTERVAL:
            self._look_in(INTERVAL - longest)
        return longest >= INTERVAL

    def _tell(self) -> None:
        reports = self._ask()
        for context in tuple(self._running):
            report = reports.get(context.cell)
            if report is not None and report != self._told.get(context):
                self._told[context] = report
                done, total = report
                context.emitter.emit(Kind.CELL_PROGRESS, context.cell, context.attempt, done=done, total=total)
