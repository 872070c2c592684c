"""One attempt at a cell: what runs in which order, and what an exception at each point makes of it."""

from __future__ import annotations

import dis
import itertools
import sys
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest

from hotplate.errors import CellFailed, LifecycleFailed
from hotplate.events import Emitter
from hotplate.execute import AbortHandle, Outcome, OutcomeKind
from hotplate.run.lifecycles import CellContext, Evaluator, Lifecycle, Skip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from hotplate.run.task import Task

OK, FAILED, SKIPPED, CANCELLED = OutcomeKind.OK, OutcomeKind.FAILED, OutcomeKind.SKIPPED, OutcomeKind.CANCELLED


class Cell:
    name = "u1"


class Recorder(Lifecycle):
    """Writes down what is called, and then does what it is told."""

    def __init__(
        self,
        name: str,
        seen: list[str],
        setup: Callable[[CellContext], Skip | None] | None = None,
        teardown: Callable[[Outcome], Outcome | None] | None = None,
    ) -> None:
        self.name = name
        self.outcomes: list[Outcome] = []
        self._seen, self._setup, self._teardown = seen, setup, teardown

    def setup(self, context: CellContext) -> Skip | None:
        self._seen.append(f"+{self.name}")
        return self._setup(context) if self._setup else None

    def teardown(self, context: CellContext, outcome: Outcome) -> Outcome | None:
        self._seen.append(f"-{self.name}")
        self.outcomes.append(outcome)
        return self._teardown(outcome) if self._teardown else None


def new_context() -> CellContext:
    return CellContext(cast("Task", Cell), 1, AbortHandle(), Emitter("r1"))


@contextmanager
def interrupt_at(turn: int) -> Iterator[list[int]]:
    """Raises KeyboardInterrupt where a loop of `evaluate` turns, after it has done so `turn` times. Yields where."""
    turns, places = itertools.count(), []
    loops = {
        instruction.offset
        for instruction in dis.get_instructions(Evaluator.evaluate)
        if "JUMP_BACKWARD" in instruction.opname
    }

    def trace(frame: FrameType, event: str, _: object) -> object:
        if frame.f_code is not Evaluator.evaluate.__code__:
            return None
        frame.f_trace_opcodes = True
        if event == "call":
            sys.settrace(trace)  # type: ignore[arg-type]  # as below; without it Python 3.12 tells of no opcodes
        if event == "opcode" and frame.f_lasti in loops and next(turns) == turn:
            places.append(frame.f_lineno)
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]  # a tracer returns tracers
    try:
        yield places
    finally:
        sys.settrace(before)


def raising(error: BaseException) -> Callable[[object], None]:
    def raises(_: object) -> None:
        raise error

    return raises


def calling(seen: list[str], outcome: Outcome) -> Callable[[CellContext], Outcome]:
    def call(_: CellContext) -> Outcome:
        seen.append("call")
        return outcome

    return call


GOOD = Outcome(OK, 7, started=1.0, seconds=2.0)
BAD = Outcome(FAILED, error=CellFailed("u1", "negative pressure"))


# ---- order ----


def test_setups_run_in_order_then_the_call_then_the_teardowns_in_reverse() -> None:
    seen: list[str] = []
    evaluator = Evaluator([Recorder("a", seen), Recorder("b", seen), Recorder("c", seen)])
    assert evaluator.evaluate(new_context(), calling(seen, GOOD)) is GOOD
    assert seen == ["+a", "+b", "+c", "call", "-c", "-b", "-a"]


def test_without_lifecycles_there_is_the_call_alone() -> None:
    assert Evaluator([]).evaluate(new_context(), calling([], BAD)) is BAD


def test_a_lifecycle_that_writes_neither_method_does_nothing() -> None:
    class Nothing(Lifecycle):
        name = "nothing"

    assert Evaluator([Nothing()]).evaluate(new_context(), calling([], GOOD)) is GOOD


def test_every_method_gets_the_same_context() -> None:
    contexts: list[CellContext] = []

    class Watcher(Lifecycle):
        name = "watcher"

        def setup(self, context: CellContext) -> None:
            contexts.append(context)

        def teardown(self, context: CellContext, outcome: Outcome) -> None:
            contexts.append(context)

    context = new_context()
    Evaluator([Watcher()]).evaluate(context, lambda given: contexts.append(given) or GOOD)  # type: ignore[func-returns-value]
    assert contexts == [context] * 3
    assert (context.cell, context.attempt, context.last, context.run) == ("u1", 1, True, "r1")


# ---- skipping ----


def test_a_skip_leaves_out_later_setups_and_the_call() -> None:
    seen: list[str] = []
    skipped = Outcome(SKIPPED, reason="the marker is there")
    evaluator = Evaluator(
        [Recorder("a", seen), Recorder("b", seen, setup=lambda _: Skip(skipped)), Recorder("c", seen)]
    )
    assert evaluator.evaluate(new_context(), calling(seen, GOOD)) is skipped
    assert seen == ["+a", "+b", "-b", "-a"]


