"""Evaluator: makes one attempt at a cell, with everything that surrounds it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hotplate.errors import LifecycleFailed
from hotplate.execute import Outcome, OutcomeKind
from hotplate.run.lifecycles.lifecycle import Lifecycle, Skip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hotplate.run.lifecycles.context import CellContext


class Evaluator:
    """Setups in order, the call, teardowns in reverse, cleanups. Thread-safe if its lifecycles are.

    Whatever is raised, every lifecycle whose setup began gets its teardown, and every cleanup runs.
    """

    # An interrupt strikes where a loop turns or a function begins. In `evaluate`, all of those are inside a `try`.

    __slots__ = ("_names", "_setups", "_teardowns", "_torn")

    def __init__(self, lifecycles: Sequence[Lifecycle]) -> None:
        self._names = tuple(f"the lifecycle {lifecycle.name}" for lifecycle in lifecycles)
        # Bound once: looking a method up takes as long as a call of one that does nothing.
        self._setups = tuple(lifecycle.setup for lifecycle in lifecycles)
        self._teardowns = tuple(lifecycle.teardown for lifecycle in lifecycles)
        own = [number for number, lifecycle in enumerate(lifecycles, 1) if _tears_down(lifecycle)]
        self._torn = max(own, default=0)
        """How many come up to the last one whose teardown does anything: most runs have none."""

    def evaluate(self, context: CellContext, call: Callable[[CellContext], Outcome]) -> Outcome:
        """How the attempt ended. What lifecycles and cleanups raised is in `around`, and makes a failure of a success.

        What `call` raises goes on to the caller when all is torn down, and so does an interrupt at any moment.
        """
        # No loop in a `try` ends with a condition: from 3.12 on, Python runs no handler for what is raised where such a
        # loop turns, which is where it raises KeyboardInterrupt.
        begun, calls, answer, cleanup, trouble = 0, False, None, None, None
        try:
            for setup in self._setups:
                if answer is not None:
                    break
                begun += 1
                answer = setup(context)
            if answer is None:
                calls = True
                outcome = call(context)
            else:
                outcome = _skipped(answer)
        except BaseException as error:
            trouble = _Trouble(context.cell)
            outcome = trouble.in_call(error) if calls else trouble.before(self._names, begun, error)
        if begun > self._torn:  # noqa: PLR1730 - where min() returns, an interrupt would strike outside of a `try`
            begun = self._torn
        while begun or context.cleanups:
            try:
                for begun in range(begun - 1, -1, -1):  # noqa: B020 - where it goes on after trouble
                    changed = self._teardowns[begun](context, outcome)
                    outcome = outcome if changed is None else _changed(changed)
                while True:
                    if not context.cleanups:
                        break
                    cleanup = context.cleanups.pop()
                    cleanup()
            except BaseException as error:
                trouble = trouble or _Trouble(context.cell)
                outcome = trouble.after(self._names[begun] if cleanup is None else _called(cleanup), error, outcome)
        return outcome if trouble is None else trouble.settled(outcome)


class _Trouble:
    """What was raised around one call, and what that makes of its outcome."""

    def __init__(self, cell: str) -> None:
        self._cell = cell
        self._failures: list[LifecycleFailed] = []
        self._stop: BaseException | None = None
        """What goes on to the caller when everything is done."""

    def in_call(self, error: BaseException) -> Outcome:
        """The call raised, which ends the whole run."""
        self._stop = error
        if isinstance(error, Exception):
            return Outcome(OutcomeKind.FAILED, error=error)
        reason = "interrupted" if isinstance(error, KeyboardInterrupt) else f"ended by {type(error).__name__}"
        return Outcome(OutcomeKind.CANCELLED, error=error, reason=reason)

    def before(self, names: Sequence[str], begun: int, error: BaseException) -> Outcome:
        """The setup that began last raised, so there is no call. An interrupt may come before the first."""
        if not isinstance(error, Exception):
            return self.in_call(error)
        return Outcome(OutcomeKind.FAILED, error=self._add(names[begun - 1], "before", error))

    def after(self, who: str, error: BaseException, outcome: Outcome) -> Outcome:
        """A teardown or a cleanup raised. The first failure of a cell is the one that counts."""
        if not isinstance(error, Exception):
            self._stop = self._stop or error
            return outcome
        failure = self._add(who, "after", error)
        return replace(outcome, kind=OutcomeKind.FAILED, value=None, error=failure) if outcome.ok else outcome

    def settled(self, outcome: Outcome) -> Outcome:
        """The outcome with all that was raised around it. Raises what has to go on, with all that in its context."""
        around = ExceptionGroup(f"around {self._cell}", self._failures) if self._failures else None
        if self._stop is not None:
            if around is not None:
                around.__context__, self._stop.__context__ = self._stop.__context__, around
            raise self._stop
        return outcome if around is None else replace(outcome, around=around)

    def _add(self, who: str, when: str, error: Exception) -> LifecycleFailed:
        failure = LifecycleFailed(self._cell, f"{who} failed {when} the call: {type(error).__name__}: {error}")
        failure.__cause__ = error
        self._failures.append(failure)
        return failure


def _tears_down(lifecycle: Lifecycle) -> bool:
    return getattr(lifecycle.teardown, "__func__", None) is not Lifecycle.teardown


def _skipped(answer: object) -> Outcome:
    if not isinstance(answer, Skip):
        message = f"setup returned {type(answer).__name__}, which is neither Skip nor None"
        raise TypeError(message)
    return answer.outcome


def _changed(answer: object) -> Outcome:
    if not isinstance(answer, Outcome):
        message = f"teardown returned {type(answer).__name__}, which is neither Outcome nor None"
        raise TypeError(message)
    return answer


def _called(cleanup: Callable[[], object]) -> str:
    return f"the cleanup {getattr(cleanup, '__qualname__', type(cleanup).__name__)}"
