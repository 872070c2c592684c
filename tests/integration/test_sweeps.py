"""Sweeps of real cells: on every executor, with points that fail, recorded and resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import hotplate
from hotplate.errors import CellFailed
from hotplate.run.store import RunState, RunStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXECUTORS = ["linear", "parallel", "process"]
CELLS = """\
#include <hotplate.h>
#include <stdio.h>
double base(const char *log) {
    FILE *file = fopen(log, "a");
    fputc('x', file);
    fclose(file);
    return 2;
}
double y(double base, double rate, hp_ctx *ctx) {
    if (rate > 10) hp_fail(ctx, "rate is %g", rate);
    return base * rate;
}
double exact(double base, double rate) { return base * rate; }
void both(double y, double exact, int64_t n, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = y + exact; }
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def book(notebook: Callable[..., Path]) -> hotplate.Notebook:
    return hotplate.open(notebook(CELLS))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_thousand_points_run_what_they_share_once(executor: str, book: hotplate.Notebook, log: Path) -> None:
    rates = np.linspace(0, 10, 1000)
    table = book.sweep(rate=rates, executor=executor, inputs={"n": 3, "log": str(log)})
    assert log.read_text() == "x"
    assert table.ok
    np.testing.assert_array_equal(table["both"], np.repeat(4 * rates, 3).reshape(1000, 3))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_point_that_fails_costs_that_point_alone(executor: str, book: hotplate.Notebook, log: Path) -> None:
    table = book.sweep(rate=[1.0, 50.0, 2.0], executor=executor, inputs={"n": 1, "log": str(log)})
    assert table.statuses == ["ok", "failed", "ok"]
    assert table.problems == {1: "y: rate is 50"}
    np.testing.assert_array_equal(table["both"], [[4.0], [np.nan], [8.0]])


def test_without_keep_going_the_first_failure_ends_it_and_has_the_results(book: hotplate.Notebook, log: Path) -> None:
    with pytest.raises(CellFailed, match="rate is 50") as error:
        book.sweep(rate=[1.0, 50.0], keep_going=False, inputs={"n": 1, "log": str(log)})
    assert error.value.run["both"][0] == [4.0]  # type: ignore[attr-defined]


def test_a_recorded_sweep_goes_on_with_the_points_that_are_not_done(
    book: hotplate.Notebook, log: Path, tmp_path: Path
) -> None:
    with RunStore.open(tmp_path / "runs") as store:
        failed = book.sweep(rate=[1.0, 50.0], record=store, inputs={"n": 1, "log": str(log)})
        points = store.children(failed.id)
        assert list(points.states.values()) == [RunState.DONE, RunState.FAILED]
        assert not points.all_done
        book.path.write_text(CELLS.replace("rate > 10", "rate > 100"))
        done = hotplate.open(book.path).resume(failed.id, store=store)
        assert (done.id, done["both"].tolist()) == (failed.id, [[4.0], [200.0]])
        assert log.read_text() == "x"
        assert store.children(failed.id).all_done
