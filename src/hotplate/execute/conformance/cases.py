"""The cases: a graph, what happens while it runs, and what must have come of it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from hotplate.execute.backend import OutcomeKind
from hotplate.execute.conformance.execution import Execution
from hotplate.execute.conformance.shapes import SHAPES, Needs
from hotplate.execute.linear import LinearExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hotplate.execute.executor import Executor

OK, SKIPPED, CANCELLED = OutcomeKind.OK, OutcomeKind.SKIPPED, OutcomeKind.CANCELLED


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One graph, and what happens while an executor runs it."""

    shape: str
    situation: str = "nothing special"
    ends: Mapping[str, OutcomeKind] = field(default_factory=dict)
    """The tasks that do not end well when they run, and how."""
    keep_going: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)
    """The times that the tasks are expected to take."""
    abort_at: int | None = None
    """At which call somebody else asks to stop; 0: before the first."""
    call_raises: str = ""
    """The task whose call raises."""
    finished_raises: str = ""
    """The task whose outcome nobody can be told of."""

    def __str__(self) -> str:
        return f"{self.shape}, {self.situation}" + (", keep going" if self.keep_going else "")

    @property
    def needs(self) -> Needs:
        """The graph."""
        return SHAPES[self.shape]

    def check(self, make: Callable[[], Executor]) -> None:
        """Has a new executor run the graph. Raises AssertionError with the promises that it did not keep."""
        execution = Execution(self)
        executor = make()
        execution.run(executor)
        problems = [*execution.problems, *_promises(self, execution)]
        if problems:
            shown = "".join(f"\n- {problem}" for problem in problems[:8])
            raise AssertionError(f"the executor {executor.name} does not keep what executors promise ({self}):{shown}")


def _promises(case: Case, execution: Execution) -> Iterator[str]:
    """What was not as promised when the execution was over."""
    if wrong := [name for name, times in Counter(execution.told).items() if times > 1]:
        yield f"`finished` was told of {', '.join(wrong)} more than once"
    if missing := [name for name in case.needs if name not in execution.outcomes]:
        yield f"`finished` was never told of {', '.join(missing)}"
        return
    yield from _kinds(case, execution)
    yield from _values(case, execution)
    yield from _reasons(case, execution)
    expected = case.call_raises or case.finished_raises
    raised = str(execution.raised) if execution.raised is not None else ""
    if raised != expected and (not expected or expected in execution.reached):
        yield f"it raised {execution.raised!r}, and the exception of {expected or 'no task'} was to be raised"
    stops = expected or case.abort_at is not None or _stops_all(case, execution)
    if execution.abort.aborted and not stops:
        yield f"it set the abort handle ({execution.abort.reason}), though nothing was to stop the run"
    if not execution.abort.aborted and _stops_all(case, execution):
        yield "it did not set the abort handle when a task failed or was cancelled"


def _stops_all(case: Case, execution: Execution) -> bool:
    ended = {case.ends[name] for name in case.ends if name in execution.called}
    return CANCELLED in ended or (not case.keep_going and bool(ended - {SKIPPED}))


def _kinds(case: Case, execution: Execution) -> Iterator[str]:
    """A task ran unless one before it did not end well, or the run was called off."""
    blocked: dict[str, bool] = {}
    """Whether something before a task, or the task itself, failed or skipped itself."""
    for name, needs in case.needs.items():
        kind, called = execution.outcomes[name].kind, name in execution.called
        skipped = any(blocked[need] for need in needs)
        blocked[name] = skipped or (called and case.ends.get(name, OK) not in (OK, CANCELLED))
        if case.call_raises:  # what never returned has no outcome of its own, and its dependents go with it
            allowed = {OK, CANCELLED, SKIPPED, OutcomeKind.LOST}
        elif skipped:
            allowed = {SKIPPED}
        elif called:
            allowed = {case.ends.get(name, OK)}
        else:
            allowed = {CANCELLED} if execution.abort.aborted else set()
        if kind not in allowed:
            yield f"{name} is {kind}, and it was {'called' if called else 'not called'}" + (
                ", after one that did not end well" if skipped else ""
            )
        if skipped and called:
            yield f"{name} was called after one that did not end well"


def _values(case: Case, execution: Execution) -> Iterator[str]:
    reference = _reference(case.shape)
    for name, outcome in execution.outcomes.items():
        if outcome.kind is OK and outcome.value != reference[name]:
            yield f"{name} has another value than with the linear executor"


def _reasons(case: Case, execution: Execution) -> Iterator[str]:
    if case.call_raises:
        return
    causes: dict[str, set[str]] = {}
    """For each task, which of those before it, or itself, did not end well by themselves."""
    for name, needs in case.needs.items():
        outcome = execution.outcomes[name]
        causes[name] = set().union(*(causes[need] for need in needs))
        if name in execution.called and name in case.ends:
            causes[name].add(name)
        elif outcome.kind is SKIPPED and not any(cause in outcome.reason.split() for cause in causes[name]):
            yield f"{name} is skipped and does not name what did not end well: {outcome.reason!r}"
        elif outcome.kind is CANCELLED and outcome.reason != execution.abort.reason:
            yield f"{name} is cancelled and does not say why: {outcome.reason!r}, not {execution.abort.reason!r}"


@cache
def _reference(shape: str) -> Mapping[str, bytes]:
    execution = Execution(Case(shape))
    execution.run(LinearExecutor())
    return {name: outcome.value for name, outcome in execution.outcomes.items()}


# ---- which cases there are ----


def _cases(shape: str, names: list[str]) -> Iterator[Case]:
    choose = random.Random(shape)
    yield Case(shape)
    yield Case(shape, "stopped before it began", abort_at=0)
    if not names:
        return
    yield Case(shape, "with expected times", seconds={name: choose.random() for name in names if choose.random() < 0.8})
    first, middle, last = names[0], names[len(names) // 2], names[-1]
    for keep_going in (False, True):
        for where, name in (("first", first), ("a middle", middle), ("last", last)):
            yield Case(shape, f"the {where} one fails", {name: OutcomeKind.FAILED}, keep_going)
        yield Case(shape, "several fail", _several(names, choose), keep_going)
        yield Case(shape, "one is cancelled", {middle: CANCELLED}, keep_going)
        yield Case(shape, "one skips itself", {first: SKIPPED}, keep_going)
        yield Case(shape, "stopped from outside", _several(names, choose), keep_going, abort_at=_some(names, choose))
    yield Case(shape, "stopped from outside", abort_at=_some(names, choose))
    yield Case(shape, "a call raises", call_raises=choose.choice(names))
    yield Case(shape, "`finished` raises", finished_raises=choose.choice(names))


def _several(names: list[str], choose: random.Random) -> dict[str, OutcomeKind]:
    kinds = (OutcomeKind.FAILED, OutcomeKind.CRASHED, OutcomeKind.TIMED_OUT, OutcomeKind.LOST)
    return {name: choose.choice(kinds) for name in choose.sample(names, 1 + len(names) // 6)}


def _some(names: list[str], choose: random.Random) -> int:
    return choose.randint(1, len(names))


CASES: tuple[Case, ...] = tuple(case for shape, needs in SHAPES.items() for case in _cases(shape, list(needs)))
"""All shapes with all situations."""
