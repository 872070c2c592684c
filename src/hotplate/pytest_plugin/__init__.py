"""The pytest plugin: notebooks and their cells as fixtures, and failures in hotplate's words.

Every run of pytest loads this package where hotplate is installed, so it imports nothing of it before a test asks for
a notebook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hotplate.pytest_plugin.asking import MARKER, Problem, chosen_cells, of_marker, wanted_by
from hotplate.pytest_plugin.notebooks import NOTEBOOKS, Notebooks, refuse
from hotplate.pytest_plugin.ready import ReadyCell, ready
from hotplate.pytest_plugin.reports import in_its_words, speaks_for_itself

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from pathlib import Path

    from hotplate.session import Notebook


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the command-line options."""
    group = parser.getgroup("hotplate", "notebooks in C and C++")
    group.addoption("--hotplate-isolated", action="store_true", help="Run the cells of all notebooks in workers.")
    group.addoption("--hotplate-compiler", metavar="NAME", help="The compiler of notebooks whose marker names none.")
    group.addoption(
        "--hotplate-sanitize", action="store_true", help="Build and run all cells with AddressSanitizer and UBSan."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker."""
    config.addinivalue_line("markers", MARKER)
    config.stash[NOTEBOOKS] = Notebooks(config.option)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Lets go of all notebooks, and with them of their workers."""
    if (notebooks := config.stash.get(NOTEBOOKS, None)) is not None:
        notebooks.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Makes a test for each cell of a test function that takes `hotplate_cell`."""
    if "hotplate_cell" not in metafunc.fixturenames:
        return
    chosen = chosen_cells(metafunc)
    # What is wrong is told by the test's set-up: the other tests of the file can run.
    ids = [cell.about if isinstance(cell, Problem) else cell for cell in chosen]
    metafunc.parametrize("hotplate_cell", chosen, ids=ids, indirect=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what hotplate raised as hotplate says it, on the notebook's lines, instead of where Python was."""
    report = yield
    if report.failed and call.excinfo is not None and speaks_for_itself(item, call.excinfo):
        report.longrepr = in_its_words(item, call.excinfo)
    return report


@pytest.fixture
def hotplate_open(request: pytest.FixtureRequest) -> Iterator[Callable[..., Notebook]]:
    """Opens notebooks: `hotplate_open("heat.c", compiler="clang")`, with the settings that the marker takes.

    A path is relative to the test's file. Tests that open the same file with equal settings share the notebook and
    what it has computed, so that nothing is built or run twice.
    """
    notebooks, opened = request.config.stash[NOTEBOOKS], []

    def open_notebook(file: str | Path, **settings: Any) -> Notebook:
        wanted = wanted_by(request.node, file, **settings)
        opened.append(wanted)
        return notebooks.open(wanted, request.node.nodeid)

    yield open_notebook
    for wanted in opened:
        notebooks.tidy(wanted)


@pytest.fixture
def hotplate_notebook(request: pytest.FixtureRequest, hotplate_open: Callable[..., Notebook]) -> Notebook:
    """The notebook that the test's marker names, built. See hotplate_open."""
    wanted = of_marker(request.node)
    return hotplate_open(wanted.path, **wanted.settings)


@pytest.fixture
def hotplate_inputs(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """Values by name for what `hotplate_cell` and the cells before it take: the marker's `inputs`. Made to override."""
    return of_marker(request.node).inputs


@pytest.fixture
def hotplate_cell(
    request: pytest.FixtureRequest, hotplate_notebook: Notebook, hotplate_inputs: Mapping[str, Any]
) -> ReadyCell:
    """One cell of the notebook, with its inputs computed; the test runs for each. See ReadyCell."""
    if isinstance(request.param, Problem):
        refuse(request.param.message)
    cell = ready(hotplate_notebook, request.param, hotplate_inputs)
    if "benchmark" in request.fixturenames:
        facts = {"notebook": hotplate_notebook.path.name, "cell": cell.name, "compiler": cell.func.descriptor.compiler}
        request.getfixturevalue("benchmark").extra_info.update(facts)
    return cell
