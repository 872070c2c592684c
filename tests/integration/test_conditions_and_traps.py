"""Conditions and traps of real cells: what runs, what is skipped and why, and what is told of a failure."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

import hotplate
from hotplate.errors import CellCrashed, CellFailed, InputError, NotebookError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

isolates = pytest.mark.skipif(sys.platform not in ("linux", "win32"), reason="cells can't be isolated here")

CONDITION = """\
double residual(double r) { return r; }
// %% Refine  when="residual > 1e-6 and limit > 10"
double refined(double residual) { return residual / 2; }
// %% After
double after(double refined) { return refined + 1; }
double other(double residual) { return residual; }
"""
TRAP = """\
#include <hotplate.h>
#include <stdio.h>
double u0(double x) { return x; }
double u1(hp_ctx *ctx, double u0) { if (u0 > 1) hp_fail(ctx, "no convergence"); return u0; }
double other(hp_ctx *ctx, double y) { if (y > 1) hp_fail(ctx, "out of range"); return y; }
// %% Any failure  trap
const char *note(const char *failure) { static char text[200]; snprintf(text, 200, "%s", failure); return text; }
// %% Forensics  trap="u1"
double before(double u0) { return u0; }
double needs(double u1) { return u1; }
"""

SWEPT = """\
double scale(void) { return 1; }
// %% Small  when="n < 3 and scale < 2"
double square(double n) { return n * n; }
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., hotplate.Notebook]:
    def write(text: str, suffix: str = ".c") -> hotplate.Notebook:
        path = tmp_path / f"notebook{suffix}"
        path.write_text(text)
        return hotplate.open(path)

    return write


def ends(run: hotplate.Run) -> dict[str, str]:
    return {name: cell.status for name, cell in run.cells.items()}


def failed_run(notebook: hotplate.Notebook, error: type[Exception], **given: Any) -> hotplate.Run:
    with pytest.raises(error) as caught:
        notebook.run(keep_going=True, **given)
    run: hotplate.Run = caught.value.run  # type: ignore[attr-defined]
    return run


@pytest.mark.parametrize("suffix", [".c", ".cpp"])
def test_a_condition_decides_whether_its_cell_runs(write: Callable[..., hotplate.Notebook], suffix: str) -> None:
    notebook = write(CONDITION, suffix)
    assert notebook.run(r=0.5, limit=100)["after"] == 1.25
    run = notebook.run(r=0.5, limit=5)
    assert ends(run) == {"residual": "kept", "refined": "skipped", "after": "skipped", "other": "kept"}
    assert run.cells["refined"].reason == "limit > 10 is false (limit = 5)"
    assert run.cells["after"].reason == "refined was skipped (limit > 10 is false (limit = 5))"
    assert run.failures == ()
    assert ends(notebook.run(r=0.5, limit=11))["refined"] == "kept"


def test_what_a_condition_looks_at_has_to_be_given(write: Callable[..., hotplate.Notebook]) -> None:
    with pytest.raises(InputError, match=r"needs a value for limit \(for refined\)"):
        write(CONDITION).run(r=0.5)


def test_a_condition_without_an_answer_fails_its_cell(write: Callable[..., hotplate.Notebook]) -> None:
    with pytest.raises(CellFailed, match="refined: its condition residual > 1e-6 and limit > 10 has no answer: "):
        write(CONDITION).run(r=0.5, limit="many")


def test_traps_do_not_run_undisturbed(write: Callable[..., hotplate.Notebook]) -> None:
    run = write(TRAP).run(x=0.5, y=0.5)
    assert {name: run.cells[name].reason for name in ("note", "before", "needs")} == dict.fromkeys(
        ("note", "before", "needs"), "nothing failed"
    )


def test_a_failure_sets_off_the_traps_that_are_set_for_it(write: Callable[..., hotplate.Notebook]) -> None:
    notebook = write(TRAP)
    run = failed_run(notebook, CellFailed, x=2.0, y=0.5)
    assert (run["note"], run["before"]) == ("u1: no convergence", 2.0)
    assert run.cells["needs"].reason == "u1 has no value: it failed"
    run = failed_run(notebook, CellFailed, x=0.5, y=2.0)
    assert run["note"] == "other: out of range"
    assert run.cells["before"].reason == "it is set for u1, and something else failed"


def test_a_trap_runs_again_for_the_same_failure(write: Callable[..., hotplate.Notebook]) -> None:
    notebook = write(TRAP)
    assert [ends(failed_run(notebook, CellFailed, x=2.0, y=0.5))["before"] for _ in range(2)] == ["ok", "ok"]


@isolates
def test_a_crash_sets_off_a_trap_that_has_what_the_crash_left(write: Callable[..., hotplate.Notebook]) -> None:
    text = TRAP.replace("double u1(hp_ctx", "// %% Risky isolate\n#include <stdlib.h>\ndouble u1(hp_ctx")
    notebook = write(text.replace('hp_fail(ctx, "no convergence")', "abort()"))
    run = failed_run(notebook, CellCrashed, x=2.0, y=0.5)
    assert run["before"] == 2.0
    assert run["note"].startswith("u1: ")


def test_a_cell_that_needs_a_trap_is_refused(write: Callable[..., hotplate.Notebook]) -> None:
    with pytest.raises(NotebookError, match="on needs before, which is a trap and runs only after a failure"):
        write(TRAP + "// %% On\ndouble on(double before) { return before; }\n").run(x=1.0, y=1.0)


def test_a_condition_looks_at_the_value_of_its_point_in_a_sweep(write: Callable[..., hotplate.Notebook]) -> None:
    swept = write(SWEPT).sweep("square", n=[1, 2, 3], scale=[1, 2])
    assert swept.values("square") == [1.0, None, 4.0, None, None, None]
    assert swept.problems[1] == "square: scale < 2 is false (scale = 2)"
    assert swept.ok
