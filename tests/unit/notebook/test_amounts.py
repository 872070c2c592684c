from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.notebook import check
from hotplate.notebook.parse import parse

CELLS = """
int64_t n(void) { return 4; }
void f(int64_t n, int rows, const double x[n], double out[2 * m]) {}
"""


@pytest.mark.parametrize("amount", ["2 * n", "rows * n", "m", "12"])
def test_an_amount_may_use_dimensions_and_numbers_of_one_cell_of_the_section(amount: str) -> None:
    assert not [d for d in check(parse(Path("a.c"), f'// %% Step flops="{amount}"{CELLS}')) if d.rule == "amount"]


def test_an_amount_that_no_cell_can_know_is_an_error_at_its_value() -> None:
    text = f'// %% Step flops="2 * n" bytes="8 * k + x"{CELLS}'
    (found,) = [d for d in check(parse(Path("a.c"), text)) if d.rule == "amount"]
    assert found.message == "bytes names k, x, which no cell of the section has"
    assert found.source[found.column - 1 : found.end_column - 1] == "8 * k + x"
    assert found.hint.endswith(": n has none; f has m, n, rows")


def test_a_section_without_cells_may_declare_anything() -> None:
    assert not check(parse(Path("a.c"), '// %% Step flops="2 * q"\nstatic int a(void) { return 1; }\n'))
