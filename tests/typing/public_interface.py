"""What a type checker sees of the public interface. `mypy --strict` reads this file; nothing here runs.

A comment `type: ignore[...]` marks what must be refused: mypy reports it when it is not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

import hotplate
from hotplate.diagnostic import Diagnostic
from hotplate.errors import BuildError, CellError, HotplateError, NotebookError
from hotplate.events import Event, Kind


def opening() -> None:
    assert_type(hotplate.open("heat.c"), hotplate.Notebook)
    assert_type(hotplate.open(Path("heat.cpp"), compiler="clang", jobs=2), hotplate.Notebook)
    assert_type(hotplate.inline("double twice(double x) { return 2 * x; }"), hotplate.LoadedCell)
    hotplate.open(b"heat.c")  # type: ignore[arg-type]
    hotplate.inline("int one(void) { return 1; }", "c++")  # type: ignore[call-arg]


def running(notebook: hotplate.Notebook) -> None:
    run = notebook.run("u1", "stats", dt=1e-4, n=512, executor="parallel", jobs=2, fresh=True, keep_going=True)
    assert_type(run, hotplate.Run)
    assert_type(run.ok, bool)
    assert_type(run["u1"], Any)
    assert_type(run.seconds, float)
    assert_type(run.events, tuple[Event, ...])
    assert_type(run.events[0].kind, Kind)
    run["u1"] = 1  # type: ignore[index]
    run.seconds = 0.0  # type: ignore[misc]
    notebook.run(executor=2)  # type: ignore[arg-type]


def watching(notebook: hotplate.Notebook) -> None:
    def sink(event: Event) -> None:
        print(event.sequence)

    notebook.run(on_event=sink)
    notebook.run(on_event=[sink, print])
    notebook.run(on_event=lambda: None)  # type: ignore[arg-type, misc]


def calling(notebook: hotplate.Notebook) -> None:
    cell = notebook.load("u1")
    assert_type(cell, hotplate.LoadedCell)
    assert_type(cell.name, str)
    assert_type(cell.parameters, tuple[str, ...])
    assert_type(cell([1.0, 2.0], dx=0.02), Any)
    notebook.load(1)  # type: ignore[arg-type]


def python_cells_keep_their_type(notebook: hotplate.Notebook) -> None:
    @notebook.cell
    def peak(u1: list[float]) -> float:
        return max(u1)

    @notebook.cell(name="low", impure=True)
    def lowest(u1: list[float]) -> float:
        return min(u1)

    assert_type(peak([1.0]), float)
    assert_type(lowest([1.0]), float)
    peak(1)  # type: ignore[arg-type]


def checking(notebook: hotplate.Notebook) -> None:
    assert_type(notebook.check(), tuple[Diagnostic, ...])


def catching(notebook: hotplate.Notebook) -> None:
    try:
        notebook.run()
    except (NotebookError, BuildError) as error:
        assert_type(error.diagnostics, tuple[Diagnostic, ...])
    except CellError as error:
        assert_type(error.cell, str)
    except HotplateError as error:
        assert_type(error.exit_code, int)
