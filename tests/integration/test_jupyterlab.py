"""C cells in JupyterLab, as a person meets them: a notebook is opened, run, edited and interrupted in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests import optional
from tests.integration import jupyterlab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

nbformat: Any = optional.module("nbformat")

EXTENSION, INPUTS, SCALED, TOTAL, USE = range(5)
CELLS = (
    "%load_ext hotplate",
    "import numpy as np\n\nx = np.arange(5.0)\nfactor = 3.0",
    """%%hotplate
#include <stdint.h>

void scaled(int64_t n, const double x[n], double factor, double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = factor * x[i];
}""",
    """%%hotplate
double total(int64_t n, const double scaled[n]) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += scaled[i];
    return sum;
}""",
    'print(f"the total of {x.sum():g} is {total.value:g}")',
)

ENDLESS = """%%hotplate
#include <stdio.h>

double total(int64_t n, const double scaled[n]) {
    puts("it runs");
    fflush(stdout);
    while (n) ;
    return scaled[0];
}"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[jupyterlab.Page]:
    """The notebook, opened in a browser."""
    cells = [nbformat.v4.new_code_cell(text) for text in CELLS]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    with jupyterlab.server(tmp_path_factory.mktemp("jupyterlab")) as lab, jupyterlab.browser() as chromium:
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), lab.folder / "five.ipynb")
        with jupyterlab.opened(chromium, lab, "five.ipynb") as page:
            yield page


@pytest.fixture
def page(notebook: jupyterlab.Page, tmp_path: Path) -> Iterator[jupyterlab.Page]:
    """The notebook as it was, and run in a new kernel. What it looks like in the end is kept as a picture."""
    for number in (SCALED, TOTAL):
        notebook.write(number, CELLS[number])
    notebook.menu("Edit", "Clear Outputs of All Cells")
    notebook.menu("Kernel", "Restart Kernel and Run All Cells…")
    notebook.accept()
    notebook.expect(USE, "the total of 10 is 30")
    yield notebook
    notebook.picture(tmp_path / "page.png")


def edited(number: int, old: str, new: str) -> str:
    assert CELLS[number].count(old) == 1
    return CELLS[number].replace(old, new)


def test_each_cell_shows_what_it_and_what_it_needs_gave(page: jupyterlab.Page) -> None:
    page.expect(SCALED, "float64[5]")
    page.expect(TOTAL, "30")


def test_an_edited_cell_reruns_what_depends_on_it(page: jupyterlab.Page) -> None:
    page.write(SCALED, edited(SCALED, "factor * x[i]", "factor * x[i] + 1"))
    page.run(SCALED)
    page.expect(SCALED, "scaled changed")
    page.run(USE)
    page.expect(USE, "the total of 10 is 35")


def test_a_compile_error_stands_on_the_cells_own_line_and_the_last_good_version_stays(page: jupyterlab.Page) -> None:
    page.write(SCALED, edited(SCALED, "factor * x[i]", "facto * x[i]"))
    page.run(SCALED)
    page.expect(SCALED, "'facto' undeclared")
    page.expect(SCALED, f"In[{page.number_of(SCALED)}]:5:46: error")
    page.run(USE)
    page.expect(USE, "the total of 10 is 30")


def test_an_endless_loop_is_interrupted_from_the_menu_and_the_variables_stay(page: jupyterlab.Page) -> None:
    page.write(TOTAL, ENDLESS)
    page.run(TOTAL)
    page.expect(TOTAL, "it runs")
    page.menu("Kernel", "Interrupt Kernel")
    page.expect(TOTAL, "its worker was ended")
    page.run(USE)
    page.expect(USE, "the total of 10 is 30")


def test_a_crash_is_reported_on_its_line_and_the_kernel_survives(page: jupyterlab.Page) -> None:
    page.write(TOTAL, edited(TOTAL, "double sum = 0;", "double sum = *(volatile double *)0;"))
    page.run(TOTAL)
    page.expect(TOTAL, "SIGSEGV")
    page.expect(TOTAL, f"In[{page.number_of(TOTAL)}]:3:")
    page.run(USE)
    page.expect(USE, "the total of 10 is 30")
