"""Scheduler: what may start, in which order, and what never will."""

from __future__ import annotations

import heapq
import random

import pytest

from hotplate.execute import (
    AbortHandle,
    Executor,
    LinearExecutor,
    Outcome,
    OutcomeKind,
    ParallelExecutor,
    Scheduler,
    TaskGraph,
)

OK, FAILED, SKIPPED, CANCELLED = OutcomeKind.OK, OutcomeKind.FAILED, OutcomeKind.SKIPPED, OutcomeKind.CANCELLED

Needs = dict[str, tuple[str, ...]]
DIAMOND: Needs = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


class Driven:
    """A scheduler and all that it told."""

    def __init__(self, needs: Needs, seconds: dict[str, float] | None = None, *, keep_going: bool = False) -> None:
        self.abort = AbortHandle()
        self.told: dict[str, Outcome] = {}
        graph = TaskGraph(list(needs), needs, seconds or {})
        self.scheduler = Scheduler(graph, self.abort, self.told.__setitem__, keep_going)

    def start_all(self) -> list[str]:
        started = []
        while (name := self.scheduler.start()) is not None:
            started.append(name)
        return started

    def run_all(self, ends: dict[str, Outcome] | None = None) -> list[str]:
        """One task at a time, as the linear executor does."""
        started = []
        while (name := self.scheduler.start()) is not None:
            started.append(name)
            self.scheduler.finish(name, (ends or {}).get(name, Outcome(OK)))
        self.scheduler.give_up()
        return started

    @property
    def kinds(self) -> dict[str, OutcomeKind]:
        return {name: outcome.kind for name, outcome in self.told.items()}


# ---- order ----


def test_a_task_is_ready_when_all_that_it_needs_is_there() -> None:
    driven = Driven(DIAMOND)
    assert driven.start_all() == ["a"]
    driven.scheduler.finish("a", Outcome(OK))
    assert driven.start_all() == ["b", "c"]
    driven.scheduler.finish("c", Outcome(OK))
    assert driven.start_all() == []
    driven.scheduler.finish("b", Outcome(OK))
    assert driven.start_all() == ["d"]


def test_what_is_not_in_the_graph_is_there_already() -> None:
    assert Driven({"a": ("elsewhere",)}).start_all() == ["a"]


def test_a_need_named_twice_is_one() -> None:
    assert Driven({"a": (), "b": ("a", "a")}).run_all() == ["a", "b"]


def test_without_times_tasks_start_in_the_order_given() -> None:
    needs: Needs = {"a": (), "a2": ("a",), "b": (), "b2": ("b",)}
    assert Driven(needs).run_all() == ["a", "a2", "b", "b2"]


def test_with_times_the_longest_way_to_the_end_starts_first() -> None:
    needs: Needs = {"short": (), "long": (), "start": (), "end": ("start",)}
    assert Driven(needs, {"short": 1, "long": 4, "start": 2, "end": 3}).run_all() == ["start", "long", "end", "short"]


def test_a_way_is_as_long_as_its_longest_branch() -> None:
    needs: Needs = {"x": (), "y": (), "x1": ("x",), "x2": ("x",), "y1": ("y",)}
    started = Driven(needs, {"x": 1, "x1": 2, "x2": 2, "y": 1, "y1": 3.5}).run_all()
    assert started == ["y", "y1", "x", "x1", "x2"]


def test_equally_long_ways_start_in_the_order_given() -> None:
    needs: Needs = dict.fromkeys("cabd", ())
    assert Driven(needs, {"a": 1, "b": 1, "c": 1, "d": 2}).run_all() == ["d", "c", "a", "b"]


def test_a_task_of_unknown_time_counts_by_what_comes_after_it() -> None:
    needs: Needs = {"unknown": (), "known": (), "first": (), "after": ("first",)}
    assert Driven(needs, {"known": 1, "after": 2}).run_all() == ["first", "after", "known", "unknown"]


def called_by(executor: Executor, graph: TaskGraph) -> list[str]:
    called: list[str] = []

    def call(name: str) -> Outcome:
        called.append(name)
        return Outcome(OK)

    executor.execute(graph, call, AbortHandle(), lambda _name, _outcome: None)
    return called


