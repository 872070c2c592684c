"""Scheduler: which task may start now and which never will. The one state machine of all executors."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from hotplate.execute.backend import Outcome, OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hotplate.execute.abort import AbortHandle
    from hotplate.execute.executor import TaskGraph

_OK = OutcomeKind.OK  # once: see Outcome.ok


class Scheduler:
    """Orders the tasks of one execution. Not thread-safe: an executor holds a lock of its own around each call.

    A task waits, is ready, runs, and is done; done is final and told to `finished` exactly once. Ready tasks start by
    the expected time from their start to the end of the graph, the longest first (the critical path, Kelley and Walker
    1959). Where no times are known, and between equals, they start in the order given.
    """

    def __init__(
        self,
        graph: TaskGraph,
        abort: AbortHandle,
        finished: Callable[[str, Outcome], None],
        keep_going: bool = False,
    ) -> None:
        """See Executor.execute for what the arguments mean."""
        self.error: BaseException | None = None
        """What went wrong in the bookkeeping, not in a task: for the executor to raise when nothing runs any more."""
        self._abort = abort
        self._finished = finished
        self._keep_going = keep_going
        self._by_rank = _ranked(graph)
        ranks = {name: rank for rank, name in enumerate(self._by_rank)}
        self._open = ranks if not graph.seconds else {name: ranks[name] for name in graph.order}
        """The rank of each task that is not done, in the order given. A lower rank starts first."""
        self._missing = [0] * len(ranks)
        """By rank: how many of its needs are not there yet."""
        self._dependents: dict[str, list[int]] = {}
        """By name, the ranks of those that need it."""
        self._ready: list[int] = []
        """A heap of ranks."""
        self._connect(graph.needs)

    def _connect(self, needs: Mapping[str, Iterable[str]]) -> None:
        for name, rank in self._open.items():
            for need in needs.get(name, ()):
                if need in self._open:  # the others are there already
                    self._missing[rank] += 1
                    self._dependents.setdefault(need, []).append(rank)
            if self._missing[rank] == 0:
                self._ready.append(rank)
        heapify(self._ready)

    def start(self) -> str | None:
        """Takes the ready task that starts first; None when there is none. After an abort nothing starts any more."""
        if not self._ready or self._abort.aborted:
            return None
        return self._by_rank[heappop(self._ready)]

    def finish(self, name: str, outcome: Outcome) -> None:
        """Records the outcome of a task that was started; what waited for it alone becomes ready.

        Failing stops what depends on the task, and the rest too unless it keeps going. A task that skips itself stops
        what depends on it, and is no failure. Neither is cancelling: what depends on that task was called off by the
        same request, as all that has not started is.
        """
        self._close(name, outcome)
        kind = outcome.kind
        if kind is _OK:
            missing = self._missing
            for rank in self._dependents.get(name, ()):
                missing[rank] -= 1
                if not missing[rank]:  # never so for one that was skipped: what it was skipped for is missing for good
                    heappush(self._ready, rank)
        elif kind is OutcomeKind.CANCELLED:
            self._abort.abort(outcome.reason or f"{name} was cancelled")
        elif kind is OutcomeKind.SKIPPED:
            self._skip_dependents(name, f"{name} was skipped" + (f" ({outcome.reason})" if outcome.reason else ""))
        else:
            self._skip_dependents(name, f"{name} did not end well ({kind})")
            if not self._keep_going:
                self._abort.abort(f"{name} did not end well ({kind})")

    def give_up(self) -> None:
        """When nothing runs any more: gives the tasks that never started their outcome."""
        self._ready.clear()
        while self._open:
            try:
                for name in tuple(self._open):
                    self._close(name, Outcome(OutcomeKind.CANCELLED, reason=self._abort.reason))
            except BaseException as error:  # a Ctrl-C on top of the one that led here
                self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Ends the run by an exception that is no outcome of a task. The first one counts."""
        self.error = self.error or error
        self._abort.abort("interrupted" if isinstance(error, KeyboardInterrupt) else "the run's bookkeeping failed")

    def _skip_dependents(self, cause: str, reason: str) -> None:
        """Skips all that depends on a task, the nearest first; each says the cause and by whom it needs that."""
        pending = [cause]
        for name in pending:
            told = reason if name == cause else f"{reason}, and {name} needs it"
            for rank in self._dependents.get(name, ()):
                dependent = self._by_rank[rank]
                if dependent in self._open:
                    self._close(dependent, Outcome(OutcomeKind.SKIPPED, reason=told))
                    pending.append(dependent)

    def _close(self, name: str, outcome: Outcome) -> None:
        del self._open[name]
        try:
            self._finished(name, outcome)
        except BaseException as error:  # the other tasks still have to be told of
            self.fail(error)


def _ranked(graph: TaskGraph) -> Sequence[str]:
    """The tasks as they start when all are ready. A task of unknown time adds nothing to the paths through it."""
    if not graph.seconds:
        return graph.order
    longest = dict.fromkeys(graph.order, 0.0)
    for name in reversed(graph.order):
        # So far the longest path behind it: those that need it come later in the order.
        longest[name] += graph.seconds.get(name, 0.0)
        for need in graph.needs.get(name, ()):
            if need in longest:
                longest[need] = max(longest[need], longest[name])
    return sorted(graph.order, key=longest.__getitem__, reverse=True)