def test_a_skip_may_bring_a_value() -> None:
    outcome = Evaluator([Recorder("a", [], setup=lambda _: Skip(GOOD))]).evaluate(new_context(), calling([], BAD))
    assert outcome is GOOD


def test_a_setup_that_returns_anything_else_has_failed() -> None:
    outcome = Evaluator([Recorder("a", [], setup=lambda _: GOOD)]).evaluate(  # type: ignore[arg-type, return-value]
        new_context(), calling([], GOOD)
    )
    assert str(outcome.error) == (
        "u1: the lifecycle a failed before the call: TypeError: setup returned Outcome, which is neither Skip nor None"
    )


# ---- teardowns that answer ----


def test_a_teardown_may_put_another_outcome_in_place() -> None:
    other = Outcome(OK, 8)
    outer, inner = Recorder("outer", []), Recorder("inner", [], teardown=lambda _: other)
    assert Evaluator([outer, inner]).evaluate(new_context(), calling([], BAD)) is other
    assert (inner.outcomes, outer.outcomes) == ([BAD], [other])


def test_a_teardown_that_returns_anything_else_has_failed() -> None:
    lifecycle = Recorder("a", [], teardown=lambda _: 7)  # type: ignore[arg-type, return-value]
    outcome = Evaluator([lifecycle]).evaluate(new_context(), calling([], GOOD))
    assert outcome.kind is FAILED
    assert "teardown returned int, which is neither Outcome nor None" in str(outcome.error)


# ---- exceptions ----


def test_a_raising_setup_fails_the_cell_without_a_call_and_is_torn_down_itself() -> None:
    seen: list[str] = []
    error = OSError("no disk")
    evaluator = Evaluator([Recorder("a", seen), Recorder("b", seen, setup=raising(error)), Recorder("c", seen)])
    outcome = evaluator.evaluate(new_context(), calling(seen, GOOD))
    assert seen == ["+a", "+b", "-b", "-a"]
    assert outcome.kind is FAILED
    assert str(outcome.error) == "u1: the lifecycle b failed before the call: OSError: no disk"
    assert isinstance(outcome.error, LifecycleFailed)
    assert outcome.error.__cause__ is error


def test_a_raising_teardown_fails_a_cell_that_went_well_and_says_which_one_it_was() -> None:
    seen: list[str] = []
    evaluator = Evaluator([Recorder("a", seen), Recorder("b", seen, teardown=raising(ValueError("torn")))])
    outcome = evaluator.evaluate(new_context(), calling(seen, GOOD))
    assert seen == ["+a", "+b", "call", "-b", "-a"]
    assert (outcome.kind, outcome.value) == (FAILED, None)
    assert str(outcome.error) == "u1: the lifecycle b failed after the call: ValueError: torn"
    assert (outcome.started, outcome.seconds) == (1.0, 2.0)


def test_teardowns_further_out_see_the_failure() -> None:
    outer = Recorder("outer", [])
    Evaluator([outer, Recorder("inner", [], teardown=raising(ValueError()))]).evaluate(new_context(), calling([], GOOD))
    assert [outcome.kind for outcome in outer.outcomes] == [FAILED]


@pytest.mark.parametrize(
    "own",
    [
        BAD,
        Outcome(OutcomeKind.TIMED_OUT, error=CellFailed("u1", "late")),
        Outcome(SKIPPED, reason="not now"),
        Outcome(CANCELLED, reason="interrupted"),
    ],
    ids=lambda outcome: outcome.kind.value,
)
def test_a_raising_teardown_changes_nothing_about_a_cell_that_did_not_end_well(own: Outcome) -> None:
    lifecycle = Recorder("a", [], teardown=raising(ValueError("torn")))
    outcome = Evaluator([lifecycle]).evaluate(new_context(), calling([], own))
    assert (outcome.kind, outcome.error, outcome.reason) == (own.kind, own.error, own.reason)
    assert outcome.around is not None


def test_every_exception_is_kept_with_who_raised_it() -> None:
    errors = [OSError("a"), ValueError("b"), KeyError("c"), RuntimeError("d")]

    def setup(context: CellContext) -> None:
        context.on_exit(raising_now(errors[3]))
        raise errors[0]

    evaluator = Evaluator(
        [
            Recorder("one", [], teardown=raising(errors[2])),
            Recorder("two", [], setup=setup, teardown=raising(errors[1])),
        ]
    )
    outcome = evaluator.evaluate(new_context(), calling([], GOOD))
    assert outcome.around is not None
    assert [failure.__cause__ for failure in outcome.around.exceptions] == errors
    assert outcome.error is outcome.around.exceptions[0]
    assert [str(failure).split(":")[1] for failure in outcome.around.exceptions] == [
        " the lifecycle two failed before the call",
        " the lifecycle two failed after the call",
        " the lifecycle one failed after the call",
        " the cleanup raising_now.<locals>.raises failed after the call",
    ]


