"""The dependency graph: whose value each parameter takes, and in what order to compute.

A node is anything with named parameters and results, so that Python functions take part beside the notebook's cells.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.notebook.attribute_rules import check_conditions, check_traps
from hotplate.notebook.cycles import cycle_in, dependency_order
from hotplate.notebook.node import Node, Parameter, Source, finding, node_of, suggest
from hotplate.show import Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hotplate.show import Picture

__all__ = ["Graph", "Node", "Parameter", "Source", "build_graph", "node_of", "suggest"]


@dataclass(frozen=True)
class Graph(Shown):
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
        """The nodes whose results a node takes, in the order of its parameters, and then of its condition's names."""
        return self._before.get(name, ())

    def needs(self, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The dependencies of each of these nodes."""
        before = self._before
        return {name: before.get(name, ()) for name in names}

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
        if not given and not self.diagnostics and wanted == self.nodes.keys():
            return self  # as most runs want it; putting 10,000 nodes together again took 20 us for each
        pending = list(wanted)
        while pending:
            if (name := pending.pop()) in given:
                continue
            new = [other for other in self.dependencies(self.nodes[name].name) if other not in wanted]
            wanted.update(new)
            pending.extend(new)
        kept = wanted - given
        return _assemble([node for name, node in self.nodes.items() if name in kept], self.edges, given)

    @cached_property
    def wiring(self) -> Mapping[str, tuple[tuple[str, Source | None], ...]]:
        """For each node its parameters, and where each one's value comes from; None: it is an input."""
        edges = self.edges
        return {
            name: tuple((parameter.name, edges.get((name, parameter.name))) for parameter in node.parameters)
            for name, node in self.nodes.items()
        }

    def _picture(self) -> Picture:
        from hotplate.notebook.drawing import picture_of

        return picture_of(self)

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
            findings.append(finding(Severity.ERROR, message, node, None, "duplicate"))
        by_name.setdefault(node.name, node)
    edges: dict[tuple[str, str], Source] = {}
    for node in by_name.values():
        for parameter in node.asks:
            if parameter.kind == "failure":
                continue
            if source := _resolve(parameter.name, by_name):
                edges[node.name, parameter.name] = source
            elif warning := _mistaken_field(node, parameter, by_name):
                findings.append(warning)
    findings += check_conditions(by_name, edges)
    findings += check_traps(by_name, edges)
    graph = _assemble(list(by_name.values()), edges, frozenset())
    return Graph(graph.nodes, graph.order, edges, graph.inputs, (*findings, *graph.diagnostics))


def _assemble(nodes: list[Node], edges: Mapping[tuple[str, str], Source], given: frozenset[str]) -> Graph:
    by_name = {node.name: node for node in nodes}
    kept = {key: source for key, source in edges.items() if key[0] in by_name}
    inputs: defaultdict[str, list[tuple[str, Parameter]]] = defaultdict(list)
    for node in nodes:
        for parameter in node.asks:
            if (node.name, parameter.name) not in kept and parameter.kind != "failure":
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
            return finding(Severity.WARNING, message, node, parameter, "field", hint)
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
        parameter = next(p for p in node.asks if _comes_from(edges, consumer, p.name, producer))
        steps.append((node, parameter, producer))
    first, parameter, _ = steps[0]
    if len(cycle) == 1:
        if parameter.kind == "condition":
            message, hint = f"the condition of {first.name} looks at its own result", "look at what it is computed from"
        else:
            message, hint = f"{first.name} takes its own result", "rename the parameter"
        return finding(Severity.ERROR, message, first, parameter, "cycle", hint)
    path = " → ".join([*cycle, cycle[0]])
    notes = tuple(
        finding(Severity.NOTE, _taking(node, taken, producer), node, taken) for node, taken, producer in steps
    )
    hint = "rename a parameter of one of them, so that it is an input"
    return finding(Severity.ERROR, f"cells depend on each other: {path}", first, parameter, "cycle", hint, notes)


def _taking(node: Node, taken: Parameter, producer: str) -> str:
    if taken.kind == "condition":
        return f"the condition of {node.name} looks at {taken.name} from {producer}"
    return f"{node.name} takes {taken.name} from {producer}"


def _comes_from(edges: Mapping[tuple[str, str], Source], consumer: str, parameter: str, producer: str) -> bool:
    source = edges.get((consumer, parameter))
    return source is not None and source.cell == producer
