"""The dependency graph: whose value each parameter takes, and in what order to compute.

A node is anything with named parameters and results, so that Python functions take part beside the notebook's cells.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.notebook.cycles import cycle_in, dependency_order
from hotplate.notebook.model import PortKind
from hotplate.notebook.typetext import FLOATING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hotplate.notebook.model import Cell, Span

__all__ = ["Graph", "Node", "Parameter", "Source", "build_graph", "node_of", "suggest"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a node asks for by name."""

    name: str
    kind: Literal["value", "dimension"] = "value"
    """A dimension is an integer that the shapes of the node's arrays fix."""
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


@dataclass(frozen=True, slots=True)
class Source:
    """Where a parameter's value comes from: a cell's value, or one field of it."""

    cell: str
    field: str | None = None


@dataclass(frozen=True)
class Graph:
    """Nodes and the edges between them. Immutable; safe to share between threads."""

    nodes: Mapping[str, Node]
    order: tuple[str, ...]
    """Every node that can be computed, each after what it needs and else in the order given. Nodes in a cycle, and
    those that depend on one, are left out."""
    edges: Mapping[tuple[str, str], Source]
    """(consumer, parameter) → source, for every parameter that another node computes."""
    inputs: Mapping[str, tuple[tuple[str, Parameter], ...]]
    """The names that no node computes, with those who ask: the caller must give what is `required` anywhere."""
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    def dependencies(self, name: str) -> tuple[str, ...]:
        """The nodes whose results a node takes, in the order of its parameters."""
        return self._before.get(name, ())

    def descendants(self, names: Iterable[str]) -> frozenset[str]:
        """All nodes that depend on the named ones, themselves not included unless one depends on another."""
        found: set[str] = set()
        pending = list(names)
        while pending:
            new = [other for other in self._after.get(pending.pop(), ()) if other not in found]
            found.update(new)
            pending.extend(new)
        return frozenset(found)

    def subgraph(self, targets: Iterable[str], overridden: Iterable[str] = ()) -> Graph:
        """The nodes needed to compute the targets when the overridden ones are given as values.

        An edge from an overridden node stays in `edges`; the node itself, and what only it needs, is gone. Inputs are
        those of the nodes that are left. Raises KeyError for a target that is no node.
        """
        given = frozenset(overridden)
        wanted = set(targets)
        pending = list(wanted)
        while pending:
            if (name := pending.pop()) in given:
                continue
            new = [other for other in self.dependencies(self.nodes[name].name) if other not in wanted]
            wanted.update(new)
            pending.extend(new)
        return _assemble([node for name, node in self.nodes.items() if name in wanted - given], self.edges, given)

    @cached_property
    def wiring(self) -> Mapping[str, tuple[tuple[str, Source | None], ...]]:
        """For each node its parameters, and where each one's value comes from; None: it is an input."""
        edges = self.edges
        return {
            name: tuple((parameter.name, edges.get((name, parameter.name))) for parameter in node.parameters)
            for name, node in self.nodes.items()
        }

    @cached_property
    def _before(self) -> Mapping[str, tuple[str, ...]]:
        return _dependencies(self.edges)

    @cached_property
    def _after(self) -> Mapping[str, tuple[str, ...]]:
        after: defaultdict[str, list[str]] = defaultdict(list)
        for name, sources in self._before.items():
            for source in sources:
                after[source].append(name)
        return {name: tuple(users) for name, users in after.items()}


def node_of(cell: Cell) -> Node:
    """The node of a notebook's cell.

    An integer parameter that stands in the brackets of one of the cell's own inputs is a dimension: not required.
    """
    fixed = {symbol for port in cell.inputs for extent in port.extents for symbol in extent.symbols}
    parameters = []
    for port in cell.inputs:
        is_dimension = port.kind is PortKind.SCALAR and port.name in fixed and port.type not in FLOATING
        kind: Literal["value", "dimension"] = "dimension" if is_dimension else "value"
        parameters.append(Parameter(port.name, kind, required=not is_dimension, span=port.span))
    return Node(cell.name, tuple(parameters), cell.outputs, span=cell.name_span)


def build_graph(nodes: Sequence[Node]) -> Graph:
    """Connects the nodes by name. Takes linear time; what is wrong is in `diagnostics`, and the rest is usable.

    A parameter names the node that is called exactly so; else, of the nodes whose name and `_` it begins with, the one
    with the longest name that has a result called like the rest; else it is an input.
    """
    by_name: dict[str, Node] = {}
    findings: list[Diagnostic] = []
    for node in nodes:
        if node.name in by_name:
            message = f"there are two cells called {node.name}"
            findings.append(_diagnostic(Severity.ERROR, message, node, None, "duplicate"))
        by_name.setdefault(node.name, node)
    edges: dict[tuple[str, str], Source] = {}
    for node in by_name.values():
        for parameter in node.parameters:
            if source := _resolve(parameter.name, by_name):
                edges[node.name, parameter.name] = source
            elif warning := _mistaken_field(node, parameter, by_name):
                findings.append(warning)
    graph = _assemble(list(by_name.values()), edges, frozenset())
    return Graph(graph.nodes, graph.order, edges, graph.inputs, (*findings, *graph.diagnostics))


