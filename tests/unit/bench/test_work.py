from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.bench.report import Work
from hotplate.bench.work import dimensions_of, work_of
from hotplate.errors import InputError
from hotplate.notebook.extents import Extent, parse_extent
from hotplate.notebook.model import Attributes

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.load import LoadedCell

C = """
#include <stdint.h>
#define WIDTH 3
void f(int64_t n, int k, double h, const double x[n], int64_t rows, const float m[rows][WIDTH], double out_y[2 * n],
       double out_z[4]) {
    for (int64_t i = 0; i < n; i++) out_y[i] = x[i] * h * k;
    out_z[0] = m[0][0];
}
"""
ARGUMENTS: dict[str, Any] = {"k": 7, "h": 0.5, "x": np.zeros(5), "m": np.zeros((2, 3), np.float32)}


@pytest.fixture(scope="module")
def cell(compiled: Callable[..., Any]) -> LoadedCell:
    loaded: LoadedCell = compiled(C).load("f")
    return loaded


def amount(text: str) -> Extent:
    return Extent(text, parse_extent(text))


def test_names_are_dimensions_of_arrays_and_whole_numbers(cell: LoadedCell) -> None:
    known = dimensions_of(cell.descriptor, ARGUMENTS, cell(**ARGUMENTS))
    assert known == {"n": 5, "k": 7, "rows": 2, "WIDTH": 3}


@pytest.mark.parametrize(
    ("attributes", "work"),
    [
        (Attributes(flops=amount("2 * n * k")), Work(70, 40 + 24 + 80 + 32, False)),
        (Attributes(bytes=amount("8 * n * WIDTH")), Work(None, 120, True)),
        (Attributes(flops=amount("n * other")), Work(None, 176, False)),  # another cell's of the section
        (Attributes(flops=amount("n * h")), Work(None, 176, False)),
    ],
)
def test_work_is_what_is_declared_and_bytes_else_those_of_the_arrays(
    cell: LoadedCell, attributes: Attributes, work: Work
) -> None:
    assert work_of(cell.descriptor, attributes, ARGUMENTS, cell(**ARGUMENTS)) == work


@pytest.mark.parametrize(("text", "message"), [("n - k", "is -2 where k is 7, n is 5"), ("n / (k - 7)", "5 / 0")])
def test_an_amount_that_makes_no_sense_is_told_with_its_values(cell: LoadedCell, text: str, message: str) -> None:
    with pytest.raises(InputError, match=f'f: flops="{text.replace("(", "[(]").replace(")", "[)]")}".*{message}'):
        work_of(cell.descriptor, Attributes(flops=amount(text)), ARGUMENTS, cell(**ARGUMENTS))
