"""What recording a run costs: per cell, an attempt, an outcome with its value, and the two events around it.

Beside bare SQLite, which writes a row for each cell and one for the events of a commit, with one commit for each cell
or one for all. A commit waits for the disk, so how many cells share one decides. "Calling thread" is the time of the
processor that the thread which runs cells spends on it; the others are the time until everything is on the disk.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from contextlib import closing
from typing import TYPE_CHECKING

import apsw
import numpy as np

from benchmarks.contest import Contender, Contest, Sample, everyone_in, timed, within
from hotplate.events import Event, Kind
from hotplate.execute import OutcomeKind
from hotplate.run.attempts import Attempt
from hotplate.run.state import Trace
from hotplate.run.store import RunDescription, RunState, RunStore
from hotplate.run.store.rows import RESULT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from benchmarks.contest import Entrant, Sampler
    from hotplate.run.store import Recording

FEW, MANY = 50, 2000
CELLS = [f"c{i}" for i in range(MANY)]
KEY, CONTENT = "0" * 32, "1" * 32
ARRAY = np.arange(1 << 17, dtype=np.float64)  # 1 MiB

_runs = itertools.count()


def new_run(store: RunStore) -> Recording:
    recording = store.begin(RunDescription(f"{next(_runs):012x}", "x.c"), CELLS)
    recording.flush()
    return recording


def record(recording: Recording, count: int, value_of: Callable[[int], Any] = float) -> None:
    """What a run hands over for each cell."""
    numbers = itertools.count(1)
    for i, cell in enumerate(CELLS[:count]):
        recording.begun(cell, 1)
        recording.event(Event(Kind.CELL_STARTED, recording.id, next(numbers), 1.0, cell, 1))
        recording.attempt(Attempt(cell, 1, OutcomeKind.OK, 1.0, 2.0))
        recording.finished(
            cell, OutcomeKind.OK, trace=Trace(KEY, (("x", CONTENT),)), value=value_of(i), contents={None: CONTENT},
            started=1.0, seconds=2.0, attempts=1, reason="new", compiler="gcc",
        )  # fmt: skip
        recording.event(Event(Kind.CELL_DONE, recording.id, next(numbers), 1.0, cell, 1))


def bare(count: int, commits: int) -> Callable[[Path], Sampler]:
    """The same tables and indexes, written by one statement for each row."""

    def prepare(folder: Path) -> Sampler:
        RunStore.open(folder / "schema").close()
        database = apsw.Connection(str(folder / "schema" / "runs.db"))
        database.pragma("synchronous", "full")

        def write() -> None:
            run = f"{next(_runs):012x}"
            for first in range(0, count, count // commits):
                with database:
                    _write_rows(database, run, CELLS[first : first + count // commits])

        return timed(write, each=count)

    return prepare


def _write_rows(database: apsw.Connection, run: str, cells: list[str]) -> None:
    statement = f"INSERT INTO result ({','.join(RESULT.columns)}) VALUES ({','.join('?' * len(RESULT.columns))})"
    inputs, contents = f'[["x","{CONTENT}"]]', f'[[null,"{CONTENT}"]]'
    for cell in cells:
        row = (
            run, cell, "ok", 0, 0, 1.0, 2.0, 1, "new", "",
            KEY, "gcc", CONTENT, inputs, contents, 1, None, None, None, "1.5", "",
        )  # fmt: skip
        database.execute(statement, row)
    told = [(kind, cell) for cell in cells for kind in (Kind.CELL_STARTED, Kind.CELL_DONE)]
    events = [(at, kind, 1.0, cell, 1, "{}") for at, (kind, cell) in enumerate(told, 2 * int(cells[0][1:]))]
    batch = (run, events[0][0], events[-1][0], json.dumps(events))
    database.execute("INSERT INTO event_batch (run, first, last, events) VALUES (?, ?, ?, ?)", batch)


def recorded(count: int) -> Callable[[Path], Sampler]:
    def prepare(folder: Path) -> Sampler:
        store = RunStore.open(folder)

        def write() -> None:
            recording = new_run(store)
            record(recording, count)
            recording.end(RunState.DONE)
            assert recording.error is None

        return timed(write, each=count)

    return prepare


def calling_thread(folder: Path) -> Sampler:
    store = RunStore.open(folder)

    def sample() -> Sample:
        recording = new_run(store)
        begin = time.thread_time()
        record(recording, MANY)
        spent = time.thread_time() - begin
        recording.end(RunState.DONE)
        return Sample(spent / MANY)

    return sample


def saved(folder: Path) -> Sampler:
    def write() -> None:
        with (folder / f"{next(_runs)}.npy").open("wb") as file:
            np.save(file, ARRAY + next(_runs))
            file.flush()
            os.fsync(file.fileno())

    return timed(write)


def array_recorded(folder: Path) -> Sampler:
    store = RunStore.open(folder, {"HOTPLATE_RUNS_SIZE": "64M"})

    def write() -> None:
        recording = new_run(store)
        record(recording, 1, lambda _: ARRAY + next(_runs))
        recording.end(RunState.DONE)

    return timed(write)


def opened(folder: Path) -> Sampler:
    RunStore.open(folder).close()
    return timed(lambda: RunStore.open(folder).close())


def database_opened(folder: Path) -> Sampler:
    RunStore.open(folder).close()

    def open_database() -> None:
        with closing(apsw.Connection(str(folder / "runs.db"))) as database:
            database.pragma("user_version")

    return timed(open_database)


ROWS = Contest(
    f"store, a run of {MANY:,} cells, time for one",
    rounds=15,
    contenders=(
        Contender("SQLite, one commit", bare(MANY, 1)),
        Contender("SQLite, a commit for each cell", bare(FEW, FEW)),
        Contender("recorded", recorded(MANY), within(40e-6)),
        Contender("recorded, calling thread", calling_thread, within(20e-6)),
        Contender(f"recorded, run of {FEW} cells", recorded(FEW)),
    ),
)
ARRAYS = Contest(
    "store, an array of 1 MiB",
    rounds=15,
    contenders=(Contender("np.save and fsync", saved), Contender("run of one cell", array_recorded)),
)
OPENING = Contest(
    "store, opened and closed",
    rounds=31,
    contenders=(Contender("SQLite", database_opened), Contender("store", opened, within(5e-3))),
)


@everyone_in(ROWS)
def test_rows_of_a_run(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(ARRAYS)
def test_one_large_array(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(OPENING)
def test_opening_a_store(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)
