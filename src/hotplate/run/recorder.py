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
    from hotplate.run.attempts import Attempt


class Recorder:
    """The events, attempts and results of one run. `emitter` takes its events."""

    def __init__(self, sinks: Sequence[Sink] = (), *, run: str = "") -> None:
        """`run` is the id of a run that goes on; else it is a new one."""
        self._events: list[Event] = []
        self._attempts: list[Attempt] = []
        self._id = run or uuid.uuid4().hex[:12]
        self._begin = time.perf_counter()
        self.emitter = Emitter(self._id, (self._events.append, *sinks))
        self.results: dict[str, CellResult] = {}

    def earlier(self, cell: str) -> Sequence[Attempt]:  # noqa: ARG002 - for a run that was recorded
        """The attempts at a cell before this run was resumed."""
        return ()

    def begun(self, cell: str, attempt: int) -> None:
        """An attempt is about to be made. Any thread."""

    def attempted(self, attempt: Attempt) -> None:
        """An attempt has ended. Any thread."""
        self._attempts.append(attempt)

    def finished(self, result: CellResult) -> None:
        """A cell has ended."""

    def finish(self, plan: Graph, version: int = 0) -> Run:
        """The record, also of a run that ended early."""
        seconds = time.perf_counter() - self._begin
        overridden = [name for name in self.results if name not in plan.nodes]
        never_ran = Outcome(OutcomeKind.CANCELLED, reason="the run ended before it")
        names = (*overridden, *plan.order)
        ordered = {name: self.results.get(name) or CellResult(name, never_ran) for name in names}
        ok = all(cell.outcome.ok for cell in ordered.values())
        self.emitter.emit(Kind.RUN_DONE, ok=ok, seconds=seconds)
        return Run(self._id, ordered, seconds, tuple(self._events), version, attempts=tuple(self._attempts))
