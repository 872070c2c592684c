"""Runs that ended early and go on: what of them holds, what is computed again, and what is refused with a way out."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import hotplate
from hotplate.errors import AttemptsSpent, CellCrashed, CellFailed, HotplateError, RunCancelled, StoreError
from hotplate.execute import AbortHandle
from hotplate.reload import HotReloader
from hotplate.run.attempts import AttemptPolicy
from hotplate.run.store import RunState, RunStore
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


MODEL = """
#include <hotplate.h>
#include <stdlib.h>
// %% Work
void grid(int64_t n, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = (double)i; }
double solved(hp_ctx *ctx, int64_t n, const double grid[n], double dt) {
    if (dt > 1) hp_fail(ctx, "dt is too large");
    return grid[n - 1] * dt;
}
void range(int64_t n, const double grid[n], double out_low[1], double out_high[1]) {
    out_low[0] = grid[0];
    out_high[0] = grid[n - 1];
}
double width(const double range_low[1], const double range_high[1]) { return range_high[0] - range_low[0]; }
double report(double solved, double width, int64_t tick) { return solved + width + 0 * (double)tick; }
// %% Clock  impure
int64_t tick(void) { static int64_t count; return ++count; }
"""
FAILS = {"n": 4, "dt": 2.0}


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store of the test."""
    monkeypatch.setenv("HOTPLATE_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def store(runs: Path) -> Iterator[RunStore]:
    with RunStore.open(runs) as opened:
        yield opened


@pytest.fixture
def failed(notebook: Callable[..., Path], store: RunStore) -> Callable[..., tuple[Path, str]]:
    """A recorded run that failed, and its notebook: `failed(text, n=4)`."""

    def run(text: str = MODEL, **given: Any) -> tuple[Path, str]:
        path = notebook(text)
        with pytest.raises(HotplateError) as error:
            hotplate.open(path).run(record=True, keep_going=True, inputs=given or FAILS)
        return path, error.value.run.id  # type: ignore[attr-defined]

    return run


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def executed(run: hotplate.Run) -> list[str]:
    return sorted(attempt.cell for attempt in run.attempts)


# ---- what holds ----


def test_after_an_edit_that_mends_it_only_what_the_edit_touches_is_run(failed: Callable[..., Any]) -> None:
    path, run = failed()
    edit(path, "dt > 1", "dt > 3")
    resumed = hotplate.open(path).resume(run)
    assert executed(resumed) == ["report", "solved"]
    assert (resumed.id, resumed["report"]) == (run, 9.0)


def test_an_override_wins_over_what_was_recorded(failed: Callable[..., Any]) -> None:
    path, run = failed()
    resumed = hotplate.open(path).resume(run, dt=0.5)
    assert executed(resumed) == ["report", "solved"]
    assert resumed["solved"] == 1.5


def test_an_override_holds_when_the_run_is_resumed_once_more(failed: Callable[..., Any]) -> None:
    path, run = failed()
    edit(path, "double report(", "double report(hp_ctx *ctx, ")
    edit(path, "return solved + width", 'hp_fail(ctx, "no"); return solved + width')
    with pytest.raises(CellFailed, match="no"):
        hotplate.open(path).resume(run, dt=0.5)
    edit(path, 'hp_fail(ctx, "no");', "(void)ctx;")
    assert executed(hotplate.open(path).resume(run)) == ["report"]


@pytest.mark.parametrize("mode", ["reuse", "force"])
def test_the_session_of_the_run_goes_on_with_it_as_another_one_does(mode: str, notebook: Callable[..., Path]) -> None:
    path = notebook(MODEL)
    session = hotplate.open(path)
    with pytest.raises(CellFailed) as error:
        session.run(record=True, keep_going=True, **FAILS)
    edit(path, "dt > 1", "dt > 3")
    edit(path, "range_high[0] - range_low[0]", "range_high[0] - range_low[0] + 1")
    resumed = session.resume(error.value.run.id, mode=mode)  # type: ignore[union-attr]
    assert executed(resumed) == (["report", "solved"] if mode == "force" else ["report", "solved", "width"])
    assert resumed["report"] == (9.0 if mode == "force" else 10.0)
    assert session.run(**FAILS)["report"] == 10.0


def test_an_impure_cell_that_succeeded_in_this_run_is_not_run_again(failed: Callable[..., Any]) -> None:
    path, run = failed()
    assert "tick" not in executed(hotplate.open(path).resume(run, dt=0.5))


def test_cells_that_an_edit_adds_renames_or_removes_are_run_or_gone(
    failed: Callable[..., Any], store: RunStore
) -> None:
    path, run = failed()
    edit(path, "double width(", "double breadth(")
    edit(path, "double width, int64_t tick", "double breadth")
    edit(path, "+ width + 0 * (double)tick", "+ breadth")
    edit(path, "// %% Clock  impure\nint64_t tick(void) { static int64_t count; return ++count; }", "")
    path.write_text(path.read_text() + "double more(double report) { return 2 * report; }\n")
    resumed = hotplate.open(path).resume(run, dt=1.0)
    assert executed(resumed) == ["breadth", "more", "report", "solved"]
    record = store.find_run(run)
    assert record.summary.state is RunState.DONE
    assert set(resumed.cells) <= set(record.cells)


def test_what_a_cell_with_several_results_gives_is_taken_over_field_by_field(failed: Callable[..., Any]) -> None:
    path, run = failed()
    edit(path, "range_high[0] - range_low[0]", "range_high[0] - range_low[0] + 1")
    resumed = hotplate.open(path).resume(run, dt=1.0)
    assert executed(resumed) == ["report", "solved", "width"]
    assert resumed["range"].high == [3.0]


def test_a_cell_whose_condition_is_not_met_any_more_is_skipped_though_it_was_tried_before(
    failed: Callable[..., Any],
) -> None:
    path, run = failed(
        """
        #include <hotplate.h>
        // %% Optional  when="level > 0"
        double extra(double base) { return base; }
        // %% Work
        double base(void) { return 1; }
        double broken(hp_ctx *ctx, double level) { if (level > 0) hp_fail(ctx, "no"); return level; }
        """,
        level=1.0,
    )
    resumed = hotplate.open(path).resume(run, level=0.0)
    assert resumed.cells["extra"].status == "skipped"
    assert executed(resumed) == ["broken"]


def test_a_trap_runs_in_a_run_that_is_resumed_and_fails_again(failed: Callable[..., Any]) -> None:
    path, run = failed(
        """
        #include <hotplate.h>
        // %% Work
        double base(void) { return 1; }
        double broken(hp_ctx *ctx, double base, double level) { if (level > 0) hp_fail(ctx, "no"); return base; }
        // %% Forensics  trap
        const char *story(const char *failure) { return failure; }
        """,
        level=1.0,
    )
    with pytest.raises(CellFailed) as error:
        hotplate.open(path).resume(run, again=True)
    assert executed(error.value.run) == ["broken", "story"]  # type: ignore[attr-defined]
    assert executed(hotplate.open(path).resume(run, level=0.0)) == ["broken"]


# ---- modes ----


def test_strict_goes_on_with_a_file_that_is_as_it_was(failed: Callable[..., Any]) -> None:
    path, run = failed()
    assert executed(hotplate.open(path).resume(run, mode="strict", dt=1.0)) == ["report", "solved"]


def test_strict_refuses_a_file_that_has_changed(failed: Callable[..., Any], store: RunStore) -> None:
    path, run = failed()
    edit(path, "dt > 1", "dt > 3")
    with pytest.raises(StoreError, match=r"notebook\.c has changed since run .* resume it without strict"):
        hotplate.open(path).resume(run, mode="strict")
    assert store.find_run(run).summary.state is RunState.FAILED


def test_strict_refuses_when_a_header_has_changed(failed: Callable[..., Any], store: RunStore, tmp_path: Path) -> None:
    header = tmp_path / "scale.h"
    header.write_text("#define SCALE 2\n")
    path, run = failed(
        """
        #include <hotplate.h>
        #include "scale.h"
        double base(void) { return SCALE; }
        double broken(hp_ctx *ctx, double base, double level) { if (level > 0) hp_fail(ctx, "no"); return base; }
        """,
        level=1.0,
    )
    header.write_text("#define SCALE 3\n")
    with pytest.raises(StoreError, match=r"base .*not the same code .* resume it without strict"):
        hotplate.open(path).resume(run, mode="strict", level=0.0)
    assert not store.find_run(run).summary.state.is_under_way
    assert hotplate.open(path).resume(run, level=0.0)["broken"] == 3.0


@pytest.mark.parametrize(
    ("factor", "why"), [(2, ""), (3, "is not the same code"), (object(), "refers to what no process can tell")]
)
def test_strict_looks_at_python_cells_as_well(factor: Any, why: str, notebook: Callable[..., Path]) -> None:
    path = notebook(MODEL)

    def session(factor: Any) -> hotplate.Notebook:
        opened = hotplate.open(path)

        @opened.cell
        def scaled(n: int) -> float:
            return n * factor if isinstance(factor, int) else 0.0

        return opened

    with pytest.raises(HotplateError) as error:
        session(2).run(record=True, keep_going=True, **FAILS)
    run = error.value.run.id  # type: ignore[attr-defined]
    if why:
        with pytest.raises(StoreError, match=f"scaled in notebook.c {why}.*; resume it without strict"):
            session(factor).resume(run, mode="strict", dt=1.0)
    assert session(2).resume(run, mode="strict", dt=1.0)["scaled"] == 8


def test_force_takes_over_by_name_whatever_has_changed(failed: Callable[..., Any]) -> None:
    path, run = failed()
    edit(path, "out[i] = (double)i", "out[i] = 10.0 * (double)i")
    resumed = hotplate.open(path).resume(run, mode="force", dt=1.0)
    assert executed(resumed) == ["report", "solved"]
    assert resumed["grid"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_what_was_forced_is_nobody_elses_result(failed: Callable[..., Any]) -> None:
    path, run = failed()
    edit(path, "out[i] = (double)i", "out[i] = 10.0 * (double)i")
    session = hotplate.open(path)
    session.resume(run, mode="force", dt=1.0)
    assert session.run("grid", n=4)["grid"].tolist() == [0.0, 10.0, 20.0, 30.0]
    other = hotplate.open(path).run("grid", n=4, reuse=True)
    assert other["grid"].tolist() == [0.0, 10.0, 20.0, 30.0]


def test_an_unknown_mode_is_refused_with_those_that_there_are(failed: Callable[..., Any]) -> None:
    path, run = failed()
    with pytest.raises(HotplateError, match="'reuse', 'strict', 'force'"):
        hotplate.open(path).resume(run, mode="lenient")


# ---- attempts ----


def test_attempts_are_capped_over_resumes_and_the_way_out_is_named(failed: Callable[..., Any]) -> None:
    path, run = failed()
    with pytest.raises(AttemptsSpent, match=r"its one attempt was spent .*dt is too large.*--again.*again=True"):
        hotplate.open(path).resume(run)
    with pytest.raises(CellFailed) as error:
        hotplate.open(path).resume(run, again=True)
    assert [(made.cell, made.number) for made in error.value.run.attempts] == [("solved", 2)]  # type: ignore[attr-defined]


def test_the_same_value_given_again_gives_no_further_attempt(failed: Callable[..., Any]) -> None:
    path, run = failed()
    with pytest.raises(AttemptsSpent):
        hotplate.open(path).resume(run, **FAILS)


def test_a_higher_cap_gives_another_attempt(failed: Callable[..., Any]) -> None:
    path, run = failed()
    with pytest.raises(CellFailed, match="dt is too large") as error:
        hotplate.open(path).resume(run, attempts={"solved": AttemptPolicy(max_attempts=2)})
    assert [made.number for made in error.value.run.attempts] == [2]  # type: ignore[attr-defined]


DEADLY = """
#include <hotplate.h>
#include <stdlib.h>
double base(void) { return 1; }
double deadly(double base) { _Exit(9); return base; }
"""
RUN = "import sys, hotplate; nb = hotplate.open(sys.argv[1]);"


def python(runs: Path, path: Path, code: str) -> subprocess.CompletedProcess[str]:
    """A Python program of its own, with this store."""
    paths = os.pathsep.join(filter(None, sys.path))
    environ = {**os.environ, "PYTHONPATH": paths, "HOTPLATE_RUNS_DIR": str(runs)}
    command = [sys.executable, "-c", code, str(path)]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def died_thrice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A notebook, and a store with a run of it in one of whose cells its process died three times."""
    folder = tmp_path_factory.mktemp("deadly")
    path, runs = folder / "deadly.c", folder / "runs"
    path.write_text(DEADLY)
    assert python(runs, path, f"{RUN} nb.run(record=True)").returncode == 9
    with RunStore.open(runs) as store:
        run = store.runs()[0].id
    for _ in range(2):
        assert python(runs, path, f"{RUN} nb.resume({run!r})").returncode == 9
    return path, runs


@pytest.fixture
def deadly(died_thrice: tuple[Path, Path], runs: Path) -> tuple[Path, str]:
    """The notebook, and the run, in a store of the test's own."""
    path, recorded = died_thrice
    path.write_text(DEADLY)
    shutil.copytree(recorded, runs)
    with RunStore.open(runs) as store:
        return path, store.runs()[0].id


def test_a_cell_in_which_the_process_died_three_times_is_not_tried_any_more(
    deadly: tuple[Path, str], runs: Path
) -> None:
    path, run = deadly
    with pytest.raises(AttemptsSpent, match=r"ended 3 times .*Isolate it.*--again.*again=True"):
        hotplate.open(path).resume(run)
    for again in (True, False):  # the second one counts from the first
        assert python(runs, path, f"{RUN} nb.resume({run!r}, again={again})").returncode == 9
    with RunStore.open(runs) as store:
        attempts = store.find_run(run).attempts["deadly"]
    assert [(made.number, made.died) for made in attempts] == [(number, True) for number in (1, 2, 3, 4, 5)]


@pytest.mark.skipif(sys.platform not in ("linux", "win32"), reason="cells are isolated on Linux and Windows")
def test_isolating_a_deadly_cell_gives_it_further_attempts(deadly: tuple[Path, str]) -> None:
    path, run = deadly
    edit(path, "double deadly", "// %% Deadly  isolate\ndouble deadly")
    with pytest.raises(CellCrashed):
        hotplate.open(path).resume(run)


def test_a_failed_attempt_counts_though_the_process_ends_in_the_next_one(
    notebook: Callable[..., Path], runs: Path, store: RunStore, tmp_path: Path
) -> None:
    path = notebook(
        """
        #include <hotplate.h>
        #include <stdio.h>
        #include <stdlib.h>
        // %% Flaky  retries=2 retry_on="failed"
        double flaky(hp_ctx *ctx, const char *file) {
            FILE *stream = fopen(file, "ab");
            fputc('.', stream);
            const long times = ftell(stream);
            fclose(stream);
            if (times == 2) _Exit(9);
            hp_fail(ctx, "no");
            return 0;
        }
        """
    )
    assert python(runs, path, f"{RUN} nb.run(record=True, file={str(tmp_path / 'file')!r})").returncode == 9
    with pytest.raises(CellFailed):
        hotplate.open(path).resume(store.runs()[0].id)
    attempts = store.find_run(store.runs()[0].id).attempts["flaky"]
    assert [(made.number, str(made.outcome)) for made in attempts] == [
        (1, "failed"), (2, "lost"), (3, "failed"), (4, "failed")
    ]  # fmt: skip


TWICE_BAD = """
#include <hotplate.h>
#include <stdlib.h>
void bad(hp_ctx *ctx, double out[1]) { if (getenv("DIE")) _Exit(9); hp_fail(ctx, "no"); out[0] = 0; }
"""


def test_a_cell_that_is_refused_was_tried_as_often_as_it_was(
    notebook: Callable[..., Path], start: Callable[..., Any], store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attempts that count for nothing, as those in which the process ended, are numbered all the same."""
    path = notebook(TWICE_BAD)
    monkeypatch.setenv("DIE", "1")
    start(path, code=f"{RUN} nb.run(record=True)").wait(60)
    monkeypatch.delenv("DIE")
    run = store.runs()[0].id
    with pytest.raises(CellFailed, match="no"):
        hotplate.open(path).resume(run)
    with pytest.raises(AttemptsSpent) as refused:
        hotplate.open(path).resume(run)
    assert refused.value.run.cells["bad"].outcome.attempts == 2  # type: ignore[attr-defined]
    assert store.find_run(run).results["bad"].attempts == 2


def test_an_edit_of_a_deadly_cell_gives_it_further_attempts(deadly: tuple[Path, str]) -> None:
    path, run = deadly
    edit(path, "_Exit(9);", "")
    resumed = hotplate.open(path).resume(run)
    assert [(made.cell, made.number) for made in resumed.attempts if made.cell == "deadly"] == [("deadly", 4)]


# ---- how runs end ----


def test_a_run_that_was_cancelled_goes_on(notebook: Callable[..., Path], store: RunStore) -> None:
    path, abort = notebook(MODEL), AbortHandle()

    def session() -> hotplate.Notebook:
        opened = hotplate.open(path)

        @opened.cell
        def stop(width: float, now: bool) -> float:
            if now:
                abort.abort("enough")
            return width

        @opened.cell
        def after(stop: float) -> float:
            return stop + 1

        return opened

    with pytest.raises(RunCancelled) as error:
        session().run("after", record=True, abort=abort, n=4, now=True)
    run = error.value.run
    assert run is not None
    assert store.find_run(run.id).summary.state is RunState.CANCELLED
    resumed = session().resume(run.id, now=False)
    assert executed(resumed) == ["after", "stop"]
    assert resumed["after"] == 4.0


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
def test_a_run_that_ctrl_c_ended_goes_on(
    notebook: Callable[..., Path], start: Callable[..., Any], store: RunStore
) -> None:
    path = notebook(
        """
        #include <hotplate.h>
        double base(void) { return 1; }
        double slow(hp_ctx *ctx, double base, double level) { while (level > 0 && !hp_check(ctx)) {} return base; }
        """
    )
    process = start(path, code=f"{RUN} nb.run(record=True, level=1.0)")
    events = eventually(
        lambda: [run for run in store.runs() if len(store.events(run.id)) and _slow_began(store, run.id)]
    )
    process.send_signal(signal.SIGINT)
    process.wait(60)
    record = store.find_run(events[0].id)
    assert (record.summary.state, record.results["base"].status) == (RunState.CANCELLED, "ok")
    assert executed(hotplate.open(path).resume(record.id, level=0.0)) == ["slow"]


def _slow_began(store: RunStore, run: str) -> bool:
    return any(event.kind == "cell_started" and event.cell == "slow" for event in store.events(run))


def test_a_run_that_ctrl_c_ended_while_its_cells_were_built_is_cancelled_and_goes_on(
    notebook: Callable[..., Path], store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = notebook(MODEL)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(HotReloader, "reload", interrupt)
        with pytest.raises(KeyboardInterrupt):
            hotplate.open(path).run(record=True, n=4, dt=1.0)
    (run,) = store.runs()
    assert run.state is RunState.CANCELLED
    with monkeypatch.context() as patch:
        patch.setattr(HotReloader, "reload", interrupt)
        with pytest.raises(KeyboardInterrupt):
            hotplate.open(path).resume(run.id)
    assert store.find_run(run.id).summary.state is RunState.CANCELLED
    assert hotplate.open(path).resume(run.id)["report"] == 6.0


def test_a_run_that_is_done_is_not_resumed(notebook: Callable[..., Path]) -> None:
    path = notebook(MODEL)
    run = hotplate.open(path).run(record=True, n=4, dt=1.0)
    with pytest.raises(StoreError, match="is done"):
        hotplate.open(path).resume(run.id)


def test_a_run_of_another_notebook_is_refused(failed: Callable[..., Any], tmp_path: Path) -> None:
    path, run = failed()
    other = tmp_path / "other.c"
    other.write_bytes(path.read_bytes())
    with pytest.raises(StoreError, match=r"is one of .*notebook\.c, not of .*other\.c"):
        hotplate.open(other).resume(run)


def test_of_two_processes_that_resume_a_run_one_does(
    failed: Callable[..., Any], start: Callable[..., Any], store: RunStore, tmp_path: Path
) -> None:
    path, run = failed()
    edit(path, "if (dt > 1) hp_fail(", "if (dt > 1) while (!hp_check(ctx)) {}\n    if (dt > 1) hp_fail(")
    first = start(path, code=f"{RUN} nb.resume({run!r})")
    eventually(lambda: store.find_run(run).summary.state.is_under_way)
    with pytest.raises(StoreError, match=f"run {run} is still going on, in process {first.pid} on "):
        hotplate.open(path).resume(run)
    first.kill()
    first.wait()
    assert executed(hotplate.open(path).resume(run, dt=1.0)) == ["report", "solved"]


# ---- values ----


def test_an_object_that_can_not_be_stored_is_computed_again_which_says_why(notebook: Callable[..., Path]) -> None:
    path = notebook(MODEL)

    def session(limit: float) -> hotplate.Notebook:
        opened = hotplate.open(path)

        @opened.cell
        def handle(grid: Any) -> object:
            return iter(grid)

        @opened.cell
        def check(handle: Any, dt: float) -> float:
            if dt > 1:
                raise ValueError("dt")
            return float(next(handle))

        return opened

    with pytest.raises(HotplateError) as error:
        session(1).run("check", record=True, **FAILS)
    resumed = session(3).resume(error.value.run.id, dt=1.0)  # type: ignore[attr-defined]
    assert executed(resumed) == ["check", "handle"]
    assert re.search("its value could not be kept: .*iterator", resumed.cells["handle"].why)


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_value_whose_file_is_damaged_or_gone_is_computed_again(
    damage: str, failed: Callable[..., Any], runs: Path
) -> None:
    path, run = failed(n=4_000, dt=2.0)
    for file in (runs / "artifacts").glob("*/*"):
        file.unlink() if damage == "gone" else file.write_bytes(file.read_bytes()[:-1] + b"x")
    resumed = hotplate.open(path).resume(run, dt=1.0)
    assert executed(resumed) == ["grid", "report", "solved"]
    assert resumed["solved"] == 3999.0
    assert "damaged or gone" in resumed.cells["grid"].why


def test_a_given_value_that_can_not_be_stored_has_to_be_given_again(notebook: Callable[..., Path]) -> None:
    path = notebook("double answer(void) { return 42; }")

    def session() -> hotplate.Notebook:
        opened = hotplate.open(path)

        @opened.cell
        def told(answer: float, ask: Any) -> float:
            return float(ask(answer))

        return opened

    def ask(_: float) -> float:
        raise ValueError("no answer")

    with pytest.raises(HotplateError) as error:
        session().run(record=True, ask=ask)
    run = error.value.run.id  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match=r"the value of ask was not kept .*function.*give it again"):
        session().resume(run)
    resumed = session().resume(run, ask=lambda value: value)
    assert (resumed["told"], executed(resumed)) == (42.0, ["told"])


def test_another_run_takes_what_still_holds_with_reuse(notebook: Callable[..., Path]) -> None:
    path = notebook(MODEL)
    first = hotplate.open(path).run(record=True, n=4, dt=1.0)
    second = hotplate.open(path).run(reuse=True, n=4, dt=0.5)
    assert executed(second) == ["report", "solved", "tick"]
    assert second.cells["grid"].reason == f"as in run {first.id}"


@pytest.mark.parametrize("reuse", [False, True])
def test_a_resumed_run_takes_results_of_others_only_if_it_did_so_from_the_start(
    reuse: bool, notebook: Callable[..., Path]
) -> None:
    path = notebook(MODEL)
    with pytest.raises(CellFailed) as error:
        hotplate.open(path).run(record=True, reuse=reuse, **FAILS)
    run = error.value.run.id  # type: ignore[attr-defined]
    hotplate.open(path).run(record=True, n=4, dt=1.0)
    resumed = hotplate.open(path).resume(run, dt=1.0)
    assert ("solved" in executed(resumed)) is not reuse


# ---- Python cells ----


def test_an_impure_python_cell_that_succeeded_is_not_run_again_in_another_process(
    notebook: Callable[..., Path], runs: Path, store: RunStore, tmp_path: Path
) -> None:
    path = notebook(MODEL)
    write = f"open({str(tmp_path / 'log')!r}, 'a').write('.')"
    code = (
        f"{RUN}\n@nb.cell(impure=True)\ndef noted(grid): return {write} + 0.0\n"
        "@nb.cell\ndef later(noted, dt):\n    assert dt < 1\n    return noted + dt\n"
    )
    python(runs, path, f"{code}nb.run('later', record=True, n=4, dt=1.0)")
    done = python(runs, path, f"{code}print(nb.resume({store.runs()[0].id!r}, dt=0.5)['later'])")
    assert done.stdout == "1.5\n", done.stderr
    assert (tmp_path / "log").read_text() == "."


PYTHON = """
{head}
import sys, hotplate, numpy as np
factor = {factor}
def helper(x): return x {helper}
def make(inner):
    def closure(x, more={default}): return helper(x) * factor + inner + more
    return closure
nb = hotplate.open(sys.argv[1])
closure = make({inner})
@nb.cell
def py(grid, dt):
    return closure(grid)
run = nb.run("py", n=4, dt=1.0, record=True, reuse=True)
print([made.cell for made in run.attempts])
"""
UNCHANGED = {"head": "", "factor": 2, "helper": "+ 1", "default": 0, "inner": 5}


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A notebook, and a store with a run of it and the Python cell."""
    folder = tmp_path_factory.mktemp("python")
    (folder / "notebook.c").write_text(MODEL)
    done = python(folder / "runs", folder / "notebook.c", PYTHON.format(**UNCHANGED))
    assert done.stdout == "['grid', 'py']\n", done.stderr
    return folder / "notebook.c", folder / "runs"


@pytest.mark.parametrize(
    ("change", "ran"),
    [
        ({}, "[]"),
        ({"head": "# further down"}, "[]"),
        ({"factor": 3}, "['py']"),
        ({"helper": "+ 2"}, "['py']"),
        ({"default": 1}, "['py']"),
        ({"inner": 6}, "['py']"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, dict) else "",
)
def test_a_python_cell_holds_in_another_process_as_long_as_all_that_it_refers_to(
    change: dict[str, Any], ran: str, computed: tuple[Path, Path], runs: Path
) -> None:
    path, recorded = computed
    shutil.copytree(recorded, runs)
    done = python(runs, path, PYTHON.format(**{**UNCHANGED, **change}))
    assert done.stdout == f"{ran}\n", done.stderr


def test_a_python_cell_that_refers_to_what_nobody_can_tell_never_holds_in_another_process(
    notebook: Callable[..., Path], runs: Path
) -> None:
    path, odd = notebook(MODEL), "class Odd:\n    def __radd__(self, x): return x"
    for ran in ("['grid', 'py']", "['py']"):
        done = python(runs, path, PYTHON.format(**{**UNCHANGED, "head": odd, "inner": "Odd()"}))
        assert done.stdout == f"{ran}\n", done.stderr
