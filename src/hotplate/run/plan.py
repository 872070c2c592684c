"""What a run has to compute, and whether it was given what that takes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xxhash

from hotplate.errors import InputError
from hotplate.notebook.graph import suggest
from hotplate.run.traps import fitting_traps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hotplate.notebook.graph import Graph


def plan_run(graph: Graph, targets: Sequence[str], given: Mapping[str, Any], notebook: str) -> Graph:
    """The part of the graph that computes `targets` (default: everything) with the values `given` by name.

    Traps that fit to it are part of it.

    `notebook` is what messages call the file. Raises InputError for an unknown name, and for a value that is missing.
    """
    if not graph.nodes:
        example = "a cell is a function such as `double answer(void) { return 42; }`"
        raise InputError(f"{notebook} has no cells; {example}, and `check` says why others are none")
    refuse_unknown(graph, given, notebook)
    wanted = [cell_of(graph, target, notebook) for target in targets] or graph.order
    overridden = [name for name in given if name in graph.nodes]
    plan = graph.subgraph(wanted, overridden)
    if targets and (traps := fitting_traps(graph, plan, given)):
        plan = graph.subgraph([*wanted, *traps], overridden)
    _refuse_missing(plan, given, notebook)
    return plan


def plan_hash(graph: Graph) -> str:
    """A name for what a run computes, and from what: the same for the same cells with the same edges."""
    edges = sorted((*asker, source.cell, source.field or "") for asker, source in graph.edges.items())
    return xxhash.xxh3_128_hexdigest(repr((graph.order, sorted(graph.inputs), edges)).encode())


def refuse_unknown(graph: Graph, given: Iterable[str], notebook: str) -> None:
    """Raises InputError for a name of a given value that nothing in the graph has."""
    known = {*graph.nodes, *graph.inputs}
    for name in given:
        if name not in known:
            raise InputError(f"{notebook} has no cell or input {name}; {suggest(name, known)}")


def cell_of(graph: Graph, target: str, notebook: str) -> str:
    """The cell that a target names, itself or as `cell_field`. Raises InputError."""
    if target in graph.nodes:
        return target
    owners = [name for name, node in graph.nodes.items() if target in {f"{name}_{field}" for field in node.fields}]
    if owners:
        return max(owners, key=len)
    raise InputError(f"{notebook} has no cell {target}; {suggest(target, graph.nodes)}")


def _refuse_missing(plan: Graph, given: Mapping[str, Any], notebook: str) -> None:
    missing = {}
    for name, users in plan.inputs.items():
        needed_by = [cell for cell, parameter in users if parameter.required]
        if needed_by and name not in given:
            missing[name] = needed_by
    if missing:
        listed = "; ".join(f"{name} (for {', '.join(users)})" for name, users in missing.items())
        example = ", ".join(f"{name}=..." for name in missing)
        way_out = f"give it as run({example}) or --set {next(iter(missing))}=VALUE"
        raise InputError(f"{notebook} needs a value for {listed}; {way_out}")
