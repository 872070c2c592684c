from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from hotplate.errors import CellFailed
from hotplate.execute import Outcome, OutcomeKind
from hotplate.notebook import Node, Parameter, build_graph
from hotplate.notebook.condition_text import parse_condition
from hotplate.run import CellResult
from hotplate.run.conditions import unmet_condition


class Stats(NamedTuple):
    mean: float
    var: float


def outcome(when: str, **values: Any) -> Outcome | None:
    """Of a cell with this condition, where `stats` and `u` are cells and everything else is an input."""
    cells = [Node("stats", (), ("mean", "var")), Node("u"), Node("cell", condition=parse_condition(when))]
    graph = build_graph([*cells, Node("free", (Parameter("u"),))])
    results = {name: CellResult(name, Outcome(OutcomeKind.OK, values.pop(name))) for name in ("stats", "u")}
    return unmet_condition(graph, "cell", results, values)


def test_a_cell_whose_condition_holds_runs() -> None:
    assert outcome("u > 1 and stats_mean < 3 and n == 4", u=2.0, stats=Stats(1, 2), n=4) is None


def test_a_cell_without_a_condition_runs() -> None:
    assert unmet_condition(build_graph([Node("a")]), "a", {}, {}) is None


def test_a_cell_whose_condition_is_false_is_skipped_with_what_is_false() -> None:
    found = outcome("u > 1 and stats_mean < 3", u=2.0, stats=Stats(5, 2))
    assert found is not None
    assert (found.kind, found.reason) == (OutcomeKind.SKIPPED, "stats_mean < 3 is false (stats_mean = 5)")


@pytest.mark.parametrize(
    ("when", "u", "told"),
    [
        ("1 / u > 1", 0.0, "its condition 1 / u > 1 has no answer: 1 / u divides by zero"),
        ("u > 1", np.zeros(2), "u > 1 is bool[2] where true or false is needed"),
        ("u > 1", "text", "u > 1 can't be computed with 'text' and 1"),
        ("stats_mean > 1", 0, "has no result mean"),
    ],
)
def test_a_condition_without_an_answer_fails_its_cell(when: str, u: Any, told: str) -> None:
    found = outcome(when, u=u, stats=1.0)
    assert found is not None
    assert found.kind is OutcomeKind.FAILED
    assert isinstance(found.error, CellFailed)
    assert str(found.error).startswith("cell: its condition")
    assert told in str(found.error)
