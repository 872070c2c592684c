"""A loaded cell as its signature, with what it takes and what it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.show import Picture
from hotplate.show.pages import escape, page
from hotplate.values import describe_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotplate.load.cell import LoadedCell


def cell_picture(cell: LoadedCell) -> Picture:
    """What a notebook shows of a cell that can be called."""
    descriptor = cell.descriptor
    table = "".join(_row(*row) for row in _rows(cell))
    where = "in a worker process" if cell.isolated else "in this process"
    about = "closed" if cell.closed else f"built by {descriptor.compiler}; runs {where}"
    head = f'<div class="hp-code"><b>{escape(descriptor.signature)}</b></div>'
    return Picture(page(f'{head}<table>{table}</table><div class="hp-dim">{escape(about)}</div>'), repr(cell))


def _rows(cell: LoadedCell) -> Iterator[tuple[str, str, str, str]]:
    for i, port in enumerate(cell.descriptor.inputs):
        note = "may be left out: arrays fix it" if port.name in cell.optional else ""
        yield "" if i else "takes", port.name, describe_type(port), note
    for i, port in enumerate(cell.descriptor.outputs):
        yield "" if i else "gives", port.name, describe_type(port), ""


def _row(verb: str, name: str, kind: str, note: str) -> str:
    return (
        f'<tr><td class="hp-dim">{verb}</td><td><b>{escape(name)}</b></td>'
        f'<td class="hp-code">{escape(kind)}</td><td class="hp-dim">{escape(note)}</td></tr>'
    )
