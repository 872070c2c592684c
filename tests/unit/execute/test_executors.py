"""What every executor promises, whichever way it runs: one suite for all of them."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest

from hotplate.execute import (
    AbortHandle,
    Executor,
    LinearExecutor,
    Outcome,
    OutcomeKind,
    ParallelExecutor,
    TaskGraph,
)
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    Needs = dict[str, tuple[str, ...]]

EXECUTORS: dict[str, Callable[[], Executor]] = {
    "linear": LinearExecutor,
    **{f"parallel-{jobs}": partial(ParallelExecutor, jobs) for jobs in (1, 2, 8)},
}
OK, FAILED, SKIPPED, CANCELLED = OutcomeKind.OK, OutcomeKind.FAILED, OutcomeKind.SKIPPED, OutcomeKind.CANCELLED
LONG = 30.0  # seconds: what is expected to happen at once has this long before a test fails


def layers(count: int, width: int, needs: Callable[[int, int, int], bool]) -> Needs:
    """Layers of nodes; `needs(layer, i, j)`: node i of a layer needs node j of the one before."""
    graph: Needs = {}
    for layer in range(count):
        for i in range(width):
            before = range(width) if layer else ()
            graph[f"{layer}.{i}"] = tuple(f"{layer - 1}.{j}" for j in before if needs(layer, i, j))
    return graph


def random_dag(seed: int, size: int = 40) -> Needs:
    choose = random.Random(seed)
    names = [f"t{i}" for i in range(size)]
    return {name: tuple(choose.sample(names[:i], min(i, choose.randrange(4)))) for i, name in enumerate(names)}


SHAPES: dict[str, Needs] = {
    "empty": {},
    "single": {"a": ()},
    "chain": {f"t{i}": (f"t{i - 1}",) if i else () for i in range(50)},
    "fan-out": {"root": (), **{f"leaf{i}": ("root",) for i in range(30)}},
    "fan-in": {**{f"leaf{i}": () for i in range(30)}, "end": tuple(f"leaf{i}" for i in range(30))},
    "diamond": {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")},
    "butterfly": layers(4, 8, lambda layer, i, j: j in (i, i ^ (1 << (layer - 1)))),
    "all-to-all": layers(5, 6, lambda _layer, _i, _j: True),
    **{f"random-{seed}": random_dag(seed) for seed in range(4)},
}


class Recording:
    """A call and a `finished` that note what they are asked, and what must not be."""

    def __init__(self, graph: Needs, run: Callable[[str], OutcomeKind] = lambda _: OK) -> None:
        self.graph = graph
        self.handle = AbortHandle()
        self.called: list[str] = []
        self.told: list[str] = []
        self.outcomes: dict[str, Outcome] = {}
        self.too_early: list[str] = []
        self.at_once = self.most_at_once = 0
        self._run = run
        self._lock = threading.Lock()

    def execute(self, executor: Executor, *, keep_going: bool = False) -> None:
        tasks = TaskGraph(list(self.graph), self.graph)
        executor.execute(tasks, self.call, self.handle, self.finished, keep_going=keep_going)

    def call(self, name: str) -> Outcome:
        with self._lock:
            self.called.append(name)
            self.too_early += [need for need in self.graph[name] if need not in self.outcomes]
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            return Outcome(self._run(name), name)
        finally:
            with self._lock:
                self.at_once -= 1

    def finished(self, name: str, outcome: Outcome) -> None:
        self.told.append(name)
        self.outcomes[name] = outcome

    @property
    def kinds(self) -> dict[str, OutcomeKind]:
        return {name: outcome.kind for name, outcome in self.outcomes.items()}

    @property
    def told_once(self) -> bool:
        return Counter(self.told) == Counter(list(self.graph))


@pytest.fixture(params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Executor:
    return EXECUTORS[request.param]()


@pytest.fixture(params=[2, 8])
def parallel(request: pytest.FixtureRequest) -> Executor:
    return ParallelExecutor(request.param)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_task_runs_once_and_after_what_it_needs(executor: Executor, shape: str) -> None:
    recording = Recording(SHAPES[shape])
    recording.execute(executor)
    assert Counter(recording.called) == Counter(list(SHAPES[shape]))
    assert recording.too_early == []
    assert recording.told_once
    assert set(recording.kinds.values()) <= {OK}


@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_fails_everything_is_told_once_and_descendants_are_skipped(executor: Executor, shape: str) -> None:
    graph = SHAPES[shape]
    failing = set(random.Random(shape).sample(list(graph), len(graph) // 10))
    recording = Recording(graph, lambda name: FAILED if name in failing else OK)
    recording.execute(executor, keep_going=True)
    bad: set[str] = set()
    for name, needs in graph.items():
        if name in failing or bad.intersection(needs):
            bad.add(name)
    assert recording.told_once
    assert {name for name, kind in recording.kinds.items() if kind is not OK} == bad
    assert {name for name, kind in recording.kinds.items() if kind is FAILED} == failing.intersection(recording.called)
    assert not recording.handle.aborted


FAILING: Needs = {"a": (), "b": ("a",), "c": ("b",), "d": ("c",), "other": (), "later": ("other",)}


def run_failing(executor: Executor, *, keep_going: bool) -> Recording:
    """`b` fails while `other` runs, where tasks overlap."""

    overlaps = isinstance(executor, ParallelExecutor) and executor.jobs > 1

    def run(name: str) -> OutcomeKind:
        if name == "other" and overlaps and not keep_going:
            assert eventually(lambda: recording.handle.aborted)
        return FAILED if name == "b" else OK

    recording = Recording(FAILING, run)
    recording.execute(executor, keep_going=keep_going)
    return recording


def test_a_failure_stops_the_rest_and_its_descendants_name_it(executor: Executor) -> None:
    recording = run_failing(executor, keep_going=False)
    assert recording.told_once
    assert recording.kinds["b"] is FAILED
    assert (recording.kinds["c"], recording.kinds["d"]) == (SKIPPED, SKIPPED)
    assert recording.kinds["later"] is CANCELLED
    assert "b did not end well" in recording.outcomes["c"].reason
    assert "b did not end well" in recording.outcomes["later"].reason
    assert recording.handle.aborted


def test_keep_going_stops_only_what_depends_on_the_failure(executor: Executor) -> None:
    recording = run_failing(executor, keep_going=True)
    assert recording.kinds == {
        "a": OK, "b": FAILED, "c": SKIPPED, "d": SKIPPED, "other": OK, "later": OK
    }  # fmt: skip


def test_after_an_abort_nothing_starts(executor: Executor) -> None:
    recording = Recording(SHAPES["diamond"])
    recording.handle.abort("not today")
    recording.execute(executor)
    assert recording.called == []
    assert recording.told_once
    assert {outcome.reason for outcome in recording.outcomes.values()} == {"not today"}


def test_an_abort_from_outside_lets_running_tasks_end_and_starts_no_others(executor: Executor) -> None:
    def run(name: str) -> OutcomeKind:
        if name == "t3":
            thread = threading.Thread(target=recording.handle.abort, args=("enough",))
            thread.start()
            thread.join()
        return OK

    recording = Recording(SHAPES["chain"], run)
    recording.execute(executor)
    assert recording.called == ["t0", "t1", "t2", "t3"]
    assert recording.told_once
    assert recording.kinds["t3"] is OK
    assert (recording.kinds["t4"], recording.outcomes["t49"].reason) == (CANCELLED, "enough")


@pytest.mark.parametrize("raising", [{"b"}, {"a", "b", "c", "d"}], ids=["once", "always"])
def test_an_exception_in_finished_surfaces_and_ends_the_run(executor: Executor, raising: set[str]) -> None:
    recording = Recording(SHAPES["diamond"])

    def finished(name: str, outcome: Outcome) -> None:
        recording.finished(name, outcome)
        if name in raising:
            raise LookupError(name)

    with pytest.raises(LookupError, match=min(raising)):
        executor.execute(TaskGraph(list(recording.graph), recording.graph), recording.call, recording.handle, finished)
    assert recording.told_once
    assert recording.kinds["d"] in (SKIPPED, CANCELLED)


def test_an_exception_of_a_call_is_no_outcome_but_ends_the_run(executor: Executor) -> None:
    def run(name: str) -> OutcomeKind:
        if name == "t2":
            raise SystemExit(7)
        return OK

    recording = Recording(SHAPES["chain"], run)
    with pytest.raises(SystemExit):
        recording.execute(executor)
    assert recording.called == ["t0", "t1", "t2"]
    assert recording.told_once


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_no_more_than_the_given_number_of_tasks_run_at_once(jobs: int) -> None:
    tick = threading.Event()
    recording = Recording(SHAPES["fan-out"], lambda _: OK if not tick.wait(0.001) else FAILED)
    recording.execute(ParallelExecutor(jobs))
    assert 1 <= recording.most_at_once <= jobs


def test_independent_tasks_overlap(parallel: Executor) -> None:
    meeting = threading.Barrier(2, timeout=LONG)
    recording = Recording({"a": (), "b": ()}, lambda _: OK if meeting.wait() >= 0 else FAILED)
    recording.execute(parallel)
    assert set(recording.kinds.values()) == {OK}


def test_a_task_does_not_wait_for_others_of_an_earlier_level(parallel: Executor) -> None:
    second = threading.Event()

    def run(name: str) -> OutcomeKind:
        if name == "a2":
            second.set()
        return OK if name != "b" or second.wait(LONG) else FAILED

    recording = Recording({"a": (), "b": (), "a2": ("a",), "after": ("a2", "b")}, run)
    recording.execute(parallel)
    assert set(recording.kinds.values()) == {OK}


def test_the_interrupt_of_a_caller_ends_a_linear_run_with_every_task_told() -> None:
    def run(name: str) -> OutcomeKind:
        if name == "t2":
            raise KeyboardInterrupt
        return OK

    recording = Recording(SHAPES["chain"], run)
    with pytest.raises(KeyboardInterrupt):
        recording.execute(LinearExecutor())
    assert recording.told_once
    assert (recording.kinds["t1"], recording.kinds["t2"], recording.kinds["t3"]) == (OK, CANCELLED, CANCELLED)


def test_the_interrupt_of_a_caller_does_not_wait_for_tasks_that_do_not_answer(parallel: Executor) -> None:
    release = threading.Event()
    meeting = threading.Barrier(2, timeout=LONG)
    left: list[threading.Thread] = []

    def run(name: str) -> OutcomeKind:
        meeting.wait()
        if name == "answers":
            os.kill(os.getpid(), signal.SIGINT)
            assert eventually(lambda: recording.handle.aborted)
            return CANCELLED
        left.append(threading.current_thread())
        assert release.wait(LONG)
        return OK

    recording = Recording({"answers": (), "stubborn": (), "after": ("stubborn",)}, run)
    try:
        with pytest.raises(KeyboardInterrupt):
            recording.execute(parallel)
        assert recording.told_once
        assert set(recording.kinds.values()) == {CANCELLED}
    finally:
        release.set()
        left[0].join(LONG)
    assert recording.told_once, "a result that comes after the end is dropped"
