"""Python functions as cells: what they make of their conditions and traps."""

from __future__ import annotations

from typing import Any

import pytest

from hotplate.errors import InputError
from hotplate.notebook import Parameter, build_graph
from hotplate.run import PythonCell


def look(residual: float, failure: str = "") -> str:
    return f"{residual} {failure}"


def test_a_condition_is_that_of_the_node_and_of_the_task() -> None:
    cell = PythonCell(look, "look", when="residual > 1 and n < 3")
    assert cell.node.condition is not None
    assert cell.node.condition.names == ("residual", "n")
    assert cell.task.attributes.when is cell.node.condition
    assert [asked.name for asked in cell.node.asks] == ["residual", "failure", "n"]


def test_a_wrong_condition_is_refused_with_the_way_out() -> None:
    with pytest.raises(InputError, match="look: when='a && b': '&&' is no operator of a condition; write and"):
        PythonCell(look, "look", when="a && b")


@pytest.mark.parametrize(
    ("trap", "names"),
    [(False, None), (True, ()), ("u1 u2", ("u1", "u2")), (["u1", "u2", "u1"], ("u1", "u2"))],
)
def test_a_trap_is_set_for_all_failures_or_for_those_of_some_cells(trap: Any, names: tuple[str, ...] | None) -> None:
    cell = PythonCell(look, "look", trap=trap)
    assert (cell.node.trap, cell.task.attributes.trap) == (names, names)


@pytest.mark.parametrize("trap", ["", []])
def test_a_trap_for_no_cells_is_refused(trap: Any) -> None:
    with pytest.raises(InputError, match="names no cells; trap=True is for every failure"):
        PythonCell(look, "look", trap=trap)


def test_a_trap_is_told_the_failure_and_others_are_given_it() -> None:
    told = PythonCell(look, "look", trap=True).node
    assert told.parameters[1] == Parameter("failure", "failure", required=False)
    assert "failure" not in build_graph([told]).inputs
    assert PythonCell(look, "look").node.parameters[1] == Parameter("failure", required=False)
