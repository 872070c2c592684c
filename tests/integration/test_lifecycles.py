"""Lifecycles around real cells: output and progress while these run, and what becomes of failures."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

if sys.platform != "linux":
    pytest.skip("these cells use POSIX, and Python workers run on Linux", allow_module_level=True)

import hotplate
from hotplate.errors import CellCrashed, CellFailed, LifecycleFailed, RunCancelled
from hotplate.events import Event, Kind
from hotplate.execute import AbortHandle
from hotplate.run.lifecycles import Lifecycle
from hotplate.run.lifecycles.capture import Capture
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hotplate.execute import Outcome
    from hotplate.run.lifecycles import CellContext

LINES = "".join(f"out {i}\n" for i in range(20_000))


def texts(events: list[Event], cell: str, stream: str = "stdout") -> str:
    of_cell = [event for event in events if event.kind is Kind.CELL_OUTPUT and event.cell == cell]
    return "".join(event.data["text"] for event in of_cell if event.data["stream"] == stream)


def from_the_side(look: Callable[[], object], abort: AbortHandle) -> list[object]:
    """Stops a run as soon as something is so; what that was, later."""
    seen: list[object] = []

    def watch() -> None:
        seen.append(eventually(look))
        abort.abort("seen")

    threading.Thread(target=watch, daemon=True).start()
    return seen


# ---- output ----


def test_output_is_told_before_the_cell_is_done(nb: hotplate.Notebook, capfd: pytest.CaptureFixture[str]) -> None:
    abort, events = AbortHandle(), list[Event]()
    seen = from_the_side(lambda: texts(events, "talks_then_waits"), abort)
    with pytest.raises(RunCancelled):
        nb.run("talks_then_waits", output="none", abort=abort, on_event=events.append)
    assert seen == ["first\n"]
    assert capfd.readouterr().out == ""


def test_all_that_a_cell_writes_is_in_its_events(nb: hotplate.Notebook) -> None:
    events: list[Event] = []
    nb.run("talks", output="none", lines=20_000, fresh=True, on_event=events.append)
    assert (texts(events, "talks"), texts(events, "talks", "stderr")) == (LINES, "err\n")


def test_all_that_a_cell_writes_is_in_its_logs(nb: hotplate.Notebook, tmp_path: Path) -> None:
    nb.run("talks", lifecycles=[Capture(tmp_path, echo=False)], lines=20_000, fresh=True)
    assert ((tmp_path / "talks.1.out").read_text(), (tmp_path / "talks.1.err").read_text()) == (LINES, "err\n")


def test_all_output_comes_before_the_cell_is_told_to_be_done(nb: hotplate.Notebook) -> None:
    events: list[Event] = []
    nb.run("talks", output="none", lines=20_000, fresh=True, on_event=events.append)
    kinds = [
        event.kind for event in events if event.cell == "talks" and event.kind in (Kind.CELL_OUTPUT, Kind.CELL_DONE)
    ]
    assert kinds.index(Kind.CELL_DONE) == len(kinds) - 1


def test_the_last_words_of_a_crash_are_in_its_log(nb: hotplate.Notebook, tmp_path: Path) -> None:
    with pytest.raises(CellCrashed):
        nb.run("dies_talking", lifecycles=[Capture(tmp_path, echo=False)])
    assert (tmp_path / "dies_talking.1.out").read_text() == "told before the end"


def test_each_attempt_has_its_own_log(notebook: Callable[..., Path], tmp_path: Path) -> None:
    path = notebook(
        """
        #include <stdio.h>
        #include <stdlib.h>

        // %% A isolate=yes retries=1

        int dies(void) { printf("last words"); fflush(stdout); abort(); }
        """
    )
    with pytest.raises(CellCrashed):
        hotplate.open(path).run("dies", lifecycles=[Capture(tmp_path / "logs", echo=False)])
    logs = {file.name: file.read_text() for file in (tmp_path / "logs").iterdir()}
    assert logs == {"dies.1.out": "last words", "dies.2.out": "last words"}


def test_python_cells_are_captured_in_workers(tmp_path: Path) -> None:
    nb = hotplate.Notebook(tmp_path / "empty.c", text="")

    @nb.cell
    def talks() -> int:
        print("from Python")
        return 1

    events: list[Event] = []
    nb.run(output="none", executor="process", on_event=events.append)
    assert texts(events, "talks") == "from Python\n"


def test_cells_in_this_process_write_to_its_own_streams(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    notebook = hotplate.Notebook(tmp_path / "empty.c", text="")

    @notebook.cell
    def talks() -> int:
        print("from Python")
        return 1

    events: list[Event] = []
    notebook.run(output="none", on_event=events.append)
    assert texts(events, "talks") == ""
    assert capfd.readouterr().out == "from Python\n"


# ---- lifecycles that fail ----


class Clumsy(Lifecycle):
    """Does its work and then drops it."""

    name = "clumsy"

    def teardown(self, context: CellContext, outcome: Outcome) -> None:
        raise ValueError("dropped")


@pytest.fixture
def cells(tmp_path: Path) -> hotplate.Notebook:
    notebook = hotplate.Notebook(tmp_path / "empty.c", text="")

    @notebook.cell
    def good() -> int:
        return 1

    @notebook.cell
    def bad() -> int:
        raise ValueError("my own")

    return notebook


def test_a_run_names_the_lifecycle_that_spoiled_a_cell(cells: hotplate.Notebook) -> None:
    with pytest.raises(LifecycleFailed) as caught:
        cells.run("good", lifecycles=[Clumsy()])
    assert str(caught.value) == "good: the lifecycle clumsy failed after the call: ValueError: dropped"
    assert caught.value.run.cells["good"].status == "failed"


def test_a_run_tells_of_a_cells_own_failure_and_keeps_the_lifecycles(cells: hotplate.Notebook) -> None:
    with pytest.raises(CellFailed, match="bad: ValueError: my own") as caught:
        cells.run("bad", lifecycles=[Clumsy()])
    around = caught.value.run.cells["bad"].outcome.around
    assert [str(failure) for failure in around.exceptions] == [
        "bad: the lifecycle clumsy failed after the call: ValueError: dropped"
    ]


def test_what_a_lifecycle_spoiled_is_computed_again(cells: hotplate.Notebook) -> None:
    with pytest.raises(LifecycleFailed):
        cells.run("good", lifecycles=[Clumsy()])
    run = cells.run("good")
    assert (run["good"], run.cells["good"].status) == (1, "ok")


# ---- progress ----

PROGRESS = """
#include <hotplate.h>
#include <unistd.h>

// %% Here

int64_t here(hp_ctx *ctx) {
    hp_progress(ctx, 3, 10);
    while (!hp_check(ctx)) usleep(1000);
    return 0;
}

// %% There isolate=yes

int64_t there(hp_ctx *ctx) {
    hp_progress(ctx, 3, 10);
    while (!hp_check(ctx)) usleep(1000);
    return 0;
}
"""


@pytest.fixture(scope="module")
def reporting(compiled: Callable[..., hotplate.Notebook]) -> hotplate.Notebook:
    return compiled(PROGRESS)


@pytest.mark.parametrize("cell", ["here", "there"])
def test_a_long_cell_tells_how_far_it_is(reporting: hotplate.Notebook, cell: str) -> None:
    abort, events = AbortHandle(), list[Event]()

    def told() -> list[Any]:
        return [dict(event.data) for event in events if event.kind is Kind.CELL_PROGRESS and event.cell == cell]

    seen = from_the_side(told, abort)
    with pytest.raises(RunCancelled):
        reporting.run(cell, abort=abort, on_event=events.append)
    assert seen == [[{"done": 3, "total": 10}]]
