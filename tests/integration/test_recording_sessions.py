"""What recording asks of a session: nothing held for longer than it is needed, and sinks that do as they like."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from hotplate.events import Event, Kind
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTPLATE_RUNS_DIR", str(tmp_path / "runs"))


@pytest.fixture
def nb(tmp_path: Path) -> hotplate.Notebook:
    (tmp_path / "python.c").write_text("")
    return hotplate.open(tmp_path / "python.c")


@pytest.fixture
def large(nb: hotplate.Notebook) -> list[weakref.ref[Any]]:
    """The arrays that a cell `large` has made of `dt`, from which a cell `total` is computed."""
    made: list[weakref.ref[Any]] = []

    @nb.cell
    def large(dt: float) -> Any:
        array = np.full(1000, dt)
        made.append(weakref.ref(array))
        return array

    @nb.cell
    def total(large: Any) -> float:
        return float(large.sum())

    return made


def alive(made: list[weakref.ref[Any]]) -> int:
    return sum(array() is not None for array in made)


def test_a_sweep_holds_no_intermediate_result_longer_than_it_is_needed(
    nb: hotplate.Notebook, large: list[weakref.ref[Any]]
) -> None:
    held = []

    def look(event: Event) -> None:
        if event.kind is Kind.CELL_DONE and event.cell.startswith("total"):
            held.append(alive(large))

    swept = nb.sweep("total", dt=[1.0, 2.0, 3.0], on_event=look)
    assert (held, alive(large)) == ([1, 1, 1], 0)  # the one that is let go when its last user was told of
    ends = {event.cell: event.data["result"] for event in swept.events if event.kind is Kind.CELL_DONE}
    assert (ends["total[dt=3.0]"].value, ends["large[dt=3.0]"].value, ends["large[dt=3.0]"].status) == (
        3000,
        None,
        "ok",
    )


def test_nothing_of_a_recorded_sweep_is_held_when_it_is_over(
    nb: hotplate.Notebook, large: list[weakref.ref[Any]]
) -> None:
    nb.sweep("total", dt=[1.0, 2.0, 3.0], record=True)
    eventually(lambda: alive(large) == 0)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, ValueError])
def test_a_sink_of_a_recorded_run_that_raises_anything_ends_neither_it_nor_the_next(
    error: Callable[[], BaseException], nb: hotplate.Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    @nb.cell
    def one() -> int:
        return 1

    def leave(_: Event) -> None:
        raise error

    assert [nb.run(record=True, on_event=leave, fresh=True).unrecorded for _ in range(2)] == ["", ""]
    assert "a subscriber of run" in caplog.text
