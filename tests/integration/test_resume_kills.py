"""A small version of benchmarks/resumes.py, whose full one takes minutes, with kills at the store's numbered points."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import resumes
from benchmarks.trial import Load
from benchmarks.trial import Trial as Started
from benchmarks.workflows.assorted import Assorted
from hotplate.run.store import RunState
from hotplate.run.store.points import Point
from tests.integration import resumed_victim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotplate.run.store import RunRecord

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")

IN_A_RUN = [point for point in Point if point <= Point.TALLY_REMOVED]
IN_A_RESUME = [Point.LOSS_WRITTEN, Point.LOSS_COMMITTED, Point.CLAIM_WRITTEN, Point.CLAIM_COMMITTED, Point.COMMITTED]


class Trial(Started):
    """One whose processes are forked: starting Python and NumPy anew would take half a second each time."""

    def __init__(self, server: subprocess.Popen[str], load: Load, executor: str, folder: Path) -> None:
        super().__init__(load, executor, folder)
        self._server = server

    def fork(self, run: str = "", point: int = 0, attempts: int = 0, seconds: float = 0.0) -> bool:
        """As `make`, but for when it is killed."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        words = (self.runs, self.log, run, self._executor, int(point), attempts, seconds)
        print(*words, sep="\t", file=self._server.stdin, flush=True)
        process, code = map(int, self._server.stdout.readline().split())
        assert code in (0, -9)
        self._look_for_processes(process)
        return code != 0

    def finish(self, right: dict[str, bytes], kills: int, done: dict[str, int] | None = None) -> None:
        """Resumes the run until it is done, and judges it."""
        done, before = {} if done is None else done, self.record()
        if before is None:
            self.begin_anew()
        else:
            resumes.compare(self, done, before)
        if before is None or before.summary.state is not RunState.DONE:
            assert not self.fork("" if before is None else before.id)
        record: RunRecord = self.judge(right)
        resumes.compare(self, done, record)
        resumes.count(self, record, kills)


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    notebook = Assorted(seed=1, cells=12, longest=0.002)
    path = tmp_path_factory.mktemp("assorted") / "assorted.c"
    path.write_text(notebook.text, "utf-8")
    return Load(path, logs=True, cells=notebook.cells)


@pytest.fixture(scope="module")
def server(load: Load) -> Iterator[subprocess.Popen[str]]:
    root = Path(__file__).parents[2]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(root), *sys.path]))}
    command = [sys.executable, resumed_victim.__file__, str(load.path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environ, **pipes) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.fixture(scope="module")
def usual(load: Load, server: subprocess.Popen[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an undisturbed run takes and gives."""
    assert not Trial(server, load, "linear", tmp_path_factory.mktemp("first")).fork()  # which builds the worker
    trial = Trial(server, load, "linear", tmp_path_factory.mktemp("usual"))
    begin = time.perf_counter()
    assert not trial.fork()
    return {"seconds": time.perf_counter() - begin, "values": trial.values()}


def executor_of(number: int) -> str:
    return resumes.EXECUTORS[number % len(resumes.EXECUTORS)]


@pytest.mark.parametrize("point", IN_A_RUN, ids=lambda point: point.name.lower())
def test_a_kill_at_a_point_of_the_store_costs_what_was_under_way_alone(
    point: Point, server: subprocess.Popen[str], load: Load, usual: dict[str, Any], tmp_path: Path
) -> None:
    trial = Trial(server, load, executor_of(point), tmp_path)
    assert trial.fork(point=point, attempts=0 if point is Point.TALLY_MADE else 4)
    trial.finish(usual["values"], kills=1)


@pytest.mark.parametrize("point", IN_A_RESUME, ids=lambda point: point.name.lower())
def test_a_kill_of_the_process_that_resumes_does_too(
    point: Point, server: subprocess.Popen[str], load: Load, usual: dict[str, Any], tmp_path: Path
) -> None:
    trial, done = Trial(server, load, executor_of(point), tmp_path), dict[str, int]()
    assert trial.fork(point=Point.ATTEMPT_COUNTED, attempts=7)
    record = trial.record()
    assert record is not None
    resumes.compare(trial, done, record)
    assert trial.fork(record.id, point)
    trial.finish(usual["values"], 2, done)


@pytest.mark.parametrize(("number", "fraction"), [(0, 0.3), (1, 0.5), (2, 0.7)])
def test_a_kill_at_any_time_does_too(
    number: int, fraction: float, server: subprocess.Popen[str], load: Load, usual: dict[str, Any], tmp_path: Path
) -> None:
    trial = Trial(server, load, executor_of(number), tmp_path)
    trial.fork(seconds=fraction * usual["seconds"])
    trial.finish(usual["values"], kills=1)
