"""The dependency graph as text for people and tools: an indented list, SVG, Mermaid, DOT, JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotplate.show import Picture, Shown, graphs
from hotplate.show.graphs import Box, Drawing, Link
from hotplate.show.pages import escape, page, pre

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hotplate.notebook.graph import Graph
    from hotplate.notebook.node import Node
    from hotplate.show.graphs import State


def as_text(graph: Graph) -> str:
    """One line a cell in dependency order, with what it takes from where."""
    width = max((len(name) for name in graph.nodes), default=0)
    lines = [f"{name:{width}}  {sources_of(graph, name)}".rstrip() for name in graph.order]
    if inputs := _inputs(graph):
        lines.append(
            f"{'':{width}}  inputs: {', '.join(inputs)}".lstrip() if not lines else f"inputs: {', '.join(inputs)}"
        )
    return "\n".join(lines)


def as_mermaid(graph: Graph) -> str:
    """A Mermaid flowchart: cells as boxes, inputs rounded."""
    lines = [
        "flowchart TD",
        *(f"    {name}([{name}])" for name in _inputs(graph)),
        *(f"    {n}[{n}]" for n in graph.order),
    ]
    lines += [f"    {source} -->{f'|{label}|' if label else ''} {target}" for source, target, label in _edges(graph)]
    return "\n".join(lines)


def as_dot(graph: Graph) -> str:
    """A Graphviz digraph: cells as boxes, inputs as ellipses."""
    lines = ["digraph notebook {", "    rankdir=TB;", "    node [shape=box];"]
    lines += [f'    "{name}" [shape=ellipse];' for name in _inputs(graph)] + [f'    "{name}";' for name in graph.order]
    for source, target, label in _edges(graph):
        lines.append(f'    "{source}" -> "{target}"' + (f' [label="{label}"];' if label else ";"))
    return "\n".join([*lines, "}"])


def as_json(graph: Graph) -> str:
    """Cells in dependency order, edges and inputs, as a JSON document."""
    document = {
        "cells": [_cell(graph.nodes[name]) for name in graph.order],
        "edges": [{"from": s, "to": t, "field": label or None} for s, t, label in _edges(graph, inputs=False)],
        "inputs": [
            {"name": name, "required": any(p.required for _, p in users), "cells": [cell for cell, _ in users]}
            for name, users in graph.inputs.items()
        ],
    }
    return json.dumps(document, indent=2)


def as_svg(graph: Graph, states: Mapping[str, State] | None = None) -> str:
    """A picture: cells as boxes, inputs rounded, edges downwards. `states` say how cells stand."""
    return graphs.as_svg(drawing_of(graph), states)


def drawing_of(graph: Graph) -> Drawing:
    """What is drawn of a graph."""
    inputs = _inputs(graph)
    taken = {node.name: {parameter.name for parameter in node.parameters} for node in graph.nodes.values()}
    boxes = [Box(name, "an input", is_input=True) for name in inputs]
    boxes += [Box(name, _tip(graph, name), is_trap=graph.nodes[name].trap is not None) for name in graph.nodes]
    links = [
        Link(source.cell, consumer, source.field or "", conditional=parameter not in taken[consumer])
        for (consumer, parameter), source in graph.edges.items()
    ]
    links += [
        Link(name, cell, conditional=all(p.kind == "condition" for user, p in graph.inputs[name] if user == cell))
        for name in inputs
        for cell in dict.fromkeys(user for user, _ in graph.inputs[name])
    ]
    return Drawing(boxes, links)


def _tip(graph: Graph, name: str) -> str:
    span = graph.nodes[name].span
    return "\n".join(filter(None, [f"line {span.line}" if span else "", sources_of(graph, name)]))


@dataclass(frozen=True, slots=True)
class DrawnGraph(Shown):
    """A graph with how its cells stand, as something to show."""

    graph: Graph
    states: Mapping[str, State]

    def __repr__(self) -> str:
        return as_text(self.graph)

    def _picture(self) -> Picture:
        return picture_of(self.graph, self.states)


def picture_of(graph: Graph, states: Mapping[str, State] | None = None) -> Picture:
    """The graph as notebooks show it; one that is too large for a picture, as text."""
    text = as_text(graph)
    cells, boxes = len(graph.nodes), len(graph.nodes) + len(_inputs(graph))
    if boxes <= graphs.MOST:
        return Picture(page(f'<div class="hp-scroll">{as_svg(graph, states)}</div>'), text)
    ways = "hotplate graph --format mermaid, dot or json has it for other tools"
    note = f"The graph has {cells:,} cells, too many for a picture; {ways}."
    return Picture(page(f"<p>{escape(note)}</p><div class='hp-scroll'>{pre(text)}</div>"), text)


FORMATS: dict[str, Callable[[Graph], str]] = {
    "text": as_text,
    "mermaid": as_mermaid,
    "dot": as_dot,
    "json": as_json,
    "svg": as_svg,
}
"""Every form by its name on the command line."""


def _cell(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "outputs": list(node.fields),
        "when": node.condition and node.condition.text,
        "trap": None if node.trap is None else list(node.trap),
    }


def _inputs(graph: Graph) -> list[str]:
    """The inputs that a caller must give."""
    return [name for name, users in graph.inputs.items() if any(parameter.required for _, parameter in users)]


def sources_of(graph: Graph, name: str) -> str:
    """What a cell takes, and when it runs: `<- u0, dt (input), when n < 100`; empty when there is nothing."""
    parts = []
    node = graph.nodes[name]
    for parameter in node.parameters:
        if (name, parameter.name) in graph.edges:
            parts.append(parameter.name)
        elif parameter.required:
            parts.append(f"{parameter.name} (input)")
    if node.condition is not None:
        parts.append(f"when {node.condition.text}")
    if node.trap is not None:
        parts.append(f"after a failure of {' or '.join(node.trap)}" if node.trap else "after a failure")
    return f"<- {', '.join(parts)}" if parts else ""


def _edges(graph: Graph, *, inputs: bool = True) -> Iterator[tuple[str, str, str]]:
    for (consumer, _), source in graph.edges.items():
        yield source.cell, consumer, source.field or ""
    if inputs:
        for name in _inputs(graph):
            for cell, _ in graph.inputs[name]:
                yield name, cell, ""
