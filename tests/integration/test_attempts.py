"""Cells that are tried again, in real runs: in this process and in workers, with whatever their sections say."""

from __future__ import annotations

import re
import sys
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate import AttemptPolicy
from hotplate.errors import CellCrashed, CellFailed, CellTimedOut, InputError, RunCancelled, SettingError
from hotplate.events import Event, Kind
from hotplate.execute import AbortHandle, OutcomeKind
from hotplate.execute.cooperation import Answer
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import hotplate

CELLS = """
#include <hotplate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// How often it was called with this file, this time included; whatever process it is in.
static int calls(const char *file) {
    FILE *stream = fopen(file, "ab");
    if (stream == NULL) return -1;
    fputc('.', stream);
    const int count = (int)ftell(stream);
    fclose(stream);
    return count;
}
// %% Crashing isolate retries=2
int crashes(const char *file, int times) { int n = calls(file); if (n <= times) abort(); return n; }
// %% Failing retries=2 retry_on="failed:1"
int fails(hp_ctx *ctx, const char *file, int times) {
    const int n = calls(file);
    if (n <= times) hp_fail(ctx, "call %d", n);
    return n;
}
// %% Final retries=2
int final(hp_ctx *ctx, const char *file) { hp_fail(ctx, "call %d", calls(file)); return 0; }
// %% Waiting retries=1 retry_on="failed" backoff="3600"
int waits(hp_ctx *ctx, const char *file) { hp_fail(ctx, "call %d", calls(file)); return 0; }
// %% Slow timeout=0.3 grace=60 retries=1
int slow(hp_ctx *ctx, const char *file) {
    const int n = calls(file);
    while (n == 1 && !hp_check(ctx)) {}
    return n;
}
// %% Deaf timeout=0.05 grace=0 retries=3
int deaf(const char *file, const int32_t go[1]) { while (!*(const volatile int32_t *)go) {} return calls(file); }
"""
workers = pytest.mark.skipif(sys.platform not in ("linux", "win32"), reason="cells are isolated on Linux and Windows")


@pytest.fixture(scope="module")
def notebook(compiled: Callable[..., hotplate.Notebook]) -> hotplate.Notebook:
    return compiled(CELLS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "calls"


def endings(run: hotplate.Run) -> list[tuple[int, OutcomeKind]]:
    return [(attempt.number, attempt.outcome) for attempt in run.attempts]


@workers
def test_a_cell_that_crashes_is_tried_again(notebook: hotplate.Notebook, file: Path) -> None:
    events: list[Event] = []
    run = notebook.run("crashes", file=str(file), times=2, on_event=events.append)
    assert run["crashes"] == 3
    assert endings(run) == [(1, OutcomeKind.CRASHED), (2, OutcomeKind.CRASHED), (3, OutcomeKind.OK)]
    told = [(event.kind, event.attempt) for event in events if event.cell == "crashes"]
    started, again = Kind.CELL_STARTED, Kind.CELL_RETRYING
    assert told[-6:] == [(started, 1), (again, 1), (started, 2), (again, 2), (started, 3), (Kind.CELL_DONE, 3)]


@workers
def test_the_last_crash_is_the_cells(notebook: hotplate.Notebook, file: Path) -> None:
    with pytest.raises(CellCrashed) as raised:
        notebook.run("crashes", file=str(file), times=9)
    assert raised.value.run.cells["crashes"].outcome.attempts == 3
    assert file.read_text() == "..."


@pytest.mark.parametrize(("times", "calls", "ends"), [(1, 2, "ok"), (9, 2, "failed")])
def test_a_failure_is_retried_when_asked_as_often_as_its_budget_says(
    notebook: hotplate.Notebook, file: Path, times: int, calls: int, ends: str
) -> None:
    try:
        run = notebook.run("fails", file=str(file), times=times)
    except CellFailed as error:
        run = error.run
    assert run.cells["fails"].status == ends
    assert file.read_text() == "." * calls


def test_else_what_the_cell_says_is_final(notebook: hotplate.Notebook, file: Path) -> None:
    with pytest.raises(CellFailed, match="call 1"):
        notebook.run("final", file=str(file))


def test_a_cell_that_timed_out_is_tried_again(notebook: hotplate.Notebook, file: Path) -> None:
    run = notebook.run("slow", file=str(file))
    assert run["slow"] == 2
    first, second = run.attempts
    assert (first.outcome, first.cooperation.answer) == (OutcomeKind.TIMED_OUT, Answer.COOPERATIVE)
    assert second.cooperation.answer is Answer.NOT_APPLICABLE


@pytest.mark.parametrize("executor", ["linear", "parallel"])
def test_a_call_that_still_runs_is_not_tried_again_and_holds_nothing_up(
    notebook: hotplate.Notebook, file: Path, executor: str
) -> None:
    go = np.zeros(1, np.int32)
    with pytest.raises(CellTimedOut, match="Mark it `isolate`") as raised:
        notebook.run("deaf", file=str(file), go=go, executor=executor)
    (attempt,) = raised.value.run.attempts
    assert (attempt.number, attempt.unkillable, attempt.cooperation.answer) == (1, True, Answer.UNCOOPERATIVE)
    go[0] = 1
    assert eventually(lambda: not any(re.fullmatch(r"hotplate-\d+", t.name) for t in threading.enumerate()))


def test_a_wait_for_the_next_attempt_ends_when_the_run_is_stopped(notebook: hotplate.Notebook, file: Path) -> None:
    abort = AbortHandle()

    def stop(event: Event) -> None:
        if event.kind is Kind.CELL_RETRYING:
            abort.abort("enough")

    with pytest.raises(RunCancelled) as raised:
        notebook.run("waits", file=str(file), on_event=stop, abort=abort)
    cell: Any = raised.value.run.cells["waits"]
    assert (cell.status, cell.outcome.attempts) == ("cancelled", 1)
    assert cell.reason == "enough; attempt 1 failed (waits: call 1)"


def test_a_policy_of_the_run_takes_the_place_of_the_sections(notebook: hotplate.Notebook, file: Path) -> None:
    policy = AttemptPolicy(max_attempts=3, retry_on={"failed": None})
    with pytest.raises(CellFailed) as caught:
        notebook.run("final", file=str(file), attempts={"final": policy})
    assert len(caught.value.run.attempts) == 3
    with pytest.raises(CellFailed) as caught:
        notebook.run("fails", file=str(file), times=9, attempts=AttemptPolicy())
    assert len(caught.value.run.attempts) == 1


def test_what_is_no_policy_is_refused(notebook: hotplate.Notebook) -> None:
    with pytest.raises(SettingError, match="attempts is 3; it is an AttemptPolicy, or one for each of some cells"):
        notebook.run("final", file="", attempts=3)  # type: ignore[arg-type]  # which is what is tested
    with pytest.raises(SettingError, match="final is to be tried as 3; give an AttemptPolicy"):
        notebook.run("final", file="", attempts={"final": 3})  # type: ignore[dict-item]  # which is what is tested
    with pytest.raises(InputError, match="attempts: this run has no cell finals; did you mean final"):
        notebook.run("final", file="", attempts={"finals": AttemptPolicy()})
