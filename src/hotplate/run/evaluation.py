"""Evaluation: decides which cells of a run have to be computed, computes them, keeps what came of it."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hotplate.errors import CellFailed
from hotplate.events import Kind
from hotplate.execute import Outcome, OutcomeKind, Request, TaskGraph
from hotplate.run.result import CellResult
from hotplate.run.state import Output, StateManager, Trace
from hotplate.values import digest, field_value, result_fields

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hotplate.events import Emitter
    from hotplate.execute import AbortHandle, Backend, Executor
    from hotplate.run.task import Task
    from hotplate.run.version import Version

_unique = itertools.count()

RETRYABLE = (OutcomeKind.TIMED_OUT, OutcomeKind.CRASHED, OutcomeKind.LOST)
"""How a call must have ended for `retries` to apply; what the cell itself reports is final."""


class Evaluation:
    """One run of a version. Used once.

    `given` are values by name: of inputs, and of the cells that the version has as overridden. With `diagnoses` the
    backend is asked for more about each crash.
    """

    def __init__(
        self,
        version: Version,
        given: Mapping[str, Any],
        state: StateManager,
        backend: Backend,
        emitter: Emitter,
        abort: AbortHandle,
        *,
        diagnoses: bool = False,
    ) -> None:
        self._diagnoses = diagnoses
        self._graph = version.graph
        self._tasks = version.tasks
        self._version = version.number
        self._given = given
        self._overridden = version.overridden
        self._drafts = version.drafts
        self._preliminary = version.drafts | version.graph.descendants(version.drafts)
        self._state = state
        self._backend = backend
        self._emitter = emitter
        self._abort = abort
        self._fresh = False
        self._superseded = ""
        self._obsolete: frozenset[str] = frozenset()
        self._kept: dict[str, Output] = {}
        """Results that hold, between being found and being told of."""
        self._running: dict[str, None] = {}
        self._contents: dict[str, Mapping[str | None, str]] = {}
        """What each computed cell and each given value holds, by name; see Output."""
        self.results: dict[str, CellResult] = {}

    def run(self, executor: Executor, *, fresh: bool, keep_going: bool) -> None:
        """Computes what is not up to date. `results` fills up with every cell of the graph and every overridden one.

        A cell whose inputs turn out to hold the same bytes as before is not computed either, so a change stops there.
        """
        self._fresh = fresh
        self._take_given()
        stale = [name for name in self._graph.order if not self._is_kept(name)]
        needs = {name: self._graph.dependencies(name) for name in stale}
        executor.execute(TaskGraph(stale, needs), self._compute, self._abort, self._finished, keep_going=keep_going)

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

    def _take_given(self) -> None:
        for name, value in self._given.items():
            self._contents[name] = {None: digest(value) or _new_content()} | {
                field: digest(part) or _new_content() for field, part in result_fields(value).items()
            }
            if name in self._overridden:
                self.results[name] = CellResult(name, Outcome(OutcomeKind.OK, value), given=True, version=self._version)

    def _is_kept(self, name: str) -> bool:
        """Whether an earlier result holds, as far as that can be told before anything has run."""
        if not all(source in self._contents for source in self._graph.dependencies(name)):
            return False
        found = self._find(name, self._trace(name))
        if found is None:
            return False
        self._finished(name, found)
        return True

    def _find(self, name: str, trace: Trace) -> Outcome | None:
        if self._fresh or self._tasks[name].attributes.impure:
            return None
        latest = self._state.latest(name)
        stored = self._state.find(name, trace)
        if stored is None:
            return None
        reason = self._why_kept(name) if stored is latest else f"as in v{stored.version}"
        self._kept[name] = stored
        return Outcome(OutcomeKind.OK, stored.value, reason=reason, seconds=stored.seconds)

    def _trace(self, name: str) -> Trace:
        """Everything that the result depends on: the cell's key, and by parameter what it is given."""
        inputs = []
        for parameter in self._graph.nodes[name].parameters:
            source = self._graph.edges.get((name, parameter.name))
            if source is not None:
                contents = self._contents[source.cell]
                inputs.append((parameter.name, contents.get(source.field) or contents[None]))
            elif parameter.name in self._given:
                inputs.append((parameter.name, self._contents[parameter.name][None]))
        return Trace(self._tasks[name].key, tuple(inputs))

    # ---- one cell ----

    def _compute(self, name: str) -> Outcome:
        self._running[name] = None  # before anything else: whoever supersedes from here on sees it
        try:
            if self._superseded:
                return Outcome(OutcomeKind.CANCELLED, reason=self._superseded)
            return self._find(name, self._trace(name)) or self._protected(self._tasks[name])
        finally:
            del self._running[name]

    def _protected(self, task: Task) -> Outcome:
        """Calls the cell; when new code fails, the memory that it has from the code before is what it was."""
        snapshot = self._state.snapshot(task.name, task.key)
        outcome = self._tried(task)
        if snapshot is not None and not outcome.ok:
            self._state.restore(task.name, snapshot)
        return outcome

    def _tried(self, task: Task) -> Outcome:
        attempts = 1 + task.attributes.retries
        for attempt in range(1, attempts + 1):
            outcome = replace(self._attempt(task, attempt), attempts=attempt)
            if outcome.kind not in RETRYABLE or self._abort.aborted:
                break
        if outcome.kind is OutcomeKind.CRASHED and self._diagnoses:
            return self._backend.diagnose(self._request(task), outcome)
        return outcome

    def _attempt(self, task: Task, attempt: int) -> Outcome:
        self._emitter.emit(Kind.CELL_STARTED, task.name, attempt)
        try:
            request = self._request(task)
        except CellFailed as error:
            return Outcome(OutcomeKind.FAILED, error=error, started=time.time())
        return self._backend.execute(request)

    def _request(self, task: Task) -> Request:
        arguments = self._arguments(task.name)
        return Request(
            cell=task.name,
            language=task.language,
            call=task.call,
            arguments=arguments,
            abort=self._abort,
            results=frozenset(arguments) - self._given.keys(),
            timeout=task.attributes.timeout,
            isolate=task.isolated,
            polls=task.polls,
        )

    def _arguments(self, name: str) -> dict[str, Any]:
        arguments = {}
        for parameter in self._graph.nodes[name].parameters:
            source = self._graph.edges.get((name, parameter.name))
            if source is not None:
                value = self.results[source.cell].value
                arguments[parameter.name] = value if source.field is None else _field(name, value, source.field)
            elif parameter.name in self._given:
                arguments[parameter.name] = self._given[parameter.name]
        return arguments

    def _finished(self, name: str, outcome: Outcome) -> None:
        task, version, kept = self._tasks[name], self._version, self._kept.pop(name, None)
        if kept is not None:
            self._contents[name], version = kept.contents, kept.version
        elif outcome.ok:
            outcome = self._keep(task, outcome)
        result = self.results[name] = CellResult(
            name, outcome, kept=kept is not None, build_seconds=task.build_seconds, build_key=task.key,
            compiler=task.compiler, version=version, draft=name in self._preliminary,
        )  # fmt: skip
        self._emitter.emit(_TERMINAL.get(outcome.kind, Kind.CELL_FAILED), name, outcome.attempts, result=result)

    def _keep(self, task: Task, outcome: Outcome) -> Outcome:
        name, trace = task.name, self._trace(task.name)
        outcome = replace(outcome, reason=self._why_run(task, trace, self._state.latest(name)))
        if name not in self._obsolete:
            draft = name in self._drafts
            output = self._state.keep(name, trace, outcome.value, outcome.seconds, self._version, draft=draft)
            self._contents[name] = output.contents
        return outcome

    # ---- for people ----

    def _why_kept(self, name: str) -> str:
        rerun = [source for source in self._graph.dependencies(name) if _was_computed(self.results.get(source))]
        return f"{', '.join(rerun)} gave the same bytes" if rerun else "up to date"

    def _why_run(self, task: Task, trace: Trace, before: Output | None) -> str:
        if before is None:
            return "new"
        if before.trace.key != trace.key:
            return "edited"
        changed = [name for name, content in trace.inputs if (name, content) not in before.trace.inputs]
        if changed:
            return f"{', '.join(changed)} changed"
        return "impure" if task.attributes.impure else "asked for"


def _was_computed(result: CellResult | None) -> bool:
    return result is not None and not result.kept and not result.given


_TERMINAL = {
    OutcomeKind.OK: Kind.CELL_DONE,
    OutcomeKind.SKIPPED: Kind.CELL_SKIPPED,
    OutcomeKind.CANCELLED: Kind.CELL_SKIPPED,
}


def _new_content() -> str:
    """A name that no other value has, for an object whose content can't be told."""
    return f"unique {next(_unique)}"


def _field(consumer: str, value: Any, field: str) -> Any:
    try:
        return field_value(value, field)
    except AttributeError as error:
        raise CellFailed(consumer, f"it needs {field} of a result, and {error}") from None
