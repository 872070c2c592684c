"""Results and events as an engine makes them, and a board that takes them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from hotplate.events import Event, Kind
from hotplate.execute import Outcome, OutcomeKind
from hotplate.reload import Reload
from hotplate.reload.board import Board
from hotplate.reload.planner import ReloadPlan
from hotplate.run import CellResult

Feed = Callable[..., None]


def _result(name: str, value: Any = 1.0, *, reason: str = "", **marks: Any) -> CellResult:
    return CellResult(name, Outcome(OutcomeKind.OK, value, reason=reason, seconds=0.001), **marks)


def _failure(name: str, message: str, kind: OutcomeKind = OutcomeKind.FAILED) -> CellResult:
    return CellResult(name, Outcome(kind, reason=message))


def _reload(error: Any = None, notice: str = "", **plan: Any) -> Reload:
    return Reload(ReloadPlan(**plan), 2, error, notice, 0.05)


@pytest.fixture
def make() -> SimpleNamespace:
    """Makes values: `make.result("u1", 0.5)`, `make.failure("u1", "message")`, `make.reload(error)`."""
    return SimpleNamespace(result=_result, failure=_failure, reload=_reload)


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def feed(board: Board) -> Feed:
    """Sends the board an event a second: `feed("cell_started", "u1")`."""
    numbers = itertools.count(1)

    def send(kind: str, cell: str = "", *, run: str = "r1", needs: dict[str, str] | None = None, **data: Any) -> None:
        number = next(numbers)
        board.take(Event(Kind(kind), run, number, 1000.0 + number, cell, 1, data), needs)

    return send


@pytest.fixture
def ran(feed: Feed) -> Callable[..., None]:
    """A whole run of these results."""

    def run(*results: CellResult, run: str = "r1", **settings: Any) -> None:
        feed("run_started", run=run, cells=tuple(cell.name for cell in results), **settings)
        for cell in results:
            if not cell.kept:
                feed("cell_started", cell.name, run=run)
            feed("cell_done" if cell.outcome.ok else "cell_failed", cell.name, run=run, result=cell)
        feed("run_done", run=run, ok=True, seconds=1.0)

    return run
