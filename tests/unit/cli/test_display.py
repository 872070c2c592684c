"""The live display of a run: what it makes of events."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from hotplate.cli.display import LiveProgress
from hotplate.errors import CellFailed
from hotplate.events import Event, Kind
from hotplate.execute import Outcome, OutcomeKind
from hotplate.run import CellResult, Run
from hotplate.run.picture import print_run
from hotplate.show.words import milliseconds, retry_words

if TYPE_CHECKING:
    from collections.abc import Callable


def event(kind: str, cell: str = "", attempt: int = 1, **data: object) -> Event:
    return Event(Kind(kind), "r", 1, 1000.0, cell, attempt, data)


def retrying(cell: str = "u", error: str = "u: no convergence", not_before: float = 1001.5) -> Event:
    return event("cell_retrying", cell, 1, outcome="timed_out", error=error, not_before=not_before)


@pytest.fixture
def shown() -> Callable[..., list[str]]:
    """The lines that stand there after these events, where cells report what `reports` says."""

    def render(*events: Event, reports: object = None) -> list[str]:
        page = io.StringIO()
        console = Console(file=page, width=100, color_system=None, legacy_windows=False)
        live = LiveProgress(console, dict, lambda _: "1 of 2 points")
        live._asked = reports or {}  # type: ignore[assignment]
        for one in events:
            live(one)
        console.print(live._render())
        return [line.rstrip() for line in page.getvalue().splitlines()]

    return render


def test_a_cell_that_reports_shows_how_far_it_is(shown: Callable[..., list[str]]) -> None:
    started = (event("run_started", cells=("u",)), event("cell_started", "u"))
    told, asked = event("cell_progress", "u", done=30, total=100), {"u": (40, 100)}
    assert "30/100" in shown(*started, told)[0]
    assert "40/100" in shown(*started, told, reports=asked)[0]


def test_a_cell_that_waits_for_another_attempt_says_why_and_then_which_it_is(shown: Callable[..., list[str]]) -> None:
    started = (event("run_started", cells=("u",)), event("cell_started", "u"))
    waiting = shown(*started, event("cell_progress", "u", done=30, total=100), retrying())
    assert [line.split(maxsplit=2) for line in waiting[:-1]] == [
        ["waiting", "u", "timed out: no convergence; attempt 2"]
    ]
    again = shown(*started, event("cell_progress", "u", done=30, total=100), retrying(), event("cell_started", "u", 2))
    assert again[0].endswith("attempt 2")
    assert "30/100" not in again[0]


def test_what_is_done_is_counted_in_points_and_cells(shown: Callable[..., list[str]]) -> None:
    done = event("cell_done", "u", result=SimpleNamespace())
    assert shown(event("run_started", cells=("u", "v")), done)[-1] == "1 of 2 points, 1 of 2 cells"


def test_of_many_cells_that_run_some_are_shown(shown: Callable[..., list[str]]) -> None:
    names = [f"u{i}" for i in range(50)]
    assert len(shown(event("run_started", cells=names), *(event("cell_started", name) for name in names))) == 9


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (retrying(), "timed out: no convergence; attempt 2 in 1.5 s"),
        (retrying(not_before=0.0), "timed out: no convergence; attempt 2"),
        (retrying("u[dt=0.1]", "u: none\nmore of it"), "timed out: none; attempt 2 in 1.5 s"),
    ],
)
def test_why_a_cell_is_tried_again_is_one_line(waiting: Event, words: str) -> None:
    assert retry_words(waiting, now=1000.0) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(2.345, "2.35 s"), (0.99987, "1 s"), (0.0123, "12.3 ms"), (0.00099987, "1 ms"), (7.8e-5, "78 µs"), (0.0, "0 µs")],
)
def test_durations_have_three_digits(seconds: float, words: str) -> None:
    assert milliseconds(seconds) == words


def test_a_long_error_in_the_table_takes_no_room_from_the_other_columns() -> None:
    page = io.StringIO()
    error = CellFailed("u0", "no convergence " * 20)
    cells = {
        "u0": CellResult("u0", Outcome(OutcomeKind.FAILED, error=error, seconds=1.5)),
        "x": CellResult("x", Outcome(OutcomeKind.OK, 2.0, seconds=0.5)),
    }
    print_run(Console(file=page, width=60, color_system=None, legacy_windows=False), Run("r", cells))
    heading, failed, fine, _ = page.getvalue().splitlines()
    assert heading.split() == ["cell", "status", "build", "run", "type", "value"]
    assert failed.split()[:4] == ["u0", "failed", "1.5", "s"]
    assert failed.rstrip().endswith("…")
    assert fine.split() == ["x", "ok", "500", "ms", "float", "2"]
