"""Mutable file-scope variables that two cells would share, but don't: each cell is a library of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.notebook.closure import closure_of
from hotplate.notebook.model import Span
from hotplate.notebook.source import Source

if TYPE_CHECKING:
    from hotplate.diagnostic import Diagnostic
    from hotplate.notebook.closure import Closure
    from hotplate.notebook.model import Cell, Item, NotebookModel

__all__ = ["shared_state"]


def shared_state(model: NotebookModel) -> tuple[Diagnostic, ...]:
    """An error for each mutable file-scope variable that two or more cells reach, also through what they call."""
    variables = {item.index: item for item in model.items if item.mutable}
    if not variables:
        return ()
    closure = closure_of(model)
    users: dict[int, list[Cell]] = {index: [] for index in variables}
    for cell in model.cells.values():
        for index in closure.reach([cell.item.index], bare=True) & variables.keys():
            users[index].append(cell)
    source = Source(model.path, model.text)
    return tuple(_shared(source, closure, variables[index], cells) for index, cells in users.items() if len(cells) > 1)


def _shared(source: Source, closure: Closure, variable: Item, cells: list[Cell]) -> Diagnostic:
    name = min(variable.defines, key=variable.text.find)
    start = source.line_start(variable.line) + variable.column - 1 + max(variable.text.find(name), 0)
    first, second = cells[:2]
    more = f" and {len(cells) - 2} more" if len(cells) > 2 else ""
    return source.error(
        f"{name} can change and is used by the cells {first.name}, {second.name}{more}: each would have its own copy",
        source.span(start, start + len(name)), "shared-state", cell=second.name,
        hint=f"make {name} const, pass it as a value, or keep it in one cell with hp_state",
        notes=(_use(source, closure, variable, first), _use(source, closure, variable, second)),
    )  # fmt: skip


def _use(source: Source, closure: Closure, variable: Item, cell: Cell) -> Diagnostic:
    """Where the cell uses the variable; the cell's name when it does so through something that it calls."""
    uses = closure.uses(cell.item, variable.defines)
    if not uses:
        return source.note(f"{cell.name} uses it through what it calls", cell.name_span)
    name, offset = min(uses.items(), key=lambda use: use[1])
    start = source.line_start(cell.item.line) + cell.item.column - 1 + offset
    line, column = source.place(start)
    return source.note(f"{cell.name} uses it here", Span(line, column, line, column + len(name)))
