"""Executors at work: what overlaps, and interrupts. What all of them promise alike is in test_conformance."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
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
from hotplate.execute.conformance import SHAPES
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.execute.conformance import Needs

OK, FAILED, SKIPPED, CANCELLED = OutcomeKind.OK, OutcomeKind.FAILED, OutcomeKind.SKIPPED, OutcomeKind.CANCELLED
LONG = 30.0  # seconds: what is expected to happen at once has this long before a test fails


class Recording:
    """A call and a `finished` that note what they are asked, and what must not be."""

    def __init__(self, graph: Needs, run: Callable[[str], OutcomeKind] = lambda _: OK) -> None:
        self.graph = graph
        self.handle = AbortHandle()
        self.called: list[str] = []
        self.told: list[str] = []
        self.outcomes: dict[str, Outcome] = {}
        self.at_once = self.most_at_once = 0
        self._run = run
        self._lock = threading.Lock()

    def execute(self, executor: Executor) -> None:
        tasks = TaskGraph(list(self.graph), self.graph)
        executor.execute(tasks, self.call, self.handle, self.finished)

    def call(self, name: str) -> Outcome:
        with self._lock:
            self.called.append(name)
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


@pytest.fixture(params=[2, 8])
def parallel(request: pytest.FixtureRequest) -> Executor:
    return ParallelExecutor(request.param)


def test_a_failure_calls_off_what_has_not_begun_while_another_task_still_runs(parallel: Executor) -> None:
    begun = threading.Event()

    def run(name: str) -> OutcomeKind:
        if name == "other":
            begun.set()
            assert eventually(lambda: recording.handle.aborted)
        return FAILED if name == "b" and begun.wait(LONG) else OK

    recording = Recording({"a": (), "b": ("a",), "c": ("b",), "other": (), "later": ("other",)}, run)
    recording.execute(parallel)
    assert recording.told_once
    assert recording.kinds == {"a": OK, "b": FAILED, "c": SKIPPED, "other": OK, "later": CANCELLED}
    assert recording.outcomes["later"].reason == "b did not end well (failed)"


def test_a_run_that_ends_by_an_exception_waits_for_nobody_when_nothing_runs_any_more() -> None:
    class Impatient(ParallelExecutor):
        @property
        def grace(self) -> float:
            pytest.fail("it waits for a task")

    def finished(_name: str, _outcome: Outcome) -> None:
        raise LookupError("no room")

    with pytest.raises(LookupError):
        Impatient(2).execute(TaskGraph("ab", {}), lambda _: Outcome(OK), AbortHandle(), finished)


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
