"""Runs and results as notebooks show them: the table, what went wrong, and the marks."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from hotplate.errors import CellFailed
from hotplate.execute import Outcome, OutcomeKind
from hotplate.run import CellResult, Run
from hotplate.run.picture import MOST

Ends = namedtuple("Ends", ["low", "high"])


class Table(HTMLParser):
    """The texts of a table's rows; `tags` are all that occur."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.text = ""
        self.inside = True
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "table"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.inside and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def result(name: str, value: Any = 1.5, **marks: Any) -> CellResult:
    return CellResult(name, Outcome(OutcomeKind.OK, value, seconds=0.002), **marks)


def failure(name: str, message: str, kind: OutcomeKind = OutcomeKind.FAILED) -> CellResult:
    error = CellFailed(name, message) if kind is OutcomeKind.FAILED else None
    return CellResult(name, Outcome(kind, error=error, reason=message))


def run_of(*cells: CellResult, **marks: Any) -> Run:
    return Run("r1", {cell.name: cell for cell in cells}, seconds=0.012, **marks)


def table(shown: Any) -> Table:
    return Table(shown._repr_html_())


def test_the_table_has_a_row_for_each_cell_with_the_columns_of_the_terminal() -> None:
    rows = table(run_of(result("n", 7, build_seconds=0.05), result("u0", np.arange(9.0), kept=True))).rows
    assert rows[0] == ["cell", "status", "build", "run", "type", "value"]
    assert rows[1] == ["n", "✓ ok", "50 ms", "2 ms", "int", "7"]
    assert rows[2][:2] == ["u0", "= kept"]
    assert rows[2][4] == "float64[9]"


def test_several_results_have_a_row_each() -> None:
    rows = table(run_of(result("ends", Ends(1, 2)))).rows
    assert [row[0].strip() for row in rows[1:]] == ["ends", ".low", ".high"]


def test_a_failure_has_all_its_lines_and_not_the_name_twice() -> None:
    rows = table(run_of(failure("u1", "no convergence\n    in u1.c:3"))).rows
    assert rows[1][1] == "✗ failed"
    assert rows[1][-1] == "no convergence\n    in u1.c:3"


@pytest.mark.parametrize("marks", [{"notice": "running v3; the file is newer and does not compile"}, {}])
def test_the_mark_on_old_results_stands_above_them(marks: dict[str, str]) -> None:
    run = run_of(result("n"), **marks)
    shown = run._repr_mimebundle_()
    assert ("running v3" in shown["text/html"]) == ("running v3" in shown["text/plain"]) == bool(marks)


def test_a_draft_is_marked() -> None:
    assert "the optimising compiler is still at work" in table(run_of(result("n", draft=True))).text


def test_the_text_is_what_the_command_line_prints() -> None:
    text = run_of(result("n", 7), failure("u1", "no"))._repr_mimebundle_()["text/plain"]
    assert text.splitlines() == [
        "cell  status  build   run  type  value",
        "n     ok             2 ms  int   7",
        "u1    failed                     u1: no",
        "1 of 2 cells in 12 ms",
    ]


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", "\"><img src=x onerror='alert(1)'>", "</td></tr></table>"]
)
def test_nothing_that_a_user_wrote_becomes_markup(evil: str) -> None:
    cells = (result("a", evil), failure("b", evil), result(evil, {evil: evil}), replace(result("c"), why=evil))
    shown = table(run_of(*cells, notice=evil))
    assert shown.tags <= {"div", "style", "table", "tr", "th", "td", "b", "span", "pre"}
    assert len(shown.rows) == 5
    for cell in cells:
        assert table(cell).tags <= {"div", "style", "b", "span", "pre", "figure", "figcaption"}


def test_one_result_is_its_value_at_large() -> None:
    shown = result("u0", np.arange(9.0), compiler="gcc 12")._repr_mimebundle_()
    assert "<svg" in shown["text/html"]
    assert "float64[9] · 0 to 8, mean 4" in shown["text/html"]
    assert shown["text/plain"] == "u0 ok (ran in 2 ms · gcc 12)\nfloat64[9] [0. 1. ... 7. 8.]"


def test_one_failure_is_its_message() -> None:
    shown = failure("u1", "no convergence")._repr_mimebundle_()
    assert "no convergence" in shown["text/html"]
    assert shown["text/plain"] == "u1 failed\nno convergence"


def test_a_run_of_nothing_is_a_table_without_rows() -> None:
    assert len(table(run_of()).rows) == 1


def test_of_very_many_cells_what_went_wrong_is_shown_and_the_rest_counted() -> None:
    cells = [result(f"c{i}", i) for i in range(MOST + 50)] + [failure("last", "no convergence")]
    shown = run_of(*cells)._repr_mimebundle_()
    assert len(Table(shown["text/html"]).rows) == 1 + MOST
    for text in shown.values():
        assert "no convergence" in text
        assert "not shown: 51 ok; run.cells has them" in text