def suggest(name: str, known: Iterable[str]) -> str:
    """A sentence that helps with an unknown name: the nearest known one, else what there is."""
    names = sorted(set(known))
    if close := get_close_matches(name, names, 1, 0.6):
        return f"did you mean {close[0]}?"
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"known are {shown}" if names else "there are none"


def _assemble(nodes: list[Node], edges: Mapping[tuple[str, str], Source], given: frozenset[str]) -> Graph:
    by_name = {node.name: node for node in nodes}
    kept = {key: source for key, source in edges.items() if key[0] in by_name}
    inputs: defaultdict[str, list[tuple[str, Parameter]]] = defaultdict(list)
    for node in nodes:
        for parameter in node.parameters:
            if (node.name, parameter.name) not in kept:
                inputs[parameter.name].append((node.name, parameter))
    before = _dependencies({key: source for key, source in kept.items() if source.cell not in given})
    order, blocked = dependency_order(list(by_name), before)
    return Graph(
        by_name, order, kept, {name: tuple(users) for name, users in inputs.items()},
        tuple(_cycles(blocked, before, by_name, kept)),
    )  # fmt: skip


def _dependencies(edges: Mapping[tuple[str, str], Source]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for (consumer, _), source in edges.items():
        found[consumer][source.cell] = None
    return {name: tuple(sources) for name, sources in found.items()}


def _resolve(name: str, nodes: Mapping[str, Node]) -> Source | None:
    if name in nodes:
        return Source(name)
    for prefix, rest in _splits(name):
        if prefix in nodes and rest in nodes[prefix].fields:
            return Source(prefix, rest)
    return None


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """`a_b_c` as (a_b, c), then (a, b_c)."""
    at = name.rfind("_")
    while at > 0:
        yield name[:at], name[at + 1 :]
        at = name.rfind("_", 0, at)


def _mistaken_field(node: Node, parameter: Parameter, nodes: Mapping[str, Node]) -> Diagnostic | None:
    """A warning for an input that is nearly a field of a cell with several results: it may be meant as an input."""
    for prefix, rest in _splits(parameter.name):
        fields = nodes[prefix].fields if prefix in nodes else ()
        if len(fields) > 1 and (close := get_close_matches(rest, fields, 1, 0.6)):
            message = f"{node.name}: {prefix} has no result {rest}, so {parameter.name} is an input"
            hint = f"did you mean {prefix}_{close[0]}? The results of {prefix} are {', '.join(fields)}"
            return _diagnostic(Severity.WARNING, message, node, parameter, "field", hint)
    return None


def _cycles(
    blocked: list[str], before: Mapping[str, tuple[str, ...]], nodes: Mapping[str, Node],
    edges: Mapping[tuple[str, str], Source],
) -> Iterator[Diagnostic]:  # fmt: skip
    seen: set[str] = set()
    for name in blocked:
        if cycle := cycle_in(name, before, seen):
            yield _cycle(cycle, nodes, edges)


def _cycle(cycle: list[str], nodes: Mapping[str, Node], edges: Mapping[tuple[str, str], Source]) -> Diagnostic:
    """`cycle` lists nodes so that each takes the result of the next, and the last that of the first."""
    steps = []
    for consumer, producer in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
        node = nodes[consumer]
        parameter = next(p for p in node.parameters if _comes_from(edges, consumer, p.name, producer))
        steps.append((node, parameter, producer))
    first, parameter, _ = steps[0]
    if len(cycle) == 1:
        message = f"{first.name} takes its own result"
        return _diagnostic(Severity.ERROR, message, first, parameter, "cycle", "rename the parameter")
    path = " → ".join([*cycle, cycle[0]])
    notes = tuple(
        _diagnostic(Severity.NOTE, f"{node.name} takes {taken.name} from {producer}", node, taken)
        for node, taken, producer in steps
    )
    hint = "rename a parameter of one of them, so that it is an input"
    return _diagnostic(Severity.ERROR, f"cells depend on each other: {path}", first, parameter, "cycle", hint, notes)


def _comes_from(edges: Mapping[tuple[str, str], Source], consumer: str, parameter: str, producer: str) -> bool:
    source = edges.get((consumer, parameter))
    return source is not None and source.cell == producer


def _diagnostic(
    severity: Severity, message: str, node: Node, parameter: Parameter | None, rule: str = "", hint: str = "",
    notes: tuple[Diagnostic, ...] = (),
) -> Diagnostic:  # fmt: skip
    span = (parameter.span if parameter else None) or node.span
    line, column, end = (span.line, span.column, span.end_column) if span else (0, 0, 0)
    return Diagnostic(
        severity, message, node.path, line, column, end, cell=node.name, rule=rule, hint=hint, notes=notes
    )
