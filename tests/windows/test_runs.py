"""Recorded runs on Windows: resumed after a failure and after their process was ended, and sweeps."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import numpy as np
import pytest

import hotplate
from hotplate.errors import CellFailed
from hotplate.events import Kind
from hotplate.execute import OutcomeKind
from hotplate.run.store import RunState, RunStore
from tests.waiting import eventually
from tests.windows.consoles import start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CELLS = """
    #include <hotplate.h>
    #include <stdint.h>
    void ramp(double step, double out[1000]) { for (int64_t i = 0; i < 1000; i++) out[i] = (double)i * step; }
    double last(hp_ctx *ctx, const double ramp[1000], double limit) {
        if (ramp[999] > limit) return hp_fail(ctx, "%g is too much", ramp[999]), 0;
        return ramp[999];
    }
    // Waits until somebody ends the process, unless it may go on.
    int gate(hp_ctx *ctx, double last, int open) {
        while (!open) if (hp_check(ctx)) return 0;
        return (int)last;
    }
"""
ENDLESS = """
    import sys
    from pathlib import Path
    import hotplate
    notebook = hotplate.open(sys.argv[1])
    notebook.run(step=2, limit=1e6, open=0, record=hotplate.RunStore.open(Path(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cells") / "cells.c"
    path.write_text(dedent(CELLS), "utf-8")
    return path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore.open(tmp_path / "größe") as opened:
        yield opened


def test_a_run_that_failed_goes_on_where_it_was(cells: Path, store: RunStore) -> None:
    with pytest.raises(CellFailed, match="1998 is too much"):
        hotplate.open(cells).run("last", step=2, limit=1000, record=store)
    (failed,) = store.runs()
    assert failed.state is RunState.FAILED
    run = hotplate.open(cells).resume(failed.id, limit=1e6, store=store)
    assert {name: run.cells[name].kept for name in ("ramp", "last")} == {"ramp": True, "last": False}
    np.testing.assert_array_equal(run["ramp"], np.arange(1000) * 2.0)
    assert run["last"] == 1998
    assert store.runs()[0].state is RunState.DONE
    assert list((store.folder / "tallies").iterdir()) == []


def test_a_run_whose_process_was_ended_is_lost_and_goes_on_where_it_was(cells: Path, store: RunStore) -> None:
    def has_begun() -> bool:
        events = [event for run in store.runs() for event in store.events(run.id)]
        return any((event.kind, event.cell) == (Kind.CELL_STARTED, "gate") for event in events)

    with start(ENDLESS, str(cells), str(store.folder)) as process:
        assert eventually(has_begun)
        assert store.runs()[0].state is RunState.RUNNING
        process.kill()
        process.wait()
    (lost,) = store.runs()
    assert lost.state is RunState.LOST
    assert list((store.folder / "tallies").iterdir()) == []
    run = hotplate.open(cells).resume(lost.id, open=1, store=store)
    assert {name: run.cells[name].kept for name in ("ramp", "last", "gate")} == {
        "ramp": True, "last": True, "gate": False,
    }  # fmt: skip
    assert run["gate"] == 1998
    attempts = store.find_run(lost.id).attempts["gate"]
    assert [(one.number, one.outcome) for one in attempts] == [(1, OutcomeKind.LOST), (2, OutcomeKind.OK)]


def test_a_sweep_is_recorded_and_its_failed_points_go_on(cells: Path, store: RunStore) -> None:
    axes = {"step": [1.0, 2.0, 3.0]}
    table = hotplate.open(cells).sweep("last", inputs={"limit": 2500}, record=store, **axes)
    assert [row["last"] for row in table] == [999.0, 1998.0, None]
    children = store.runs(parent=table.id)
    assert sorted(child.state for child in children) == [RunState.DONE, RunState.DONE, RunState.FAILED]
    again = hotplate.open(cells).resume(table.id, limit=1e6, store=store)
    assert [row["last"] for row in again] == [999.0, 1998.0, 2997.0]
    assert {child.state for child in store.runs(parent=table.id)} == {RunState.DONE}
