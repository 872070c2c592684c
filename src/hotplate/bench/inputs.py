"""What cells are called with: values that one run of the notebook computes, and that all versions are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotplate.bench.versions import NOW, Version
from hotplate.errors import CellFailed, InputError
from hotplate.run.plan import cell_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from hotplate.load import LoadedCell
    from hotplate.notebook.graph import Graph

__all__ = ["Inputs", "axes_of_cell", "inputs_of", "timed_cells"]


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
    wanted = {name for cell in loaded for name in _required(cell)}
    values = _values(first, {name for name in wanted if _is_known(first, name, given)}, given)
    arguments, notes = [], []
    for version, cell in zip(versions, loaded, strict=True):
        shared = {name: values[name] for name in _required(cell) if name in values}
        if len(shared) == len(_required(cell)) and (version is first or _takes(cell, shared)):
            arguments.append(shared)
            continue
        if version is first:  # a run says best what is missing
            version.notebook.run(cell.name, inputs=_known(version, given))
        arguments.append(_values(version, set(_required(cell)), given))
        notes.append(f"{cell.name} of {version.label or NOW} takes other inputs, which its own cells computed")
    return Inputs(tuple(arguments), tuple(notes))


def _required(cell: LoadedCell) -> list[str]:
    return [name for name in cell.parameters if name not in cell.optional]


def _is_known(version: Version, name: str, given: Mapping[str, Any]) -> bool:
    if name in given:
        return True
    try:
        cell_of(version.notebook.graph, name, "")
    except InputError:
        return False
    return True


def _values(version: Version, names: set[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Values by name: given ones, and those that the version's cells compute."""
    known = _known(version, given)
    targets = sorted(name for name in names if name not in given)
    run = version.notebook.run(*targets, inputs=known) if targets else {}
    missing = [name for name in targets if name not in run]
    if missing:
        raise InputError(f"{', '.join(missing)} has no value: its condition left it out; give one with --set")
    return {name: given[name] if name in given else run[name] for name in names}


def _known(version: Version, given: Mapping[str, Any]) -> dict[str, Any]:
    """Of the given values those that the version has a name for: an older one may not ask for all."""
    graph = version.notebook.graph
    return {name: value for name, value in given.items() if name in graph.nodes or name in graph.inputs}


def _takes(cell: LoadedCell, arguments: Mapping[str, Any]) -> bool:
    try:
        cell(**arguments)
    except InputError:
        return False
    except CellFailed:  # it took them; what it makes of them is told when it is called for its result
        return True
    return True
