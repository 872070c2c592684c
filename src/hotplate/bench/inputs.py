"""What cells are called with: values that one run of the notebook computes, and that all versions are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotplate.bench.trial import try_out
from hotplate.bench.versions import NOW, Version
from hotplate.errors import CellError, InputError
from hotplate.run.plan import cell_of, plan_run, refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from hotplate.load import LoadedCell
    from hotplate.notebook.graph import Graph

__all__ = ["Inputs", "axes_of_cell", "inputs_of", "refuse_empty", "refuse_unknown_values", "required_of", "timed_cells"]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The arguments of each version's cell, by name, and what has to be said about them."""

    arguments: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]


def timed_cells(version: Version, asked: Sequence[str], given: Collection[str]) -> tuple[tuple[str, ...], list[str]]:
    """The cells to time, in the order of the file, and why others are not. Raises InputError for an unknown name."""
    cells = version.notebook.model.cells
    wanted = {cell_of(version.notebook.graph, name, version.notebook.path.name) for name in asked}
    chosen, notes = [], []
    for name, cell in cells.items():
        if asked and name not in wanted:
            continue
        if name in given:
            notes.append(f"{name} is not timed: its value is given")
        elif cell.section.attributes.trap is not None:
            notes.append(f"{name} is not timed: it is a trap, which runs after a failure only")
        elif cell.section.attributes.clean_env:
            notes.append(f"{name} is not timed: it asks for a clean environment, and cells are timed in this process")
        else:
            chosen.append(name)
    return tuple(chosen), notes


def axes_of_cell(graph: Graph, cell: str, axes: Collection[str]) -> frozenset[str]:
    """The swept names that a cell's result depends on."""
    needed = graph.subgraph([cell], [name for name in axes if name in graph.nodes])
    return frozenset(axes) & {*needed.inputs, *(source.cell for source in needed.edges.values())}


def inputs_of(versions: Sequence[Version], loaded: Sequence[LoadedCell], given: Mapping[str, Any]) -> Inputs:
    """What a cell is called with: the same values for all versions, computed by the cells of the first one.

    A version that takes something else (a parameter that the first one's notebook has no value for, another type or
    shape) gets what its own cells compute, and a note says so.
    Raises InputError, CellError and what a run raises.
    """
    first = versions[0]
    wanted = {name for cell in loaded for name in cell.parameters}
    values = _values(first, {name for name in wanted if _is_known(first, name, given)}, given)
    arguments, notes = [], []
    for version, cell in zip(versions, loaded, strict=True):
        shared = {name: values[name] for name in cell.parameters if name in values}
        if required_of(cell) <= shared.keys() and (version is first or _takes(version, cell, shared)):
            arguments.append(shared)
            continue
        if version is first:
            _refuse_missing(version, cell, shared, given)
        arguments.append(_own(version, cell, given))
        notes.append(f"{cell.name} of {version.label or NOW} takes other inputs, which its own cells computed")
    return Inputs(tuple(arguments), tuple(notes))


def refuse_unknown_values(versions: Sequence[Version], given: Collection[str]) -> None:
    """Raises InputError for the name of a given value that no version has, as a run does."""
    for name in given:
        if not any(_has_name(version, name) for version in versions):
            refuse_unknown(versions[0].notebook.graph, [name], versions[0].notebook.path.name)


def refuse_empty(version: Version) -> None:
    """Raises InputError for a notebook without cells, as a run does."""
    if not version.notebook.graph.nodes:
        plan_run(version.notebook.graph, (), {}, version.notebook.path.name)


def required_of(cell: LoadedCell) -> frozenset[str]:
    """The inputs that a call has to have: the others are dimensions that its arrays fix."""
    return frozenset(cell.parameters) - cell.optional


def _refuse_missing(version: Version, cell: LoadedCell, values: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    version.notebook.run(cell.name, inputs=_known(version, given))  # it says best what it was not given
    missing = sorted(required_of(cell) - values.keys())
    raise InputError(f"{', '.join(missing)} has no value: its condition left it out; give one with --set")


def _own(version: Version, cell: LoadedCell, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a version's own cells compute for a cell of it."""
    values = _values(version, {name for name in cell.parameters if _is_known(version, name, given)}, given)
    if not required_of(cell) <= values.keys():
        _refuse_missing(version, cell, values, given)
    return {name: values[name] for name in cell.parameters if name in values}


def _is_known(version: Version, name: str, given: Mapping[str, Any]) -> bool:
    if name in given:
        return True
    try:
        cell_of(version.notebook.graph, name, "")
    except InputError:
        return False
    return True


def _values(version: Version, names: set[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Values by name: given ones, and those that the version's cells compute. What a condition left out has none."""
    known = _known(version, given)
    targets = sorted(name for name in names if name not in given)
    run = version.notebook.run(*targets, inputs=known) if targets else {}
    return {name: given[name] if name in given else run[name] for name in names if name in given or name in run}


def _known(version: Version, given: Mapping[str, Any]) -> dict[str, Any]:
    """Of the given values those that the version has a name for: an older one may not ask for all."""
    return {name: value for name, value in given.items() if _has_name(version, name)}


def _has_name(version: Version, name: str) -> bool:
    graph = version.notebook.graph
    return name in graph.nodes or name in graph.inputs


def _takes(version: Version, cell: LoadedCell, arguments: Mapping[str, Any]) -> bool:
    try:
        try_out(version, cell, arguments)
        cell(**arguments)
    except InputError:
        return False
    except CellError:  # it took them; what it makes of them is told when it is called for its result
        return True
    return True