def raising_now(error: BaseException) -> Callable[[], None]:
    def raises() -> None:
        raise error

    return raises


def test_nothing_is_kept_when_nothing_was_raised() -> None:
    assert Evaluator([Recorder("a", [])]).evaluate(new_context(), calling([], GOOD)).around is None


# ---- cleanups ----


def test_cleanups_run_after_all_teardowns_the_last_one_first() -> None:
    seen: list[str] = []

    def setup(context: CellContext) -> None:
        context.on_exit(lambda: seen.append("first"))
        context.on_exit(lambda: seen.append("second"))

    evaluator = Evaluator([Recorder("a", seen), Recorder("b", seen, setup=setup)])
    assert evaluator.evaluate(new_context(), calling(seen, GOOD)) is GOOD
    assert seen == ["+a", "+b", "call", "-b", "-a", "second", "first"]


def test_a_raising_cleanup_keeps_no_other_from_running() -> None:
    seen: list[str] = []
    context = new_context()
    context.on_exit(lambda: seen.append("first"))
    context.on_exit(raising_now(ValueError("stuck")))
    context.on_exit(lambda: seen.append("third"))
    outcome = Evaluator([]).evaluate(context, calling(seen, GOOD))
    assert seen == ["call", "third", "first"]
    assert outcome.kind is FAILED
    assert "ValueError: stuck" in str(outcome.error)


def test_a_cleanup_may_add_another() -> None:
    seen: list[str] = []
    context = new_context()
    context.on_exit(lambda: context.on_exit(lambda: seen.append("added")))
    Evaluator([]).evaluate(context, calling([], GOOD))
    assert seen == ["added"]


# ---- what ends the run ----


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), RuntimeError("bookkeeping")])
def test_what_the_call_raises_goes_on_when_everything_is_torn_down(error: BaseException) -> None:
    seen: list[str] = []
    context = new_context()
    context.on_exit(lambda: seen.append("cleanup"))
    with pytest.raises(type(error)) as caught:
        Evaluator([Recorder("a", seen), Recorder("b", seen)]).evaluate(context, raising(error))  # type: ignore[arg-type]
    assert caught.value is error
    assert seen == ["+a", "+b", "-b", "-a", "cleanup"]


def test_an_interrupt_in_a_setup_goes_on_when_what_began_is_torn_down() -> None:
    seen: list[str] = []
    first = Recorder("a", seen)
    second = Recorder("b", seen, setup=raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        Evaluator([first, second, Recorder("c", seen)]).evaluate(new_context(), calling(seen, GOOD))
    assert seen == ["+a", "+b", "-b", "-a"]
    assert [(outcome.kind, outcome.reason) for outcome in first.outcomes] == [(CANCELLED, "interrupted")]


def test_an_interrupt_in_a_teardown_goes_on_when_the_others_are_torn_down() -> None:
    seen: list[str] = []
    evaluator = Evaluator([Recorder("a", seen), Recorder("b", seen, teardown=raising(KeyboardInterrupt()))])
    with pytest.raises(KeyboardInterrupt):
        evaluator.evaluate(new_context(), calling(seen, GOOD))
    assert seen == ["+a", "+b", "call", "-b", "-a"]


def test_what_teardowns_raise_after_an_interrupt_is_in_its_context() -> None:
    error = ValueError("torn")
    with pytest.raises(KeyboardInterrupt) as caught:
        Evaluator([Recorder("a", [], teardown=raising(error))]).evaluate(
            new_context(),
            raising(KeyboardInterrupt()),  # type: ignore[arg-type]
        )
    group = caught.value.__context__
    assert isinstance(group, ExceptionGroup)
    assert [failure.__cause__ for failure in group.exceptions] == [error]


def test_an_interrupt_where_a_loop_turns_leaves_no_teardown_out() -> None:
    """The interpreter looks for signals where a function begins and where a loop turns; the tracer stands for one."""
    for turn in itertools.count():
        seen: list[str] = []
        context = new_context()
        context.on_exit(partial(seen.append, "cleanup"))
        evaluator = Evaluator([Recorder("a", seen), Recorder("b", seen)])
        with interrupt_at(turn) as interrupted, suppress(KeyboardInterrupt):
            evaluator.evaluate(context, calling(seen, GOOD))
        begun = [entry[1:] for entry in seen if entry[0] == "+"]
        assert seen[-len(begun) - 1 :] == [*(f"-{name}" for name in reversed(begun)), "cleanup"], interrupted
        if not interrupted:
            break
    assert turn > 4
