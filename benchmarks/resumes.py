"""Kills recorded runs at random moments, resumes them, and looks whether any finished work was lost.

    python -m benchmarks.resumes [--seed N] [--kills 200] [--montage]

A notebook of 40 cells, or with `--montage` one of 548, runs in a process that records it and gets SIGKILL at a moment
anywhere between its start and its end; so do some of those that resume it. After each kill the record is read, from a
copy, before anything else has touched it. What it has as done must not be executed again; in the end every value must
be what an undisturbed run gives, and nothing may be left behind: no process, shared memory, temporary file, tally, and
no file of a value without its row. Executors take turns.

The seed decides what is run and about when it is killed; what coincides with what is up to the system.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.kills import Wrong
from benchmarks.trial import Load, Trial, must
from benchmarks.workflows.assorted import Assorted, executions
from benchmarks.workflows.montage import Montage
from hotplate.run.attempts import counted
from hotplate.run.store import RunState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotplate.run.store import RunRecord

EXECUTORS = ("linear", "parallel", "process")
KILLS_PER_RUN = 2
"""A cell in which the process ends more often is not tried any more."""
COLD = 0.05
"""How many runs have to build their cells."""


@dataclass
class Tally:
    """What has happened so far."""

    runs: int = 0
    kills: int = 0
    """Of runs that were recorded by then; the others are begun anew."""
    unrecorded: int = 0
    states: Counter[str] = field(default_factory=Counter)
    """What was found of a run after a kill."""
    taken_over: int = 0
    """Results that were recorded before a kill."""
    lost: int = 0
    """Attempts that the kills ended, or whose end was not recorded."""
    attempts: int = 0


# ---- one run ----


def disturb(trial: Trial, dice: random.Random, seconds: float, usual: Usual, tally: Tally) -> None:
    """Makes a run, kills it once or twice, resumes it to its end, and judges it."""
    begin = {path.name for path in Path("/dev/shm").iterdir()}
    done: dict[str, int] = {}
    run, left, kills = "", dice.randint(1, KILLS_PER_RUN), 0
    while left and trial.make(run, dice.uniform(0, seconds)):
        if (record := trial.record()) is None:
            tally.unrecorded += 1
            trial.begin_anew()
            continue
        left, kills, run = left - 1, kills + 1, record.id
        tally.states[str(record.summary.state)] += 1
        compare(trial, done, record)
        if record.summary.state is RunState.DONE:
            break
    if not (record := trial.record()) or record.summary.state is not RunState.DONE:
        trial.make(run)
    before = len(done)
    record = trial.judge(usual.values)
    must(not trial.ended or trial.saved() == usual.saved, "it saved other values")
    compare(trial, done, record)
    count(trial, record, kills)
    new = {path.name for path in Path("/dev/shm").iterdir()} - begin
    must(not [name for name in new if "hotplate" in name], f"shared memory is left behind: {new}")
    tally.kills += kills
    tally.runs += 1
    tally.taken_over += before
    endings = Counter(attempt.died for attempts in record.attempts.values() for attempt in attempts)
    tally.attempts += endings.total()
    tally.lost += endings[True]


def compare(trial: Trial, done: dict[str, int], record: RunRecord) -> None:
    """Looks whether a cell was executed again that was recorded as done; then those recorded by now are `done`."""
    executed = executions(trial.log)
    for cell, times in done.items():
        must(executed.get(cell, 0) == times, f"{cell} was done and is executed again")
        must(record.results[cell].status == "ok", f"{cell} was done and is {record.results[cell].status} now")
    done.update((name, executed.get(name, 0)) for name, cell in record.results.items() if cell.status == "ok")


def count(trial: Trial, record: RunRecord, kills: int) -> None:
    """Looks whether every execution is in the record as an attempt, and no cell was tried more often than it may be."""
    for cell, times in executions(trial.log).items():
        attempts = record.attempts.get(cell, ())
        lost = sum(attempt.died for attempt in attempts)
        must(lost <= kills, f"{cell} lost {lost} attempts by {kills} kills")
        must(len(counted(attempts)) <= 3, f"{cell} failed {len(counted(attempts))} times")
        must(len(attempts) <= times + lost, f"{cell} was executed {times} times in {len(attempts)} attempts")
        must(times <= len(attempts), f"{cell} was executed {times} times in {len(attempts)} attempts")
        numbers = [attempt.number for attempt in attempts]
        must(numbers == list(range(1, len(numbers) + 1)), f"the attempts at {cell} are numbered {numbers}")


# ---- all of them ----


class Usual(NamedTuple):
    """An undisturbed run."""

    seconds: float
    values: dict[str, bytes]
    saved: dict[str, bytes]


def measure(load: Load, executor: str, folder: Path, *, cold: bool = False) -> Usual:
    """How long it takes, and what it gives."""
    trial = Trial(load, executor, folder, cold=cold)
    begin = time.perf_counter()
    trial.make()
    seconds = time.perf_counter() - begin
    return Usual(seconds, trial.values(), trial.saved())


def kill_runs(load: Load, kills: int, dice: random.Random, folder: Path, cold_share: float) -> Iterator[str]:
    """Gives a line for each executor, and what was wrong is raised as Wrong, with the folder where it is to be seen."""
    measure(load, "linear", folder / "first")  # which builds the cells
    usual = {executor: measure(load, executor, folder / executor) for executor in EXECUTORS}
    for executor, (_, values, _) in usual.items():
        must(values == usual["linear"].values, f"{executor} gives other values")
    cold_seconds = measure(load, "linear", folder / "cold", cold=True).seconds if cold_share else 0.0
    tallies = {executor: Tally() for executor in EXECUTORS}
    number = 0
    while sum(tally.kills for tally in tallies.values()) < kills:
        executor = EXECUTORS[number % len(EXECUTORS)]
        cold = dice.random() < cold_share
        trial = Trial(load, executor, folder / str(number), cold=cold)
        try:
            seconds = cold_seconds if cold else usual[executor].seconds
            disturb(trial, dice, seconds, usual[executor], tallies[executor])
        except Wrong as wrong:
            raise Wrong(f"run {number} on {executor}, in {folder / str(number)}: {wrong}") from None
        shutil.rmtree(folder / str(number))
        number += 1
    for executor, tally in tallies.items():
        found = ", ".join(f"{state} {times}" for state, times in tally.states.items())
        yield (
            f"{executor}: {tally.runs} runs, {tally.kills} kills ({found}) and {tally.unrecorded} before the "
            f"run was recorded; {tally.taken_over} results taken over, {tally.attempts} attempts, {tally.lost} of them "
            "lost; all values right"
        )


def write(folder: Path, seed: int, *, montage: bool) -> Load:
    """The notebook that is run."""
    path = folder / "notebook.c"
    if montage:
        workflow = Montage(scale=1 / 10_000)
        path.write_text(workflow.text, "utf-8")
        return Load(path, logs=False, cells=len(workflow.tasks))
    assorted = Assorted(seed)
    path.write_text(assorted.text, "utf-8")
    return Load(path, logs=True, cells=assorted.cells)


def main() -> None:
    parser = argparse.ArgumentParser(description="kills recorded runs at random moments and resumes them")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--montage", action="store_true", help="a workflow of 548 cells instead of 40 cells")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="resumes-"))
    load = write(folder, options.seed, montage=options.montage)
    dice = random.Random(f"{options.seed} kills")
    begin = time.perf_counter()
    for line in kill_runs(load, options.kills, dice, folder, 0.0 if options.montage else COLD):
        print(line, flush=True)
    print(f"{time.perf_counter() - begin:.0f} s")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
