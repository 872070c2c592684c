"""What a cell is called with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hotplate.execute import OutcomeKind
from hotplate.notebook import Node, Parameter, build_graph
from hotplate.run.lifecycles import Skip
from hotplate.run.lifecycles.arguments import Arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.run.lifecycles import CellContext


class Stats(NamedTuple):
    mean: float


GRAPH = build_graph(
    [
        Node("stats", (), ("mean",)),
        Node("grid", ()),
        Node("u1", (Parameter("grid"), Parameter("stats_mean"), Parameter("dt"), Parameter("n"))),
    ]
)


def arguments(values: dict[str, Any], *given: str) -> Arguments:
    return Arguments(GRAPH.wiring, values.__getitem__, given)


def test_results_fields_and_inputs_come_together(attempt: Callable[..., CellContext]) -> None:
    context = attempt()
    assert arguments({"grid": [1], "stats": Stats(2.0), "dt": 0.1}, "dt").setup(context) is None
    assert context.arguments == {"grid": [1], "stats_mean": 2.0, "dt": 0.1}
    assert context.results == {"grid", "stats_mean"}


def test_what_nobody_gives_is_left_to_the_call(attempt: Callable[..., CellContext]) -> None:
    context = attempt()
    arguments({"grid": [1], "stats": Stats(2.0)}).setup(context)
    assert context.arguments is not None
    assert "dt" not in context.arguments


def test_a_field_that_is_not_there_fails_the_cell_without_a_call(attempt: Callable[..., CellContext]) -> None:
    context = attempt()
    skip = arguments({"grid": [1], "stats": 7}).setup(context)
    assert isinstance(skip, Skip)
    assert skip.outcome.kind is OutcomeKind.FAILED
    assert str(skip.outcome.error).startswith("u1: it needs mean of a result, and ")
    assert context.arguments is None
