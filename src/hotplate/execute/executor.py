"""In what order calls run: the Executor protocol, the state machine that all executors share, and their registry."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from hotplate.execute.backend import Outcome, OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hotplate.execute.abort import AbortHandle


@dataclass(frozen=True, slots=True)
class TaskGraph:
    """What is to be run: names in a valid order, and for each the names that it needs among them."""

    order: Sequence[str]
    needs: Mapping[str, Iterable[str]]


@runtime_checkable
class Executor(Protocol):
    """Runs the tasks of a graph, each after what it needs, each exactly once.

    One that has an attribute `isolates` that is true wants every cell in a worker, whatever its section says.
    """

    name: str

    def execute(
        self,
        graph: TaskGraph,
        call: Callable[[str], Outcome],
        abort: AbortHandle,
        finished: Callable[[str, Outcome], None],
        *,
        keep_going: bool = False,
    ) -> None:
        """Runs everything and returns when nothing runs any more.

        `call` runs one task; `finished` is told of every task once, also of those that never ran (skipped, cancelled).
        The first failure stops the rest, or with `keep_going` only what depends on it. Setting `abort` does the same
        from outside.
        """
        ...


@dataclass(slots=True)
class Frontier:
    """Which tasks may start now. The state machine of every executor; not thread-safe, callers hold their lock.

    A task is waiting, then ready, then running, then done; done is final and told to `finished` exactly once.
    """

    graph: TaskGraph
    abort: AbortHandle
    finished: Callable[[str, Outcome], None]
    keep_going: bool = False
    ready: deque[str] = field(default_factory=deque)
    error: BaseException | None = None
    """What went wrong in the bookkeeping, not in a task: for the executor to raise when nothing runs any more."""
    _missing: dict[str, int] = field(default_factory=dict)
    _dependents: dict[str, list[str]] = field(default_factory=dict)
    _open: dict[str, None] = field(default_factory=dict)
    """Tasks that are not done, in order."""

    def __post_init__(self) -> None:
        self._open = dict.fromkeys(self.graph.order)
        for name in self.graph.order:
            needs = [need for need in self.graph.needs.get(name, ()) if need in self._open]
            self._missing[name] = len(needs)
            for need in needs:
                self._dependents.setdefault(need, []).append(name)
            if not needs:
                self.ready.append(name)

    def start(self) -> str | None:
        """Takes the next ready task; None when there is none. After an abort nothing starts any more."""
        return None if self.abort.aborted or not self.ready else self.ready.popleft()

    def finish(self, name: str, outcome: Outcome) -> None:
        """Records an outcome; what waited for it alone becomes ready."""
        self._close(name, outcome)
        if outcome.kind is OutcomeKind.CANCELLED:
            # Cancelling is not failing: what depends on it was called off by the same request, which give_up tells.
            self.abort.abort(outcome.reason or f"{name} was cancelled")
            return
        if not outcome.ok:
            self._skip_dependents(name)
            if not self.keep_going:
                self.abort.abort(f"{name} did not end well ({outcome.kind})")
            return
        for dependent in self._dependents.get(name, ()):
            self._missing[dependent] -= 1
            if self._missing[dependent] == 0 and dependent in self._open:
                self.ready.append(dependent)

    def give_up(self) -> None:
        """After an abort, when nothing runs any more: gives the tasks that never started their outcome."""
        self.ready.clear()
        for name in tuple(self._open):
            self._close(name, Outcome(OutcomeKind.CANCELLED, reason=self.abort.reason))

    def fail(self, error: BaseException) -> None:
        """Ends the run by an exception that is no outcome of a task. The first one counts."""
        self.error = self.error or error
        self.abort.abort("interrupted" if isinstance(error, KeyboardInterrupt) else "the run's bookkeeping failed")

    def _close(self, name: str, outcome: Outcome) -> None:
        del self._open[name]
        try:
            self.finished(name, outcome)
        except BaseException as error:  # the other tasks still have to be told of
            self.fail(error)

    def _skip_dependents(self, failed: str) -> None:
        pending = deque([failed])
        while pending:
            for dependent in self._dependents.get(pending.popleft(), ()):
                if dependent in self._open:
                    self._close(dependent, Outcome(OutcomeKind.SKIPPED, reason=f"{failed} did not end well"))
                    pending.append(dependent)
