"""New code of a watched notebook runs in a worker first, and in this process once it has come through."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

import hotplate
from hotplate.errors import CellCrashed
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hotplate.reload import Live

PATIENCE = 60.0
TEXT = """\
#include <hotplate.h>
#include <unistd.h>
int64_t process(void) { return getpid(); }
int64_t where(hp_ctx *ctx, int32_t x) { if (hp_check(ctx)) return 0; return x; }
int64_t after(int64_t where) { return where + 1; }
"""


class Watched:
    """A notebook that is watched with a canary."""

    def __init__(self, path: Path, text: str, **options: Any) -> None:
        self.path = path
        path.write_text(text)
        self.notebook = hotplate.open(path)
        self.live: Live = self.notebook.watch(canary=True, x=1, **options).__enter__()

    def edit(self, old: str, new: str) -> None:
        text = self.path.read_text()
        assert old in text
        self.path.write_text(text.replace(old, new))

    def settled(self, version: int) -> hotplate.Run:
        """The run of a version, once it and its trial are over."""

        def is_there(status: Any) -> bool:
            run = status.run
            return bool(status.version == version and status.phase == "waiting" and run and run.version == version)

        assert self.live.wait_for(is_there, PATIENCE), self.live.status
        run = self.live.status.run
        assert run is not None
        return run


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    started: list[Watched] = []

    def start(text: str = TEXT, **options: Any) -> Watched:
        started.append(Watched(tmp_path / "notebook.c", text, **options))
        return started[-1]

    yield start
    for watched in started:
        watched.live.stop()


def test_new_code_runs_in_a_worker_first_and_its_results_stay(watch: Callable[..., Watched]) -> None:
    run = watch().settled(1)
    assert run["process"] != os.getpid()
    assert run.cells["process"].status == "kept"


def test_code_that_came_through_runs_in_this_process(watch: Callable[..., Watched]) -> None:
    watched = watch()
    watched.settled(1)
    watched.live.rerun()
    assert watched.live.wait_for(lambda status: status.run["process"] == os.getpid(), PATIENCE), watched.live.status


def test_an_edit_that_crashes_leaves_the_last_good_version(watch: Callable[..., Watched]) -> None:
    watched = watch()
    watched.settled(1)
    watched.edit("return where + 1", "return *(volatile int64_t *)where")
    assert watched.live.wait_for(lambda status: status.notice != "" and status.reload.error, PATIENCE)
    status = watched.live.status
    assert status.notice == "running v1; the file is newer and crashed in its trial"
    assert isinstance(status.reload.error, CellCrashed)
    assert status.run["after"] == 2
    assert status.run.notice == status.notice
    watched.edit("*(volatile int64_t *)where", "where + 10")
    assert watched.settled(2)["after"] == 11


def test_an_edit_that_never_ends_is_replaced_by_the_next(watch: Callable[..., Watched]) -> None:
    watched = watch()
    watched.settled(1)
    watched.edit("return where + 1", "for (;;) where = *(volatile int64_t *)&where; return where")
    assert eventually(lambda: watched.live.running == ("after",))
    watched.edit("for (;;) where = *(volatile int64_t *)&where; return where", "return where + 20")
    assert watched.settled(2)["after"] == 21


def test_a_failure_that_the_cell_reports_is_no_reason_to_refuse_it(watch: Callable[..., Watched]) -> None:
    watched = watch()
    watched.settled(1)
    watched.edit("return 0; return x", 'return 0; hp_fail(ctx, "no"); return x')
    run = watched.settled(2)
    assert run.cells["where"].status == "failed"
    assert watched.live.status.notice == ""


def test_a_run_that_is_asked_for_during_a_trial_does_not_wait_for_it_for_ever(watch: Callable[..., Watched]) -> None:
    watched = watch()
    runs: list[hotplate.Run] = []
    thread = threading.Thread(target=lambda: runs.append(watched.notebook.run(x=1)), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert [run["after"] for run in runs] == [2]
    assert watched.settled(1)["after"] == 2
