"""What a graph costs beside its cells: executors and whole runs beside ThreadPoolExecutor, and reading many cells.

The cells do next to nothing, and times are for one cell. "Executor" is what decides the order and calls; "run" is
Notebook.run with everything around it: checks, traces, events, results. Both run every cell each time (fresh=True).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import tree_sitter
import tree_sitter_c

import hotplate
from benchmarks.contest import Contender, Contest, everyone_in, timed, within
from hotplate import notebook as notation
from hotplate.execute import AbortHandle, Outcome, OutcomeKind, make_executor
from hotplate.execute.executor import TaskGraph

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from benchmarks.contest import Entrant, Sampler

PYTHON_CELLS, NATIVE_CELLS, PARSED_CELLS = 1_000, 50, 10_000
THREADS = os.cpu_count() or 1

Needs = dict[str, str]
"""For each cell the one that it needs, "" for none; in a valid order."""


def chain(count: int) -> Needs:
    return {"c0": ""} | {f"c{i}": f"c{i - 1}" for i in range(1, count)}


def fan(count: int) -> Needs:
    return {"c0": ""} | {f"c{i}": "c0" for i in range(1, count)}


# ---- the cells ----


def python_notebook(needs: Needs, folder: Path) -> hotplate.Notebook:
    notebook = hotplate.Notebook(folder / "python.c", text="")
    scope: dict[str, Any] = {}
    for name, need in needs.items():
        exec(f"def {name}({need}): return {f'{need} + 1' if need else '0'}", scope)
        notebook.cell(scope[name])
    return notebook


def native_notebook(needs: Needs, folder: Path) -> hotplate.Notebook:
    cells = (
        f"double {name}({f'double {need}' if need else 'void'}) {{ return {f'{need} + 1' if need else '0'}; }}\n"
        for name, need in needs.items()
    )
    return hotplate.Notebook(folder / "native.c", text="".join(cells))


def native_functions(needs: Needs, folder: Path) -> Mapping[str, Callable[..., Any]]:
    notebook = native_notebook(needs, folder)
    notebook.run()  # builds all at once
    return {name: notebook.load(name) for name in needs}


def python_functions(needs: Needs, folder: Path) -> Mapping[str, Callable[..., Any]]:
    return {name: (lambda value: value + 1) if need else (lambda: 0) for name, need in needs.items()}


# ---- ways to run them ----


def pool(needs: Needs, functions: Callable[..., Mapping[str, Callable[..., Any]]]) -> Callable[[Path], Sampler]:
    """ThreadPoolExecutor with its tasks submitted as soon as what they need is there."""

    def prepare(folder: Path) -> Sampler:
        calls = functions(needs, folder)
        workers = ThreadPoolExecutor(THREADS)
        work = _in_a_row if _is_chain(needs) else _at_once
        return timed(lambda: work(workers, needs, calls), each=len(needs))

    return prepare


def _is_chain(needs: Needs) -> bool:
    return [*needs.values()][1:] == [*needs][:-1]


def _in_a_row(workers: ThreadPoolExecutor, needs: Needs, calls: Mapping[str, Callable[..., Any]]) -> None:
    values: dict[str, Any] = {}
    for name, need in needs.items():
        values[name] = workers.submit(calls[name], *([values[need]] if need else [])).result()


def _at_once(workers: ThreadPoolExecutor, needs: Needs, calls: Mapping[str, Callable[..., Any]]) -> None:
    first, *others = needs
    value = workers.submit(calls[first]).result()
    wait([workers.submit(calls[name], value) for name in others])


def executor_alone(
    name: str, needs: Needs, functions: Callable[..., Mapping[str, Callable[..., Any]]]
) -> Callable[[Path], Sampler]:
    def prepare(folder: Path) -> Sampler:
        calls, executor = functions(needs, folder), make_executor(name, THREADS)
        graph = TaskGraph([*needs], {cell: [need] if need else [] for cell, need in needs.items()})

        def execute() -> None:
            values: dict[str, Any] = {}

            def call(cell: str) -> Outcome:
                need = needs[cell]
                return Outcome(OutcomeKind.OK, calls[cell](*([values[need]] if need else [])))

            def finished(cell: str, outcome: Outcome) -> None:
                values[cell] = outcome.value

            executor.execute(graph, call, AbortHandle(), finished)
            assert len(values) == len(needs)

        return timed(execute, each=len(needs))

    return prepare


def whole_run(
    name: str, needs: Needs, notebook_of: Callable[[Needs, Path], hotplate.Notebook], *, fresh: bool = True, **how: Any
) -> Callable[[Path], Sampler]:
    def prepare(folder: Path) -> Sampler:
        notebook = notebook_of(needs, folder)
        notebook.run()
        return timed(lambda: notebook.run(executor=name, jobs=THREADS, fresh=fresh, **how), each=len(needs))

    return prepare


def graph_contest(title: str, needs: Needs, notebook_of: Any, functions: Any, rounds: int) -> Contest:
    return Contest(
        f"graph, {title}, time for one cell",
        rounds=rounds,
        contenders=(
            Contender("ThreadPoolExecutor", pool(needs, functions)),
            Contender("linear executor", executor_alone("linear", needs, functions)),
            Contender("parallel executor", executor_alone("parallel", needs, functions), within(15e-6)),
            Contender("run, linear", whole_run("linear", needs, notebook_of)),
            Contender("run, parallel", whole_run("parallel", needs, notebook_of)),
            Contender("run, nothing to do", whole_run("linear", needs, notebook_of, fresh=False)),
        ),
    )


CHAIN = graph_contest(
    f"chain of {PYTHON_CELLS:,} Python cells", chain(PYTHON_CELLS), python_notebook, python_functions, 21
)
FAN = graph_contest(f"fan of {PYTHON_CELLS:,} Python cells", fan(PYTHON_CELLS), python_notebook, python_functions, 21)
NATIVE_CHAIN = graph_contest(
    f"chain of {NATIVE_CELLS} C cells", chain(NATIVE_CELLS), native_notebook, native_functions, 51
)
NATIVE_FAN = graph_contest(f"fan of {NATIVE_CELLS} C cells", fan(NATIVE_CELLS), native_notebook, native_functions, 51)


# ---- reading ----


def generated(count: int) -> str:
    """Cells of the usual size; each needs two that come before it."""
    cells = (
        f"// %% Section {i}\n"
        f"void c{i}(int64_t n, const double c{i // 2}[n], const double c{i - 1}[n], double out[n]) {{\n"
        f"    for (int64_t i = 0; i < n; i++) out[i] = c{i // 2}[i] + {i}.0 * c{i - 1}[i];\n}}\n\n"
        for i in range(2, count)
    )
    starts = (
        f"void c{i}(int64_t n, double out[n]) {{ for (int64_t i = 0; i < n; i++) out[i] = i; }}\n" for i in (0, 1)
    )
    return "".join(["#include <stdint.h>\n\n", *starts, *cells])


def read_and_order(folder: Path) -> Sampler:
    text = generated(PARSED_CELLS)

    def read() -> None:
        model = notation.parse(folder / "many.c", text)
        graph = notation.build_graph([notation.node_of(cell) for cell in model.cells.values()])
        assert len(graph.order) == PARSED_CELLS

    return timed(read)


def tree_sitter_alone(_: Path) -> Sampler:
    text = generated(PARSED_CELLS).encode()
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))
    return timed(lambda: parser.parse(text))


READ = Contest(
    f"graph, reading {PARSED_CELLS:,} cells",
    rounds=7,
    contenders=(
        Contender("tree-sitter alone", tree_sitter_alone),
        Contender("parse and order", read_and_order, within(2)),
    ),
)


@everyone_in(CHAIN)
def test_chain_of_python_cells(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(FAN)
def test_fan_of_python_cells(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(NATIVE_CHAIN)
def test_chain_of_c_cells(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(NATIVE_FAN)
def test_fan_of_c_cells(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(READ)
def test_reading_many_cells(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)
