"""What a run costs beside its cells: whole runs beside a thread pool and dask's threads, how that grows, and Montage.

The small cells add 1, so times for one cell are what is around it. Every cell is run each time (fresh=True). Recorded
runs go to a store in the session's temporary directory.
"""

from __future__ import annotations

import itertools
from operator import add
from typing import TYPE_CHECKING, Any

import hotplate
from benchmarks.bench_graph import THREADS, chain, fan, pool, python_functions, python_notebook, whole_run
from benchmarks.contest import Contender, Contest, at_most, everyone_in, timed, within
from benchmarks.workflows.montage import Montage
from hotplate.execute import AbortHandle, LinearExecutor, Outcome, OutcomeKind, TaskGraph

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.bench_graph import Needs
    from benchmarks.contest import Entrant, Sampler

CELLS = 1_000
SIZES = (1_000, 3_000, 10_000)


# ---- what surrounds a small cell ----


def dask_threads(needs: Needs) -> Callable[[Path], Sampler]:
    """dask's scheduler on as many threads, with the graph as it takes it: a function and what it needs for each key."""

    def prepare(_: Path) -> Sampler:
        import dask.threaded

        graph: dict[str, Any] = {name: (add, need, 1) if need else 0 for name, need in needs.items()}
        return timed(lambda: dask.threaded.get(graph, list(graph), num_workers=THREADS), each=len(needs))

    return prepare


def calls_in_a_row(needs: Needs) -> Callable[[Path], Sampler]:
    """The same functions, called by a loop that keeps their values in a dictionary: nobody can do with less."""

    def prepare(folder: Path) -> Sampler:
        calls = python_functions(needs, folder)

        def call_all() -> None:
            values: dict[str, Any] = {}
            for name, need in needs.items():
                values[name] = calls[name](values[need]) if need else calls[name]()

        return timed(call_all, each=len(needs))

    return prepare


def rows_alone(folder: Path) -> Sampler:
    """One transaction with a result for each cell, written by apsw alone, as a run's record has them."""
    from hotplate.run.store.connection import connect, transaction
    from hotplate.run.store.rows import RESULT
    from hotplate.run.store.schema import migrate

    connection = connect(folder / "runs.db")
    migrate(connection, folder / "runs.db")
    marks = ",".join("?" * len(RESULT.columns))
    statement = f"INSERT INTO result ({','.join(RESULT.columns)}) VALUES ({marks})"
    numbers = itertools.count()

    def write() -> None:
        run, digest = f"run {next(numbers)}", "0123456789abcdef" * 2
        rows = [
            (run, f"c{i}", "ok", 0, 0, 1.7e9, 1e-6, 1, "asked for", "", digest, "", f"{run} {i} {digest}",
             f'[["c{i}","{digest}"]]', f'[[null,"{digest}"]]', 1, 1e-6, 0.0, 0, "1", "")
            for i in range(CELLS)
        ]  # fmt: skip
        with transaction(connection):
            connection.executemany(statement, rows)

    return timed(write, each=CELLS)


def overhead(title: str, needs: Needs) -> Contest:
    return Contest(
        f"engine, {title} of {len(needs):,} small cells, time for one",
        rounds=15,
        contenders=(
            Contender("ThreadPoolExecutor", pool(needs, python_functions)),
            Contender("calls alone", calls_in_a_row(needs)),
            Contender("rows of a record alone", rows_alone),
            Contender("dask threads", dask_threads(needs)),
            Contender("run, linear", whole_run("linear", needs, python_notebook), within(15e-6)),
            Contender("run, linear, recorded", whole_run("linear", needs, python_notebook, record=True), within(40e-6)),
            Contender("run, parallel", whole_run("parallel", needs, python_notebook)),
            Contender("run, parallel, recorded", whole_run("parallel", needs, python_notebook, record=True)),
        ),
    )


CHAIN = overhead("chain", chain(CELLS))
FAN = overhead("fan", fan(CELLS))


# ---- how it grows ----


def grown(size: int, **how: Any) -> Contender:
    # What is quadratic would take ten times as long for each of 10,000.
    aim = at_most(1.5) if size > SIZES[0] else None
    return Contender(f"{size:,} cells", whole_run("linear", fan(size), python_notebook, **how), aim)


RUNS = Contest("engine, run of a fan, time for one cell", rounds=9, contenders=tuple(grown(size) for size in SIZES))
RECORDED = Contest(
    "engine, recorded run of a fan, time for one cell",
    rounds=5,
    contenders=tuple(grown(size, record=True) for size in SIZES),
)


def scheduled(count: int) -> Callable[[Path], Sampler]:
    """The linear executor alone, with calls that do nothing; each task needs two others."""

    def prepare(_: Path) -> Sampler:
        names = [f"c{i}" for i in range(count)]
        graph = TaskGraph(names, {f"c{i}": (f"c{i // 2}", f"c{i - 1}") for i in range(2, count)})
        done = Outcome(OutcomeKind.OK)

        def execute() -> None:
            told: dict[str, Outcome] = {}
            LinearExecutor().execute(graph, lambda _: done, AbortHandle(), told.__setitem__)
            assert len(told) == count

        return timed(execute, each=count)

    return prepare


ORDERING = Contest(
    "engine, ordering tasks, time for one",
    rounds=9,
    contenders=(
        Contender("1,000 tasks", scheduled(1_000), within(2e-6)),
        Contender("10,000 tasks", scheduled(10_000), within(2e-6)),
        Contender("100,000 tasks", scheduled(100_000), within(3e-6)),
    ),
)


# ---- a real workflow ----


WORKFLOW = Montage()


def notebook_of_montage(folder: Path) -> hotplate.Notebook:
    """The workflow, built; under one path, so that the first contender's build serves all."""
    notebook = hotplate.Notebook(folder.parent / "montage.c", text=WORKFLOW.text)
    notebook.run()
    return notebook


def montage(executor: str) -> Callable[[Path], Sampler]:
    def prepare(folder: Path) -> Sampler:
        notebook = notebook_of_montage(folder)
        return timed(lambda: notebook.run(executor=executor, jobs=THREADS, fresh=True))

    return prepare


def calls_alone(folder: Path) -> Sampler:
    """The same cells, called one after another from a loop."""
    notebook = notebook_of_montage(folder)
    cells = [(task.name, notebook.load(task.name), task.needs) for task in WORKFLOW.tasks]

    def call_all() -> None:
        values: dict[str, Any] = {}
        for name, cell, needs in cells:
            values[name] = cell(**{need: values[need] for need in needs})

    return timed(call_all)


MONTAGE = Contest(
    f"engine, Montage, {len(WORKFLOW.tasks)} C cells",
    rounds=7,
    contenders=(
        Contender("calls alone", calls_alone),
        Contender("run, linear", montage("linear"), at_most(1.05)),
        Contender("run, parallel", montage("parallel"), at_most(0.65)),
        Contender("run, process", montage("process")),
    ),
)


@everyone_in(CHAIN)
def test_chain(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(FAN)
def test_fan(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(RUNS)
def test_scaling_of_runs(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(RECORDED)
def test_scaling_of_recorded_runs(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(ORDERING)
def test_scaling_of_the_scheduler(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(MONTAGE)
def test_montage(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)
