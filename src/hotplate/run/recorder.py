"""Recorder: keeps what happens in one run, and makes the record of it."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from hotplate.events import Emitter, EventLog, Kind, Sink
from hotplate.execute import Outcome, OutcomeKind
from hotplate.run.attempts import Attempt, AttemptLog, facts_of
from hotplate.run.result import CellResult, Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hotplate.notebook.graph import Graph
    from hotplate.run.state import Trace
    from hotplate.run.store import Recording


def new_id() -> str:
    """A name for a run that no other has."""
    return uuid.uuid4().hex[:12]


class Recorder:
    """The events, attempts and results of one run, on disk too if there is a `recording`. Thread-safe."""

    def __init__(
        self, sinks: Sequence[Sink] = (), recording: Recording | None = None, logs: Path | None = None
    ) -> None:
        """`logs` is the folder for what cells print.

        With a recording, sinks are told of events when they are recorded, from a thread of the store.
        """
        self._attempts = AttemptLog()
        self.recording = recording
        self.logs = logs
        self._id = recording.id if recording is not None else new_id()
        self.results: dict[str, CellResult] = {}
        self._log = EventLog(self._id, self.results)
        self._begin = time.perf_counter()
        self.is_heard = bool(sinks) or recording is not None
        """Whether anybody hears of what happens before the run has ended."""
        if recording is not None:
            for sink in sinks:
                recording.announce(sink)
            sinks = (recording.event,)
        self.emitter = Emitter(self._id, tuple(sinks), log=self._log)

    @property
    def records(self) -> bool:
        """Whether results have to be known by what they hold."""
        return self.recording is not None

    def begun(self, cell: str, attempt: int) -> None:
        """An attempt is about to be made."""
        if self.recording is not None:
            self.recording.begun(cell, attempt)

    def attempted(self, cell: str, number: int, outcome: Outcome, not_before: float = 0.0) -> None:
        """An attempt has ended."""
        facts = facts_of(cell, number, outcome, not_before)
        self._attempts.add(facts)
        if self.recording is None:
            return
        self.recording.attempt(Attempt(*facts))
        if not_before:  # else a process that ends in the next one takes this one's end along, which then counts
            self.recording.flush()  # for nothing

    def finished(
        self, result: CellResult, trace: Trace | None = None, contents: Mapping[str | None, str] | None = None
    ) -> None:
        """A cell has ended, as `results` has it; the event that tells of that comes next.

        `trace` and `contents` mean the same to every process.
        """
        if self.recording is None:
            return
        outcome = result.outcome
        self.recording.finished(
            result.name,
            outcome.kind,
            trace=trace,
            value=outcome.value,
            contents=contents,
            started=outcome.started,
            seconds=outcome.seconds,
            attempts=outcome.attempts,
            reason=result.reason,
            error=_told(outcome),
            key=trace.key if trace is not None else result.build_key,
            compiler=result.compiler,
            kept=result.kept,
            given=result.given,
            followed=True,
        )

    def let_go(self, cell: str) -> None:
        """Keeps how a cell ended, which was told, but not its value any more."""
        result = self.results[cell]
        self.results[cell] = replace(result, outcome=replace(result.outcome, value=None))

    def finish(self, plan: Graph, version: int = 0, problem: str = "") -> Run:
        """The record, also of a run that ended early, because of `problem` for instance."""
        seconds = time.perf_counter() - self._begin
        overridden = [name for name in self.results if name not in plan.nodes]
        never_ran = Outcome(OutcomeKind.CANCELLED, reason="the run ended before it")
        names = (*overridden, *plan.order)
        ordered = {name: self.results.get(name) or CellResult(name, never_ran) for name in names}
        run = Run(self._id, ordered, seconds, version=version, tried=self._attempts, happened=self._log)
        self.emitter.emit(Kind.RUN_DONE, ok=run.ok and not problem, seconds=seconds)
        self.emitter.log = None  # what calls that were left behind cause is not of the record any more
        return replace(run, unrecorded=self._end(run, problem))

    def _end(self, run: Run, problem: str) -> str:
        """Ends the recording, and says why there is none of all that happened."""
        if self.recording is None:
            return ""
        from hotplate.run.store import RunState  # by who records has it been imported

        state = RunState.DONE if run.ok and not problem else RunState.FAILED
        if state is RunState.FAILED and not problem:
            if run.failures:
                problem = "; ".join(f"{cell.name}: {cell.status}" for cell in run.failures[:3])
            else:
                state = RunState.CANCELLED
                problem = next((cell.reason for cell in run.cells.values() if not cell.outcome.ok), "")
        self.recording.end(state, problem)
        return self.recording.lacking if self.recording.error is None else str(self.recording.error)


def _told(outcome: Outcome) -> str:
    """What went wrong in a cell and around it."""
    if outcome.error is None and outcome.around is None:
        return ""
    around = outcome.around.exceptions if outcome.around is not None else ()
    errors = [error for error in (outcome.error, *around) if error is not None]
    return "; ".join(dict.fromkeys(map(str, errors)))
