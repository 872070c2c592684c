"""What sections declare that a call of their cells does: `flops="2 * n * m"`, `bytes="16 * n"`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.notebook.model import PortKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotplate.diagnostic import Diagnostic
    from hotplate.notebook.model import Cell, NotebookModel
    from hotplate.notebook.source import Source

__all__ = ["check_amounts", "countable_names"]


def check_amounts(model: NotebookModel, source: Source) -> Iterator[Diagnostic]:
    """An error for each amount that no cell of its section can know, for the names in it are none of theirs."""
    for section in model.sections:
        for key, amount in (("flops", section.attributes.flops), ("bytes", section.attributes.bytes)):
            if amount is None:
                continue
            cells = [cell for cell in model.cells.values() if cell.section is section]
            unknown = min((amount.symbols - countable_names(cell) for cell in cells), key=len, default=None)
            if unknown:
                message = f"{key} names {', '.join(sorted(unknown))}, which no cell of the section has"
                yield source.error(message, section.places[key], "amount", hint=_hint(cells))


def countable_names(cell: Cell) -> frozenset[str]:
    """The names that an amount may use: dimensions of the cell's arrays, and its parameters that are numbers."""
    numbers = {port.name for port in cell.inputs if port.kind is PortKind.SCALAR}
    return frozenset(numbers).union(*(extent.symbols for port in cell.ports for extent in port.extents))


def _hint(cells: list[Cell]) -> str:
    known = "; ".join(f"{cell.name} has {', '.join(sorted(countable_names(cell))) or 'none'}" for cell in cells)
    return f"use dimensions of the cell's arrays and its parameters that are numbers: {known}"
