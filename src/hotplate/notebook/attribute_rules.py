"""What is wrong with the conditions and traps of a graph."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.notebook.node import finding, suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotplate.notebook.node import Node, Source

__all__ = ["check_conditions", "check_traps"]


def check_conditions(nodes: Mapping[str, Node], edges: Mapping[tuple[str, str], Source]) -> Iterator[Diagnostic]:
    """A warning for each name in a condition that is an input, nobody's parameter, and nearly a result."""
    conditions = [node for node in nodes.values() if node.condition is not None]
    if not conditions:
        return
    taken = {parameter.name for node in nodes.values() for parameter in node.parameters}
    for node in conditions:
        for asked in node.asks:
            known = asked.kind != "condition" or (node.name, asked.name) in edges or asked.name in taken
            if not known and (close := get_close_matches(asked.name, _results(nodes, asked.name), 1, 0.75)):
                message = f"the condition of {node.name} looks at {asked.name}, which no cell computes: it is an input"
                yield finding(Severity.WARNING, message, node, asked, "condition", f"did you mean {close[0]}?")


def _results(nodes: Mapping[str, Node], name: str) -> Iterator[str]:
    """What `name` may have been meant to be. A field of a node that it names is told of as for parameters."""
    yield from nodes
    for node in nodes.values():
        if len(node.fields) > 1 and not name.startswith(f"{node.name}_"):
            yield from (f"{node.name}_{field}" for field in node.fields)


def check_traps(nodes: Mapping[str, Node], edges: Mapping[tuple[str, str], Source]) -> Iterator[Diagnostic]:
    """An error for each node that needs a trap, and for each name that a trap can't be set for."""
    traps = [node for node in nodes.values() if node.trap is not None]
    for node in traps:
        for name in node.trap or ():
            yield from _trapped(node, name, nodes)
    if not traps:
        return
    for (consumer, name), source in edges.items():
        if source.cell != consumer and nodes[source.cell].trap is not None:
            node = nodes[consumer]
            asked = next(parameter for parameter in node.asks if parameter.name == name)
            message = f"{consumer} needs {source.cell}, which is a trap and runs only after a failure"
            hint = f"take trap off the section of {source.cell}, or give {name} another name"
            yield finding(Severity.ERROR, message, node, asked, "trap", hint)


def _trapped(trap: Node, name: str, nodes: Mapping[str, Node]) -> Iterator[Diagnostic]:
    place = trap.places.get("trap")
    if name not in nodes:
        message, hint = f"{trap.name} is a trap for {name}, which is no cell", suggest(name, nodes.keys() - {trap.name})
        yield finding(Severity.ERROR, message, trap, None, "trap", hint, span=place)
    elif nodes[name].trap is not None:
        message = f"{trap.name} is a trap for {name}, which is a trap itself"
        yield finding(Severity.ERROR, message, trap, None, "trap", "name cells that run without a failure", span=place)
