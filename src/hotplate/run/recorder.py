"""Recorder: keeps what happens in one run, and makes the record of it."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from hotplate.events import Emitter, Event, Kind, Sink
from hotplate.execute import Outcome, OutcomeKind
from hotplate.run.result import CellResult, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotplate.notebook.graph import Graph


class Recorder:
    """The events and results of one run. `emitter` takes its events; `results` is the evaluation's own mapping."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._events: list[Event] = []
        self._id = uuid.uuid4().hex[:12]
        self._begin = time.perf_counter()
        self.emitter = Emitter(self._id, (self._events.append, *sinks))
        self.results: dict[str, CellResult] = {}

    def finish(self, plan: Graph, version: int = 0) -> Run:
        """The record, also of a run that ended early."""
        seconds = time.perf_counter() - self._begin
        overridden = [name for name in self.results if name not in plan.nodes]
        never_ran = Outcome(OutcomeKind.CANCELLED, reason="the run ended before it")
        names = (*overridden, *plan.order)
        ordered = {name: self.results.get(name) or CellResult(name, never_ran) for name in names}
        ok = all(cell.outcome.ok for cell in ordered.values())
        self.emitter.emit(Kind.RUN_DONE, ok=ok, seconds=seconds)
        return Run(self._id, ordered, seconds, tuple(self._events), version)
