"""Tables that are wider than the terminal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from hotplate.show.tables import LEAST, print_table

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def lines() -> Callable[..., list[str]]:
    """What is printed on a terminal that is so wide."""

    def print_on(width: int, *arguments: object, **options: object) -> list[str]:
        page = io.StringIO()
        print_table(Console(file=page, width=width, color_system=None, legacy_windows=False), *arguments, **options)  # type: ignore[arg-type]
        return page.getvalue().splitlines()

    return print_on


HEADINGS = ("cell", "took", "type", "value")
ROWS = [("u0", "1.5 s", "float64[50, 40, 3]", "1" * 40), ("x", "20.25 s", "int", "[x]")]


def test_a_table_that_fits_is_not_cut(lines: Callable[..., list[str]]) -> None:
    assert lines(100, HEADINGS, ROWS, right=(1,), cut=[(3,), (2,)]) == [
        "cell     took  type                value",
        f"u0      1.5 s  float64[50, 40, 3]  {'1' * 40}",
        "x     20.25 s  int                 [x]",
    ]


def test_the_first_group_is_cut_before_the_next_and_no_other_column_is(lines: Callable[..., list[str]]) -> None:
    assert (
        lines(50, HEADINGS, ROWS, right=(1,), cut=[(3,), (2,)])[1] == f"u0      1.5 s  float64[50, 40, 3]  {'1' * 14}…"
    )
    assert lines(40, HEADINGS, ROWS, right=(1,), cut=[(3,), (2,)])[1] == f"u0      1.5 s  float64[50, 40…  {'1' * 7}…"


def test_where_cutting_is_not_enough_lines_are_longer_than_the_terminal(lines: Callable[..., list[str]]) -> None:
    cut = lines(20, HEADINGS, ROWS, cut=[(3,), (2,)])
    assert cut[1] == f"u0    1.5 s    float64…  {'1' * (LEAST - 1)}…"


def test_of_one_group_the_widest_are_cut(lines: Callable[..., list[str]]) -> None:
    assert lines(34, ("a", "b", "c"), [("1" * 20, "2" * 9, "3" * 20)], cut=[range(3)])[1] == (
        f"{'1' * 9}…  {'2' * 9}  {'3' * 9}…"
    )
