"""Evaluation: decides which cells of a run have to be computed, computes them, keeps what came of it."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import xxhash

from hotplate.errors import CellFailed
from hotplate.events import Kind
from hotplate.execute import Outcome, OutcomeKind, Request, TaskGraph
from hotplate.run.result import CellResult
from hotplate.run.state import StateManager, Stored
from hotplate.values import digest, field_value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from hotplate.events import Emitter
    from hotplate.execute import AbortHandle, Backend, Executor
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import Attributes

_unique = itertools.count()

RETRYABLE = (OutcomeKind.TIMED_OUT, OutcomeKind.CRASHED, OutcomeKind.LOST)
"""How a call must have ended for `retries` to apply; what the cell itself reports is final."""


@dataclass(frozen=True, slots=True)
class Task:
    """A cell that is ready to be called."""

    name: str
    language: str
    call: Callable[..., Any]
    key: str
    """What the result depends on besides the inputs: the build key, or the identity of a Python function."""
    attributes: Attributes
    polls: bool = False
    build_seconds: float = 0.0
    compiler: str = ""


class Evaluation:
    """One run over tasks that are already built. Used once.

    `given` are values by name: of inputs, and of the cells that they override (`overridden`, no nodes of the graph).
    """

    def __init__(
        self,
        graph: Graph,
        tasks: Mapping[str, Task],
        given: Mapping[str, Any],
        overridden: Collection[str],
        state: StateManager,
        backend: Backend,
        emitter: Emitter,
        abort: AbortHandle,
    ) -> None:
        self._graph = graph
        self._tasks = tasks
        self._given = given
        self._state = state
        self._backend = backend
        self._emitter = emitter
        self._abort = abort
        self._overridden = overridden
        self._traces: dict[str, str] = {}
        self.results: dict[str, CellResult] = {}

    def run(self, executor: Executor, *, fresh: bool, keep_going: bool) -> None:
        """Computes what is not up to date. `results` fills up with every cell of the graph and every overridden one."""
        order = self._graph.order
        self._take_given()
        for name in order:
            self._traces[name] = self._trace(name)
        stale = [name for name in order if fresh or not self._is_kept(name)]
        needs = {name: self._graph.dependencies(name) for name in stale}
        executor.execute(TaskGraph(stale, needs), self._compute, self._abort, self._finished, keep_going=keep_going)

    # ---- what is still valid ----

    def _take_given(self) -> None:
        for name, value in self._given.items():
            self._traces[name] = digest(value) or _new_trace()
            if name in self._overridden:
                self.results[name] = CellResult(name, Outcome(OutcomeKind.OK, value), given=True)

    def _trace(self, name: str) -> str:
        """A hash of everything the result depends on: the cell's key, and the traces of its inputs by parameter."""
        task = self._tasks[name]
        if task.attributes.impure:
            return _new_trace()
        parts = [task.key]
        for parameter in self._graph.nodes[name].parameters:
            source = self._graph.edges.get((name, parameter.name))
            if source is not None:
                parts += [parameter.name, source.field or "", self._traces[source.cell]]
            elif parameter.name in self._given:
                parts += [parameter.name, "", self._traces[parameter.name]]
        return xxhash.xxh3_128_hexdigest("\0".join(parts).encode())

    def _is_kept(self, name: str) -> bool:
        stored = self._state.find(name, self._traces[name])
        if stored is None:
            return False
        outcome = Outcome(OutcomeKind.OK, stored.value, seconds=stored.seconds)
        self.results[name] = replace(self._result(name, outcome), kept=True)
        return True

    # ---- one cell ----

    def _compute(self, name: str) -> Outcome:
        task = self._tasks[name]
        attempts = 1 + task.attributes.retries
        for attempt in range(1, attempts + 1):
            outcome = replace(self._attempt(task, attempt), attempts=attempt)
            if outcome.kind not in RETRYABLE or self._abort.aborted:
                break
        return outcome

    def _attempt(self, task: Task, attempt: int) -> Outcome:
        self._emitter.emit(Kind.CELL_STARTED, task.name, attempt)
        try:
            arguments = self._arguments(task.name)
        except CellFailed as error:
            return Outcome(OutcomeKind.FAILED, error=error, started=time.time())
        return self._backend.execute(
            Request(
                cell=task.name,
                language=task.language,
                call=task.call,
                arguments=arguments,
                abort=self._abort,
                timeout=task.attributes.timeout,
                isolate=task.attributes.isolate,
                polls=task.polls,
            )
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
        result = self.results[name] = self._result(name, outcome)
        if outcome.ok:
            self._state.keep(name, Stored(self._traces[name], outcome.value, outcome.seconds))
        self._emitter.emit(_TERMINAL.get(outcome.kind, Kind.CELL_FAILED), name, outcome.attempts, result=result)

    def _result(self, name: str, outcome: Outcome) -> CellResult:
        task = self._tasks[name]
        return CellResult(name, outcome, build_seconds=task.build_seconds, build_key=task.key, compiler=task.compiler)


_TERMINAL = {
    OutcomeKind.OK: Kind.CELL_DONE,
    OutcomeKind.SKIPPED: Kind.CELL_SKIPPED,
    OutcomeKind.CANCELLED: Kind.CELL_SKIPPED,
}


def _new_trace() -> str:
    """A trace that no other value has: of an impure cell, or of an object whose content can't be told."""
    return f"unique {os.getpid()} {next(_unique)}"


def _field(consumer: str, value: Any, field: str) -> Any:
    try:
        return field_value(value, field)
    except AttributeError as error:
        raise CellFailed(consumer, f"it needs {field} of a result, and {error}") from None
