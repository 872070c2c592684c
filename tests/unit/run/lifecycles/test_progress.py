"""How far long cells are."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from hotplate.events import Event, Kind
from hotplate.execute import Outcome, OutcomeKind
from hotplate.run.lifecycles.progress import INTERVAL, Progress
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hotplate.run.lifecycles import CellContext

    Begin = Callable[..., CellContext]

OK = Outcome(OutcomeKind.OK)


class Stage:
    """A backend that reports what it is told to, a clock, and deadlines that come when it is time."""

    def __init__(self) -> None:
        self.reports: dict[str, tuple[int, int]] = {}
        self.asked = 0
        self.now = 1000.0
        self.deadlines: list[tuple[float, Callable[[], None]]] = []
        self.progress = Progress(self.ask, lambda: self.now, self.after)

    def ask(self) -> Mapping[str, tuple[int, int]]:
        self.asked += 1
        return dict(self.reports)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        self.deadlines.append((self.now + seconds, action))

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        due = [action for when, action in self.deadlines if when <= self.now]
        self.deadlines = [(when, action) for when, action in self.deadlines if when > self.now]
        for action in due:
            action()


def tickers() -> int:
    return sum(thread.name == "hotplate-progress" for thread in threading.enumerate())


def told(events: list[Event]) -> list[tuple[str, int, int]]:
    return [(event.cell, event.data["done"], event.data["total"]) for event in events]


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    for context in tuple(stage.progress._running):
        stage.progress.teardown(context, OK)
    assert eventually(lambda: tickers() == 0)


def test_a_cell_that_runs_long_is_told_of_whenever_its_report_changes(
    stage: Stage, attempt: Begin, events: list[Event]
) -> None:
    stage.reports = {"u1": (1, 10)}
    stage.progress.setup(attempt(2))
    stage.pass_time(INTERVAL)
    assert eventually(lambda: told(events)) == [("u1", 1, 10)]
    before = stage.asked
    assert eventually(lambda: stage.asked > before + 1)  # it is asked again, and nothing has changed
    stage.reports = {"u1": (7, 10)}
    assert eventually(lambda: len(events) == 2)
    assert told(events) == [("u1", 1, 10), ("u1", 7, 10)]
    assert (events[0].kind, events[0].attempt) == (Kind.CELL_PROGRESS, 2)


def test_cells_that_are_over_soon_cost_no_thread_and_no_question(stage: Stage, attempt: Begin) -> None:
    stage.reports = {"u1": (1, 10)}
    for _ in range(20):
        context = attempt()
        stage.progress.setup(context)
        stage.pass_time(INTERVAL / 8)
        stage.progress.teardown(context, OK)
    assert (tickers(), stage.asked) == (0, 0)


def test_many_cells_have_one_deadline_between_them(stage: Stage, attempt: Begin) -> None:
    for _ in range(100):
        stage.progress.setup(attempt())
    assert len(stage.deadlines) == 1


def test_when_nothing_runs_nobody_looks(stage: Stage, attempt: Begin) -> None:
    context = attempt()
    stage.progress.setup(context)
    stage.progress.teardown(context, OK)
    stage.pass_time(INTERVAL)
    assert stage.deadlines == []


def test_a_cell_that_began_later_is_looked_at_when_it_is_its_time(
    stage: Stage, attempt: Begin, events: list[Event]
) -> None:
    first, second = attempt(cell="first"), attempt(cell="second")
    stage.reports = {"second": (1, 2)}
    stage.progress.setup(first)
    stage.pass_time(INTERVAL / 2)
    stage.progress.setup(second)
    stage.progress.teardown(first, OK)
    stage.pass_time(INTERVAL / 2)
    assert (tickers(), len(stage.deadlines)) == (0, 1)
    stage.pass_time(INTERVAL / 2 + 0.001)
    assert eventually(lambda: told(events)) == [("second", 1, 2)]


def test_the_thread_ends_with_the_last_long_cell_and_comes_back_for_the_next(
    stage: Stage, attempt: Begin, events: list[Event]
) -> None:
    stage.reports = {"u1": (1, 2)}
    for count in (1, 2):
        context = attempt()
        stage.progress.setup(context)
        stage.pass_time(INTERVAL)
        assert eventually(lambda: len(events) == count)  # noqa: B023 - it is asked in the same turn
        stage.progress.teardown(context, OK)
        assert eventually(lambda: tickers() == 0)


def test_nothing_is_told_of_a_call_that_is_over(stage: Stage, attempt: Begin, events: list[Event]) -> None:
    long, over = attempt(cell="long"), attempt(cell="over")
    stage.reports = {"long": (1, 2), "over": (1, 2)}
    stage.progress.setup(long)
    stage.progress.setup(over)
    stage.progress.teardown(over, OK)
    stage.pass_time(INTERVAL)
    assert eventually(lambda: stage.asked > 1)
    assert told(events) == [("long", 1, 2)]


def test_a_cell_that_reports_nothing_is_not_told_of(stage: Stage, attempt: Begin, events: list[Event]) -> None:
    stage.progress.setup(attempt())
    stage.pass_time(INTERVAL)
    assert eventually(lambda: stage.asked > 1)
    assert events == []


def test_without_threads_the_run_goes_on(stage: Stage, attempt: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(seconds: float, action: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(stage.progress, "_after", refuse)
    context = attempt()
    stage.progress.setup(context)
    stage.progress.teardown(context, OK)
