"""A process that is killed at any moment leaves a store that is in order, and a run that can be resumed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hotplate.execute import OutcomeKind
from hotplate.run.store import RunState, RunStore
from hotplate.run.store.content import read_content
from hotplate.run.store.points import Point
from hotplate.values import digest
from tests.unit.run.store import victim
from tests.unit.run.store.samples import database
from tests.unit.run.store.victim import FIRST, SECOND, VALUES, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the processes to kill are forked")


@dataclass
class Said:
    """What a process said before its end."""

    begins: set[tuple[str, str, int]] = field(default_factory=set)
    begun: set[tuple[str, str, int]] = field(default_factory=set)
    told: set[tuple[str, str]] = field(default_factory=set)
    kept: set[tuple[str, str]] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    reached: int = 0
    killed: bool = False

    def take(self, line: str) -> None:
        verb, *words = line.split()
        if verb in ("begins", "begun"):
            getattr(self, verb).add((words[0], words[1], int(words[2])))
        elif verb in ("told", "kept"):
            getattr(self, verb).add((words[0], words[1]))
        elif verb == "ended":
            self.ended.add(words[0])
        elif verb == "reached":
            self.reached = int(words[0])


@pytest.fixture(scope="module")
def processes() -> Iterator[subprocess.Popen[str]]:
    """Forks a process for each line: starting Python and NumPy anew would take 200 ms each time."""
    root = Path(__file__).parents[4]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(root), *sys.path]))}
    command = [sys.executable, victim.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ) as server:
        yield server
        assert server.stdin is not None
        server.stdin.close()
        assert server.wait(30) == 0


def kill_at(server: subprocess.Popen[str], folder: Path, point: int, occurrence: int) -> Said:
    assert server.stdin is not None
    assert server.stdout is not None
    print(folder, point, occurrence, sep="\t", file=server.stdin, flush=True)
    said = Said()
    while not (line := server.stdout.readline()).startswith("over"):
        assert line, "the server ended"
        said.take(line)
    code = int(line.split()[1])
    assert code in (0, -9)
    said.killed = code != 0
    return said


def prepare(folder: Path) -> None:
    """A run that somebody has done half of, and died: one outcome, one attempt under way."""
    with RunStore.open(folder) as store:
        recording = victim.begin(store, FIRST)
        victim.compute(recording, "scalar", 1.5, trace=victim.trace(("scalar", "0" * 32)))
        recording.begun("array", 1)
        recording.flush()
        with database(folder) as other:  # as if it were the one of a process that is gone
            other.execute("UPDATE run SET started = started - 1")


def check(folder: Path, said: Said) -> None:
    with RunStore.open(folder, {"HOTPLATE_RUNS_SIZE": victim.LIMIT}) as store:
        check_files(folder, store)
        check_outcomes(store, said)
        carry_on(store)
        assert all(run.state is RunState.DONE for run in store.runs())
        assert list((folder / "tallies").iterdir()) == []


def check_files(folder: Path, store: RunStore) -> None:
    assert len(list((folder / "tmp").iterdir())) == 1
    assert list((folder / "tallies").iterdir()) == []
    with database(folder) as opened:
        assert opened.pragma("integrity_check") == "ok"
        rows = dict(opened.execute("SELECT name, size FROM artifact"))
    files = {path.name: path for path in (folder / "artifacts").glob("*/*")}
    assert rows.keys() == files.keys()
    for name, path in files.items():
        assert path.stat().st_size == rows[name]
        assert read_content(path) is not None


def check_outcomes(store: RunStore, said: Said) -> None:
    for run in store.runs():
        assert not run.state.is_under_way
        assert (run.state is RunState.DONE) >= (run.id in said.ended)
        record = store.find_run(run.id)
        told = {cell for name, cell in said.told if name == run.id}
        good = {cell for cell, result in record.results.items() if result.status == "ok"}
        assert told <= good
        for cell, attempts in record.attempts.items():
            assert [attempt.number for attempt in attempts] == list(range(1, len(attempts) + 1))
            ended_well = [attempt for attempt in attempts if attempt.outcome is OutcomeKind.OK]
            assert len(ended_well) == (cell in good)
        recorded = {(run.id, cell, one.number) for cell, every in record.attempts.items() for one in every}
        ours = {attempt for attempt in said.begins if attempt[0] == run.id}
        assert {attempt for attempt in said.begun if attempt[0] == run.id} <= recorded
        assert recorded <= ours | {(FIRST, "scalar", 1), (FIRST, "array", 1)}
    assert not {(run, cell) for run, cell, _ in said.begins} & said.kept


def carry_on(store: RunStore) -> None:
    """What is left is done, nothing that was done is done again, and all values are what they should be."""
    for run in store.runs():
        if run.state is RunState.DONE:
            continue
        for cell, result in store.find_run(run.id).results.items():
            loaded = store.load(result.value)
            assert loaded is not None
            assert digest(loaded.value) == digest(value_of(cell, int(run.id == SECOND)))
        victim.resume(store, run.id, lambda _: None)
        assert store.find_run(run.id).results.keys() == VALUES.keys()


def test_an_undisturbed_process_does_both_runs(processes: subprocess.Popen[str], tmp_path: Path) -> None:
    prepare(tmp_path)
    said = kill_at(processes, tmp_path, 0, 10_000)
    assert said.ended == {FIRST, SECOND}
    assert said.reached > 60  # how many it is depends on how much goes into one transaction
    check(tmp_path, said)


@pytest.mark.parametrize("point", Point, ids=lambda point: point.name.lower())
@pytest.mark.parametrize("occurrence", [1, 2])
def test_a_kill_at_a_point_loses_nothing_and_leaves_nothing(
    point: Point, occurrence: int, processes: subprocess.Popen[str], tmp_path: Path
) -> None:
    prepare(tmp_path)
    said = kill_at(processes, tmp_path, point, occurrence)
    assert said.killed or occurrence > 1
    check(tmp_path, said)


@pytest.mark.parametrize("seed", range(12))
def test_a_kill_anywhere_and_another_in_the_resumed_run_lose_nothing_and_leave_nothing(
    seed: int, processes: subprocess.Popen[str], tmp_path: Path
) -> None:
    prepare(tmp_path)
    chosen = random.Random(seed)
    first = kill_at(processes, tmp_path, 0, chosen.randrange(1, 110))
    if first.killed:
        second = kill_at(processes, tmp_path, 0, chosen.randrange(1, 110))
        first.begins |= second.begins
        first.begun |= second.begun
        first.told |= second.told
        first.ended |= second.ended
    check(tmp_path, first)
