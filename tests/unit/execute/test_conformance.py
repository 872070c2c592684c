"""The suite that shows what executors promise: hotplate's own keep it, one from elsewhere can, and wrong ones don't."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from hotplate.execute import (
    AbortHandle,
    Executor,
    LinearExecutor,
    Outcome,
    OutcomeKind,
    ParallelExecutor,
    TaskGraph,
    make_executor,
)
from hotplate.execute.conformance import CASES, SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable


EXECUTORS: dict[str, Callable[[], Executor]] = {
    "linear": LinearExecutor,
    **{f"parallel-{jobs}": partial(make_executor, "parallel", jobs) for jobs in (1, 2, 8)},
    "process-2": partial(make_executor, "process", 2),
    "installed": partial(make_executor, "pooled"),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.usefixtures("pooled")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_it_keeps_what_executors_promise(executor: str, shape: str) -> None:
    for case in CASES:
        if case.shape == shape:
            case.check(EXECUTORS[executor])


def test_every_shape_is_tried_in_every_situation() -> None:
    situations = {case.situation for case in CASES}
    for shape in SHAPES.keys() - {"empty"}:
        assert {case.situation for case in CASES if case.shape == shape} == situations


# ---- the suite finds what is wrong ----

Arguments = dict[str, Any]


class Wrong(LinearExecutor):
    """A linear executor, but for what is done to its arguments."""

    def __init__(self, spoil: Callable[[Arguments], Arguments]) -> None:
        self._spoil = spoil

    def execute(self, graph: TaskGraph, call: Any, abort: Any, finished: Any, *, keep_going: bool = False) -> None:
        given = {"graph": graph, "call": call, "abort": abort, "finished": finished, "keep_going": keep_going}
        super().execute(**{**given, **self._spoil(given)})


def runs_backwards(given: Arguments) -> Arguments:
    return {"graph": TaskGraph(given["graph"].order[::-1], {})}


def ignores_failures(given: Arguments) -> Arguments:
    return {"graph": TaskGraph(given["graph"].order, {}), "keep_going": True}


def calls_twice(given: Arguments) -> Arguments:
    return {"call": lambda name: (given["call"](name), given["call"](name))[1]}


def tells_twice(given: Arguments) -> Arguments:
    return {"finished": lambda *told: (given["finished"](*told), given["finished"](*told))}


def forgets_the_cancelled(given: Arguments) -> Arguments:
    return {"finished": lambda *told: told[1].kind is OutcomeKind.CANCELLED or given["finished"](*told)}


def always_keeps_going(given: Arguments) -> Arguments:
    return {"keep_going": True}


def never_keeps_going(given: Arguments) -> Arguments:
    return {"keep_going": False}


def hears_nobody(given: Arguments) -> Arguments:
    return {"abort": AbortHandle()}


def swallows_exceptions(given: Arguments) -> Arguments:
    def finished(name: str, outcome: Outcome) -> None:
        with suppress(LookupError):
            given["finished"](name, outcome)

    return {"finished": finished}


def changes_values(given: Arguments) -> Arguments:
    return {"call": lambda name: replace(given["call"](name), value=b"?")}


def gives_no_reasons(given: Arguments) -> Arguments:
    return {"finished": lambda name, outcome: given["finished"](name, replace(outcome, reason=""))}


def broken_promises(make: Callable[[], Executor]) -> str:
    """All that the suite says about an executor on two shapes."""
    said = []
    for case in CASES:
        try:
            if case.shape in ("chain", "diamond"):
                case.check(make)
        except AssertionError as error:
            said.append(str(error))
    return "\n".join(said)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (runs_backwards, "was called before `finished` had returned for t38, which it needs"),
        (ignores_failures, "was called after one that did not end well"),
        (calls_twice, "was called again"),
        (tells_twice, "more than once"),
        (forgets_the_cancelled, "`finished` was never told of"),
        (always_keeps_going, "it did not set the abort handle when a task failed"),
        (never_keeps_going, "though nothing was to stop the run"),
        (hears_nobody, "though the abort handle was set before"),
        (hears_nobody, "was called after the abort handle was set"),
        (swallows_exceptions, "it raised None"),
        (changes_values, "has another value than with the linear executor"),
        (gives_no_reasons, "does not name what did not end well: ''"),
        (gives_no_reasons, "is cancelled and does not say why"),
    ],
)
def test_the_suite_finds_an_executor_that(spoil: Callable[[Arguments], Arguments], message: str) -> None:
    assert message in broken_promises(partial(Wrong, spoil))


def test_what_runs_ahead_of_its_needs_is_found_with_threads_too() -> None:
    class Heedless(ParallelExecutor):
        def execute(self, graph: TaskGraph, *args: Any, **options: Any) -> None:
            super().execute(TaskGraph(graph.order, {}), *args, **options)

    assert "which it needs" in broken_promises(partial(Heedless, 2))


def test_what_is_wrong_is_told_with_the_executor_and_the_case() -> None:
    case = next(case for case in CASES if str(case) == "diamond, the first one fails, keep going")
    expected = (
        "the executor linear does not keep what executors promise (diamond, the first one fails, keep going):\n- "
    )
    with pytest.raises(AssertionError) as told:
        case.check(partial(Wrong, never_keeps_going))
    assert str(told.value).startswith(expected)
