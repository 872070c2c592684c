"""The dependency graph as text for people and tools: an indented list, Mermaid, DOT, JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotplate.notebook.graph import Graph
    from hotplate.notebook.node import Node


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


FORMATS: dict[str, Callable[[Graph], str]] = {"text": as_text, "mermaid": as_mermaid, "dot": as_dot, "json": as_json}
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
