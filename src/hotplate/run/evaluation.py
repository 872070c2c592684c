"""Evaluation: decides which cells of a run have to be computed, computes them, keeps what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate.events import Kind
from hotplate.execute import AbortHandle, Outcome, OutcomeKind, TaskGraph
from hotplate.run.conditions import unmet_condition
from hotplate.run.ledger import Found, Ledger
from hotplate.run.lifecycles import Evaluator, Lifecycle
from hotplate.run.lifecycles.arguments import Arguments
from hotplate.run.lifecycles.diagnose import Diagnose
from hotplate.run.result import CellResult
from hotplate.run.surroundings import Spare, TellFailure
from hotplate.run.traps import plan_traps, traps_of
from hotplate.run.tries import Tries

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from hotplate.execute import Backend, Executor
    from hotplate.run.attempts import AttemptPolicy
    from hotplate.run.memory import Memory
    from hotplate.run.recorder import Recorder
    from hotplate.run.state import StateManager, Trace
    from hotplate.run.task import Task
    from hotplate.run.version import Version


class Evaluation:
    """One run of a version. Used once.

    What surrounds one attempt at a cell is its `lifecycles`; see Evaluator.
    """

    def __init__(
        self,
        version: Version,
        given: Mapping[str, Any],
        state: StateManager,
        backend: Backend,
        recorder: Recorder,
        abort: AbortHandle,
        *,
        lifecycles: Sequence[Lifecycle] = (),
        policies: Mapping[str, AttemptPolicy] | None = None,
        memory: Memory | None = None,
        measures: bool = False,
        diagnoses: bool = False,
        releases: Callable[[str], Iterable[str]] | None = None,
    ) -> None:
        """`given` are values by name: of inputs, and of the cells that the version has as overridden.

        `policies` say how cells are tried, in place of their sections; `memory` has results of recorded runs.
        `measures`: what calls use of the machine is noted. `diagnoses`: the backend is asked for more about each crash.
        `releases` is told of each cell that ended, and names those whose values nobody needs any more.
        """
        self._graph = version.graph
        self._tasks = version.tasks
        self._version = version
        self._given = given
        self._state = state
        self._recorder = recorder
        self._records = recorder.records
        self._emit = recorder.emitter.emit
        self._abort = abort
        self._tries = Tries(backend, recorder, policies or {}, measures=measures)
        self._lifecycles = (Diagnose(backend, self._tries.is_final), *lifecycles) if diagnoses else tuple(lifecycles)
        self._memory = memory
        self._releases = releases
        self._preliminary = version.drafts | version.graph.descendants(version.drafts)
        self._superseded = ""
        self._obsolete: frozenset[str] = frozenset()
        self._found: dict[str, Found] = {}
        """Results that hold, between being found and being told of."""
        self._traces: dict[str, Trace] = {}
        """What the results of the cells that were looked at depend on."""
        self._traps = frozenset(traps_of(version.graph))
        self._told: dict[str, str] = {}
        """What the traps that are run are told of the failure."""
        self._running: dict[str, None] = {}
        self.results: dict[str, CellResult] = recorder.results

    def run(self, executor: Executor, *, fresh: bool, keep_going: bool) -> None:
        """Computes what is not up to date. `results` fills up with every cell of the graph and every overridden one.

        A cell whose inputs turn out to hold the same bytes as before is not computed either, so a change stops there.
        """
        self._ledger = Ledger(
            self._version, self._given, self._state, fresh=fresh, memory=self._memory, records=self._records
        )
        self._tries.evaluator = Evaluator((*self._surroundings(), *self._lifecycles))
        for name in self._version.overridden & self._given.keys():
            outcome = Outcome(OutcomeKind.OK, self._given[name])
            self.results[name] = CellResult(name, outcome, given=True, version=self._version.number)
        try:
            others = [name for name in self._graph.order if name not in self._traps]
            stale = others if fresh else [name for name in others if not self._is_kept(name)]
            self._execute(executor, stale, keep_going=keep_going)
            if self._traps:
                self._spring(executor)
        finally:
            # They lead back here: as long as they do, the libraries of this version wait for the collector of cycles.
            self._tries.evaluator = Evaluator(())

    def _surroundings(self) -> list[Lifecycle]:
        """What the evaluation itself puts around calls; most notebooks have neither conditions nor traps."""
        found: list[Lifecycle] = []
        if any(node.condition is not None for node in self._graph.nodes.values()):
            found.append(Spare("conditions", self._unmet))
        found += (Spare("reuse", self._find), Arguments(self._graph.wiring, self._value, self._given))
        if self._traps:
            found.append(TellFailure(self._told))
        return found

    def _execute(self, executor: Executor, names: Sequence[str], *, keep_going: bool) -> None:
        """Computes some cells. Under a request to stop of their own: a failure among them stops no others."""
        self._tries.abort = phase = AbortHandle(self._abort)
        try:
            graph = TaskGraph(names, self._graph.needs(names), self._state.seconds(names))
            executor.execute(graph, self._compute, phase, self._finished, keep_going=keep_going)
        finally:
            self._abort.release(phase)

    def _spring(self, executor: Executor) -> None:
        """When all others have ended: runs the traps that a failure sets off."""
        outcomes = {name: result.outcome for name, result in self.results.items()}
        plan = plan_traps(self._graph, outcomes, self._given, stopped=self._abort.reason)
        for name, reason in plan.skipped.items():
            self._finished(name, Outcome(OutcomeKind.SKIPPED, reason=reason))
        for name, text in plan.fire.items():
            if any(asked.kind == "failure" for asked in self._graph.nodes[name].parameters):
                self._told[name] = text
        self._execute(executor, list(plan.fire), keep_going=True)

    @property
    def running(self) -> tuple[str, ...]:
        """The cells that are being computed now. Thread-safe."""
        return tuple(self._running)

    @property
    def superseded(self) -> bool:
        """Whether a newer version put an end to it."""
        return bool(self._superseded)

    def supersede(self, reason: str, obsolete: Collection[str]) -> None:
        """Ends the run early, because a newer version is there. Thread-safe.

        Cells that are running may end, for their results hold in the newer version too, unless one is `obsolete`.
        Results of such ones are not kept.
        """
        self._obsolete = frozenset(obsolete)
        self._superseded = reason
        if any(name in obsolete for name in self.running):
            self._abort.abort(reason)

    # ---- what is still valid ----

    def _is_kept(self, name: str) -> bool:
        """Whether an earlier result holds, as far as that can be told before anything has run."""
        if self._graph.nodes[name].condition is not None or not self._ledger.is_ready(name):
            return False
        outcome = self._find(name)
        if outcome is None:
            return False
        self._finished(name, outcome)
        return True

    def _find(self, name: str) -> Outcome | None:
        trace = self._traces[name] = self._ledger.trace(name)
        if name in self._traps:  # it looks into this failure
            return None
        found = self._ledger.find(name, trace, self._value)
        if found is None:
            return None
        self._found[name] = found
        return Outcome(OutcomeKind.OK, found.output.value, reason=found.reason, seconds=found.output.seconds)

    def _unmet(self, name: str) -> Outcome | None:
        return unmet_condition(self._graph, name, self.results, self._given)

    def _value(self, name: str) -> Any:
        return self._given[name] if name in self._given else self.results[name].outcome.value

    # ---- one cell ----

    def _compute(self, name: str) -> Outcome:
        self._running[name] = None  # before anything else: whoever supersedes from here on sees it
        try:
            if self._superseded:
                return Outcome(OutcomeKind.CANCELLED, reason=self._superseded)
            return self._protected(self._tasks[name])
        finally:
            del self._running[name]

    def _protected(self, task: Task) -> Outcome:
        """Calls the cell; when new code fails, the memory that it has from the code before is what it was."""
        snapshot = self._state.snapshot(task.name, task.key)
        outcome = self._tried(task)
        if snapshot is not None and not outcome.ok and not outcome.unkillable:  # such a call goes on, with the memory
            self._state.restore(task.name, snapshot)
        return outcome

    def _tried(self, task: Task) -> Outcome:
        if self._memory is None:
            return self._tries.make(task)
        earlier = self._memory.earlier(task, self._ledger.recorded_trace(task.name, self._value))
        # Whether it has to be tried at all comes before whether it may be.
        spared = (self._unmet(task.name) or self._find(task.name)) if earlier.made else None
        return spared or self._tries.make(task, earlier)

    # ---- afterwards ----

    def _finished(self, name: str, outcome: Outcome) -> None:
        task, version, found, why = self._tasks[name], self._version.number, self._found.pop(name, None), ""
        if found is not None:
            self._ledger.adopt(name, found.output)
            version = found.output.version
        elif outcome.ok:
            trace = self._traces[name]
            why = self._ledger.reason(task, trace, self._value)
            if name not in self._obsolete:
                self._ledger.keep(task, trace, outcome.value, outcome.seconds)
        result = self.results[name] = CellResult(
            name, outcome, kept=found is not None, build_seconds=task.build_seconds, build_key=task.key,
            compiler=task.compiler, version=version, draft=name in self._preliminary, why=why,
        )  # fmt: skip
        if self._records:
            self._record(result, found)
        self._emit(_END[outcome.kind], name, outcome.attempts, result=result)
        if self._releases is not None and (unneeded := tuple(self._releases(name))):
            self._let_go(unneeded)

    def _let_go(self, names: Sequence[str]) -> None:
        self._state.forget(names)
        for name in names:
            self._recorder.let_go(name)

    def _record(self, result: CellResult, found: Found | None) -> None:
        name, trace, contents = result.name, None, None
        if found is not None and found.forced:
            trace = found.recorded
        elif name in self._traces:  # else it never came as far as being looked at
            trace = self._ledger.recorded_trace(name, self._value)
        if result.outcome.ok:
            contents = self._ledger.recorded_contents(name, self._value)
        self._recorder.finished(result, trace, contents)


_END = dict.fromkeys(OutcomeKind, Kind.CELL_FAILED) | {
    OutcomeKind.OK: Kind.CELL_DONE,
    OutcomeKind.SKIPPED: Kind.CELL_SKIPPED,
    OutcomeKind.CANCELLED: Kind.CELL_SKIPPED,
}
