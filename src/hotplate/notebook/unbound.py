"""Names in the brackets of a C cell that nothing can bind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hotplate.notebook.model import ItemKind, Language

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotplate.diagnostic import Diagnostic
    from hotplate.notebook.model import Cell, NotebookModel
    from hotplate.notebook.source import Source

__all__ = ["unknown_extents"]

# What these define in lower case is no extent; of any other header only a compiler knows.
_STANDARD = frozenset(
    {
        *("assert", "complex", "ctype", "errno", "fenv", "float", "hotplate", "inttypes", "limits", "locale", "math"),
        *("setjmp", "signal", "stdalign", "stdarg", "stdbool", "stddef", "stdint", "stdio", "stdlib", "stdnoreturn"),
        *("string", "tgmath", "time", "uchar", "wchar", "wctype"),
    }
)


def unknown_extents(model: NotebookModel, source: Source) -> Iterator[Diagnostic]:
    """A name that is no parameter of the cell, no name of the notebook, and that no header can define."""
    if model.language is not Language.C or not _knows_all_headers(model):
        return
    for cell in model.cells.values():
        yield from _of_cell(cell, model, source)


def _of_cell(cell: Cell, model: NotebookModel, source: Source) -> Iterator[Diagnostic]:
    known = {port.name for port in cell.ports}
    for port in cell.ports:
        for name in sorted({symbol for extent in port.extents for symbol in extent.symbols} - known):
            if name in model.definitions or name.isupper() or name.startswith("_"):
                continue
            message = (
                f"{cell.name}: {name} in the brackets of {port.name} is unbound: no input and no constant is {name}"
            )
            hint = f"take it as a parameter before {port.name}: `int64_t {name}`"
            yield source.error(message, port.span, "unbound-extent", hint=hint, cell=cell.name)


def _knows_all_headers(model: NotebookModel) -> bool:
    includes = (item.text for item in model.items if item.kind is ItemKind.INCLUDE)
    found = (re.search(r"<(\w+)\.h>", text) for text in includes)
    return all(match is not None and match[1] in _STANDARD for match in found)