def test_what_becomes_ready_late_starts_before_all_that_is_less_urgent_and_waits() -> None:
    small = [f"small{i}" for i in range(50)]
    needs: Needs = dict.fromkeys(small, ()) | {"late": (), "urgent": ("late",)}
    graph = TaskGraph(list(needs), needs, dict.fromkeys(small, 1.0) | {"late": 1.0, "urgent": 2.0})
    assert called_by(ParallelExecutor(1), graph) == ["late", "urgent", *small]


def seconds_of_run(needs: Needs, seconds: dict[str, float], expected: dict[str, float], workers: int) -> float:
    """How long a run takes on so many workers, by a clock that is counted up."""
    driven = Driven(needs, expected)
    clock, running = 0.0, list[tuple[float, str]]()
    while len(driven.told) < len(needs):
        while len(running) < workers and (name := driven.scheduler.start()) is not None:
            heapq.heappush(running, (clock + seconds[name], name))
        clock, name = heapq.heappop(running)
        driven.scheduler.finish(name, Outcome(OK))
    return clock


def test_with_times_a_long_chain_does_not_wait_behind_short_tasks() -> None:
    short = [f"short{i}" for i in range(10)]
    chain: Needs = {"c0": ()} | {f"c{i}": (f"c{i - 1}",) for i in range(1, 5)}
    needs: Needs = dict.fromkeys(short, ()) | chain
    seconds = dict.fromkeys(short, 1.0) | dict.fromkeys(chain, 2.0)
    assert seconds_of_run(needs, seconds, {}, workers=2) == 15
    assert seconds_of_run(needs, seconds, seconds, workers=2) == 10


@pytest.mark.parametrize("seed", range(20))
def test_two_workers_take_at_most_the_half_and_a_half_of_the_longest_way(seed: int) -> None:
    """R. L. Graham's bound for a scheduler that leaves no worker idle while a task is ready (1969)."""
    choose = random.Random(seed)
    names = [f"t{i}" for i in range(60)]
    needs: Needs = {name: tuple(choose.sample(names[:i], min(i, choose.randrange(3)))) for i, name in enumerate(names)}
    seconds = {name: float(choose.randint(1, 9)) for name in names}
    longest: dict[str, float] = {}
    for name in names:
        longest[name] = seconds[name] + max((longest[need] for need in needs[name]), default=0)
    taken = seconds_of_run(needs, seconds, seconds, workers=2)
    assert taken >= max(sum(seconds.values()) / 2, *longest.values())
    assert taken <= (sum(seconds.values()) + max(longest.values())) / 2


def test_the_linear_executor_keeps_to_the_order_given_whatever_the_times() -> None:
    names = [f"t{i}" for i in range(20)]
    seconds = {name: random.Random(name).random() for name in names}
    assert called_by(LinearExecutor(), TaskGraph(names, {}, seconds)) == names


# ---- what does not end well ----


def test_what_depends_on_a_failure_is_skipped_and_says_why_and_by_whom() -> None:
    needs: Needs = {"a": (), "b": ("a",), "c": ("b",), "d": ("c",), "other": ()}
    driven = Driven(needs, keep_going=True)
    assert driven.run_all({"a": Outcome(FAILED)}) == ["a", "other"]
    reasons = {name: outcome.reason for name, outcome in driven.told.items() if outcome.kind is SKIPPED}
    assert reasons == {
        "b": "a did not end well (failed)",
        "c": "a did not end well (failed), and b needs it",
        "d": "a did not end well (failed), and c needs it",
    }


def test_of_several_failures_a_task_names_the_one_that_it_was_skipped_for() -> None:
    needs: Needs = {"a": (), "b": (), "of_a": ("a",), "of_b": ("b",), "of_both": ("b", "a")}
    driven = Driven(needs, keep_going=True)
    driven.run_all({"a": Outcome(OutcomeKind.CRASHED), "b": Outcome(OutcomeKind.TIMED_OUT)})
    reasons = {name: driven.told[name].reason for name in ("of_a", "of_b", "of_both")}
    assert reasons == {
        "of_a": "a did not end well (crashed)",
        "of_b": "b did not end well (timed_out)",
        "of_both": "a did not end well (crashed)",
    }


