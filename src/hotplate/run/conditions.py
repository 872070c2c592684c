"""Whether a cell's condition holds, once what it looks at is there. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from hotplate.errors import CellFailed
from hotplate.execute import Outcome, OutcomeKind
from hotplate.values import field_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.notebook.graph import Graph
    from hotplate.run.result import CellResult


def unmet_condition(
    graph: Graph, name: str, results: Mapping[str, CellResult], given: Mapping[str, Any]
) -> Outcome | None:
    """How a cell ends because of its condition, without being called; None when it runs.

    `skipped`, with the part of the condition that is false; `failed` with CellFailed when there is no answer. `results`
    hold what the cell depends on, `given` the inputs and what is swept.
    """
    condition = graph.nodes[name].condition
    if condition is None:
        return None
    try:
        values = {asked: _value(graph, name, asked, results, given) for asked in condition.names}
        if condition.evaluate(values):
            return None
        return Outcome(OutcomeKind.SKIPPED, reason=condition.explain(values))
    except (ValueError, AttributeError) as problem:
        error = CellFailed(name, f"its condition {condition.text} has no answer: {problem}")
        return Outcome(OutcomeKind.FAILED, error=error, started=time.time())


def _value(graph: Graph, name: str, asked: str, results: Mapping[str, CellResult], given: Mapping[str, Any]) -> Any:
    source = graph.edges.get((name, asked))
    if source is None:
        return given[asked]
    value = given[source.cell] if source.cell in given else results[source.cell].value
    return value if source.field is None else field_value(value, source.field)
