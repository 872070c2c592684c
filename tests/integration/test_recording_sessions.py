"""What recording asks of a session: nothing held for longer than it is needed, and sinks that do as they like."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from hotplate.errors import SettingError, StoreError
from hotplate.events import Event, Kind
from hotplate.run.store import RunDescription, RunState, RunStore
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


def test_a_sink_that_runs_the_notebook_that_is_running_is_told_off_and_nothing_waits_for_itself(
    nb: hotplate.Notebook, large: list[weakref.ref[Any]]
) -> None:
    told = []

    def run_again(event: Event) -> None:
        if event.kind is Kind.RUN_STARTED:
            with pytest.raises(StoreError, match=r"python\.c is running.*thread of its own") as error:
                nb.run(dt=2.0)
            told.append(error.value)

    assert nb.run(record=True, dt=1.0, on_event=run_again)["total"] == 1000
    assert len(told) == 1
    assert nb.run(dt=2.0)["total"] == 2000


@pytest.mark.parametrize("where", ["begin", "emit", "finish"])
def test_a_run_that_is_interrupted_before_or_behind_its_cells_has_ended(
    where: str, nb: hotplate.Notebook, large: list[weakref.ref[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it counts as one that goes on for as long as the session lives, and can't be resumed."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    owner, name = {
        "begin": ("hotplate.session.layout.Layout", "begin"),
        "emit": ("hotplate.events.Emitter", "emit"),
        "finish": ("hotplate.run.Recorder", "_end"),
    }[where]
    with monkeypatch.context() as patched:
        patched.setattr(f"{owner}.{name}", interrupt)
        with pytest.raises(KeyboardInterrupt):
            nb.run(record=True, dt=1.0)
    with RunStore.open() as store:
        run = store.runs()[0]
        assert (run.state, run.problem) == (RunState.CANCELLED, "interrupted")
    assert nb.resume(run.id)["total"] == 1000


@pytest.mark.parametrize(
    "use",
    [lambda store: store.runs(), lambda store: store.begin(RunDescription("b" * 12, "x.c"), ["a"])],
    ids=["read", "begin"],
)
def test_a_store_that_was_closed_says_so(use: Callable[[RunStore], object]) -> None:
    with RunStore.open() as store:
        pass
    with pytest.raises(StoreError, match="was closed; open it again"):
        use(store)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked on Windows")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_store_is_refused_in_a_child_that_was_forked_instead_of_waiting_for_a_thread_that_is_not_there(
    nb: hotplate.Notebook, large: list[weakref.ref[Any]]
) -> None:
    nb.run(record=True, dt=1.0)
    child = os.fork()
    if not child:
        try:
            nb.run(record=True, dt=2.0)
        except StoreError as error:
            os._exit(0 if "forked" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_is_no_store_is_refused_before_anything_runs(nb: hotplate.Notebook) -> None:
    nb.cell(lambda: 1, name="one")
    with pytest.raises(SettingError, match=r"'runs' is no place for records; give a RunStore"):
        nb.run(record="runs")  # type: ignore[arg-type]  # which is what is tested
    with pytest.raises(SettingError, match=r"'runs' is no place for records; give a RunStore"):
        nb.resume("3f2a", store="runs")  # type: ignore[arg-type]  # which is what is tested
    assert nb.last_run is None


def test_a_result_that_a_session_kept_is_recorded_as_one_of_what_its_cell_was(nb: hotplate.Notebook) -> None:
    """Within a session a function is the same while it is registered; for others, what it refers to counts as well."""
    own: dict[str, Any] = {"factor": 2.0}
    exec("def scaled(x): return x * factor", own)
    nb.cell(own["scaled"])
    nb.run(x=1.0, record=True)
    own["factor"] = 3.0
    assert nb.run(x=1.0, record=True).cells["scaled"].status == "kept"
    other = hotplate.open(nb.path)
    other.cell(own["scaled"])
    assert other.run(x=1.0, reuse=True)["scaled"] == 3.0
    own["factor"] = 2.0
    other = hotplate.open(nb.path)
    other.cell(own["scaled"])
    assert other.run(x=1.0, reuse=True).cells["scaled"].status == "kept"
