"""What a run of a session computes, in which language after which, and what it lacks. Pure but for the namespace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotplate import notebook as notation
from hotplate.jupyter.namespace import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hotplate.jupyter.namespace import Namespace
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import Language, NotebookModel


@dataclass(frozen=True, slots=True)
class Plan:
    """A run, before it begins."""

    groups: tuple[tuple[Language, tuple[str, ...]], ...]
    """What to run, one language after another; each cell after what it needs."""
    inputs: Mapping[str, Any]
    """The user's variables that are taken: for inputs, and in place of cells."""
    overridden: frozenset[str]
    """The cells that a variable stands for."""
    missing: Mapping[str, tuple[str, ...]]
    """For each cell that can't run, the inputs that are not there."""


def joined_graph(models: Iterable[NotebookModel]) -> Graph:
    """The cells of all languages as one graph: a cell in C++ takes the result of one in C by its name."""
    return notation.build_graph([notation.node_of(cell) for model in models for cell in model.cells.values()])


def plan_cells(graph: Graph, languages: Mapping[str, Language], targets: Iterable[str], namespace: Namespace) -> Plan:
    """What it takes to bring `targets` up to date. `languages` has that of each cell."""
    wanted = [name for name in targets if name in graph.nodes]
    overrides = namespace.values_of(graph.nodes)
    part = graph.subgraph(wanted, overrides)
    inputs = {name: namespace.value(name) for name, users in part.inputs.items() if _is_required(users)}
    there = {name: value for name, value in inputs.items() if value is not MISSING}
    missing = _missing(part, there)
    groups: list[tuple[Language, list[str]]] = []
    for name in part.order:
        if name in missing:
            continue
        if not groups or groups[-1][0] is not languages[name]:
            groups.append((languages[name], []))
        groups[-1][1].append(name)
    taken = {source.cell for (user, _), source in part.edges.items() if user not in missing}
    return Plan(
        tuple((language, tuple(names)) for language, names in groups),
        {**there, **{name: value for name, value in overrides.items() if name in taken}},
        frozenset(overrides),
        missing,
    )


def _is_required(users: Iterable[tuple[str, notation.Parameter]]) -> bool:
    return any(parameter.required for _, parameter in users)


def _missing(graph: Graph, there: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name in graph.order:
        own = [
            asked.name
            for asked in graph.nodes[name].asks
            if asked.required and (name, asked.name) not in graph.edges and asked.name not in there
        ]
        inherited = [missing for source in graph.dependencies(name) for missing in found.get(source, ())]
        if own or inherited:
            found[name] = tuple(dict.fromkeys((*own, *inherited)))
    return found
