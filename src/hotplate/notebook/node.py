"""Nodes of the dependency graph: what has parameters, and results that others ask for by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.notebook.model import PortKind
from hotplate.notebook.typetext import FLOATING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hotplate.notebook.condition import Condition
    from hotplate.notebook.model import Cell, Span

__all__ = ["FAILURE", "Node", "Parameter", "Source", "finding", "node_of", "suggest"]

FAILURE = "failure"
"""What a trap calls the text that says what went wrong."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a node asks for by name."""

    name: str
    kind: Literal["value", "dimension", "condition", "failure"] = "value"
    """A dimension is an integer that the shapes of the node's arrays fix. A condition is a name that the node's
    condition alone looks at, and a failure what the run tells a trap: neither edge nor input."""
    required: bool = True
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A cell or a Python function, as the graph sees it."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    fields: tuple[str, ...] = ("value",)
    """The names of its results."""
    path: str = ""
    span: Span | None = None
    condition: Condition | None = None
    """What must hold for it to be computed. Its names are edges and inputs as parameters are."""
    trap: tuple[str, ...] | None = None
    """Computed only after a failure: of any node (empty), or of the named ones. None: an ordinary node."""
    places: Mapping[str, Span] = field(default_factory=dict, compare=False, repr=False)
    """Where its attributes (`when`, `trap`) stand in the notebook."""

    @property
    def asks(self) -> tuple[Parameter, ...]:
        """All that it needs a value for: its parameters, then what its condition looks at besides."""
        if self.condition is None:
            return self.parameters
        taken = {parameter.name for parameter in self.parameters if parameter.required}
        places = zip(self.condition.names, self.condition.places, strict=True)
        at = self.places.get("when")
        return self.parameters + tuple(
            Parameter(name, "condition", span=at and at.within(place, len(name)))
            for name, place in places if name not in taken
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """Where a parameter's value comes from: a cell's value, or one field of it."""

    cell: str
    field: str | None = None


def node_of(cell: Cell) -> Node:
    """The node of a notebook's cell.

    An integer parameter that stands in the brackets of one of the cell's own inputs is a dimension: not required. So is
    the text called `failure` that a trap takes.
    """
    fixed = {symbol for port in cell.inputs for extent in port.extents for symbol in extent.symbols}
    attributes, places = cell.section.attributes, cell.section.places
    parameters = []
    for port in cell.inputs:
        kind: Literal["value", "dimension", "failure"] = "value"
        if port.kind is PortKind.SCALAR and port.name in fixed and port.type not in FLOATING:
            kind = "dimension"
        elif port.kind is PortKind.TEXT and port.name == FAILURE and attributes.trap is not None:
            kind = "failure"
        parameters.append(Parameter(port.name, kind, required=kind == "value", span=port.span))
    return Node(
        cell.name, tuple(parameters), cell.outputs, span=cell.name_span, condition=attributes.when,
        trap=attributes.trap, places=places,
    )  # fmt: skip


def suggest(name: str, known: Iterable[str]) -> str:
    """A sentence that helps with an unknown name: the nearest known one, else what there is."""
    names = sorted(set(known))
    if close := get_close_matches(name, names, 1, 0.6):
        return f"did you mean {close[0]}?"
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"known are {shown}" if names else "there are none"


def finding(
    severity: Severity, message: str, node: Node, parameter: Parameter | None, rule: str = "", hint: str = "",
    notes: tuple[Diagnostic, ...] = (), span: Span | None = None,
) -> Diagnostic:  # fmt: skip
    """What is wrong with a node: at `span`, else at one of its parameters, else at the node itself."""
    span = span or (parameter.span if parameter else None) or node.span
    line, column, end = (span.line, span.column, span.end_column) if span else (0, 0, 0)
    return Diagnostic(
        severity, message, node.path, line, column, end, cell=node.name, rule=rule, hint=hint, notes=notes
    )