def test_without_keep_going_a_failure_calls_off_the_rest() -> None:
    driven = Driven({"a": (), "b": ("a",), "other": ()})
    assert driven.run_all({"a": Outcome(FAILED)}) == ["a"]
    assert driven.kinds == {"a": FAILED, "b": SKIPPED, "other": CANCELLED}
    assert driven.told["other"].reason == "a did not end well (failed)"


@pytest.mark.parametrize("keep_going", [False, True])
def test_cancelling_is_not_failing_nothing_is_skipped_for_it(keep_going: bool) -> None:
    driven = Driven({"a": (), "b": ("a",), "other": ()}, keep_going=keep_going)
    assert driven.run_all({"a": Outcome(CANCELLED, reason="not today")}) == ["a"]
    assert driven.kinds == dict.fromkeys(("a", "b", "other"), CANCELLED)
    assert {outcome.reason for outcome in driven.told.values()} == {"not today"}


@pytest.mark.parametrize("keep_going", [False, True])
def test_a_task_that_skips_itself_takes_its_dependents_along_and_stops_nothing_else(keep_going: bool) -> None:
    driven = Driven({"a": (), "b": ("a",), "c": ("b",), "other": ()}, keep_going=keep_going)
    assert driven.run_all({"a": Outcome(SKIPPED, reason="n is 0")}) == ["a", "other"]
    assert driven.kinds == {"a": SKIPPED, "b": SKIPPED, "c": SKIPPED, "other": OK}
    assert driven.told["b"].reason == "a was skipped (n is 0)"
    assert driven.told["c"].reason == "a was skipped (n is 0), and b needs it"
    assert not driven.abort.aborted


def test_what_was_skipped_is_not_started_when_its_other_needs_come() -> None:
    driven = Driven({"a": (), "b": (), "both": ("a", "b")}, keep_going=True)
    assert driven.start_all() == ["a", "b"]
    driven.scheduler.finish("a", Outcome(FAILED))
    driven.scheduler.finish("b", Outcome(OK))
    assert driven.start_all() == []
    assert driven.kinds == {"a": FAILED, "both": SKIPPED, "b": OK}


def test_what_never_started_is_told_in_the_order_given() -> None:
    needs: Needs = dict.fromkeys("cadb", ())
    driven = Driven(needs, {"a": 3, "b": 2, "c": 1, "d": 4})
    driven.abort.abort("enough")
    assert driven.run_all() == []
    assert list(driven.told) == ["c", "a", "d", "b"]
    assert driven.told["c"] == Outcome(CANCELLED, reason="enough")


def test_what_finished_raises_is_kept_and_ends_the_run_and_the_others_are_told() -> None:
    told: list[str] = []

    def finished(name: str, _: Outcome) -> None:
        told.append(name)
        raise LookupError(name)

    abort = AbortHandle()
    scheduler = Scheduler(TaskGraph(list(DIAMOND), DIAMOND), abort, finished)
    assert scheduler.start() == "a"
    scheduler.finish("a", Outcome(OK))
    assert scheduler.start() is None
    scheduler.give_up()
    assert told == list(DIAMOND)
    assert isinstance(scheduler.error, LookupError)
    assert scheduler.error.args == ("a",)
    assert abort.reason == "the run's bookkeeping failed"


def test_an_interrupt_while_the_rest_is_told_is_kept_and_the_rest_is_told() -> None:
    class Interrupted(AbortHandle):
        interrupts = 2

        @property
        def reason(self) -> str:
            self.interrupts -= 1
            if self.interrupts >= 0:
                raise KeyboardInterrupt
            return super().reason

    abort = Interrupted()
    abort.abort("enough")
    told: dict[str, Outcome] = {}
    scheduler = Scheduler(TaskGraph(list(DIAMOND), DIAMOND), abort, told.__setitem__)
    scheduler.give_up()
    assert told == dict.fromkeys(DIAMOND, Outcome(CANCELLED, reason="enough"))
    assert isinstance(scheduler.error, KeyboardInterrupt)
