"""The part of a notebook that one cell needs, as a translation unit whose lines map to the notebook's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.notebook.closure import closure_of, defines_macro, leading_includes
from hotplate.notebook.lexis import names, normalise
from hotplate.notebook.model import ItemKind, Language
from hotplate.notebook.shared import shared_state

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hotplate.notebook.model import Item, NotebookModel

__all__ = ["Slice", "shared_state", "slice_cell"]


@dataclass(frozen=True, slots=True)
class Slice:
    """What is compiled for one cell, but for the generated entry."""

    prelude: str
    """C++: the file's first lines up to the last #include that nothing but directives precedes, so that all cells can
    share its precompiled form. "" in C, and when there is no such include."""
    includes: str
    """The prelude's directives alone: no comments, no lines, so that edits around them and other notebooks change
    nothing about it."""
    body: str
    """The rest, each item under its own `#line`."""
    items: tuple[Item, ...]
    """All that is in it, in the order of the file."""
    callees: tuple[str, ...]
    """The other cells that are compiled in, because it calls them."""
    fingerprint: str
    """The tokens of all items, for the build key. Comments, formatting and the rest of the file are not in it; neither
    are line numbers, unless an item can see its own."""


def slice_cell(model: NotebookModel, name: str) -> Slice:
    """The slice of a cell. Raises KeyError when there is no such cell.

    It costs time for what is in the slice, not for the size of the notebook.
    """
    cell = model.cells[name]
    closure = closure_of(model)
    prelude, leading = _kept_prelude(model)
    reached = closure.reach([cell.item.index, *range(leading)])
    items = _without_trailing(tuple(model.items[index] for index in sorted(reached)))
    body = "".join(_mapped(item, model.path) for item in items if item.index >= leading)
    callees = tuple(
        defined
        for item in items
        if item.kind is ItemKind.CELL and item.index != cell.item.index
        for defined in item.defines
    )
    directives = "".join(f"{item.text}\n" for item in model.items[:leading])
    return Slice(prelude, directives, body, items, callees, _fingerprint(items, model.path))


def _without_trailing(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The items without what is defined anew behind the last code, where the entry would see it instead of the cell."""
    last = max((i for i, item in enumerate(items) if not defines_macro(item)), default=-1)
    return items[: last + 1]


def _kept_prelude(model: NotebookModel) -> tuple[str, int]:
    kept = vars(model)
    if "_prelude" not in kept:
        kept["_prelude"] = _prelude(model)
    prelude: tuple[str, int] = kept["_prelude"]
    return prelude


def _prelude(model: NotebookModel) -> tuple[str, int]:
    """The prelude's text and the number of items in it."""
    if model.language is Language.C:
        return "", 0
    leading = leading_includes(model.items)
    if not leading:
        return "", 0
    last = model.items[leading - 1]
    lines = model.text.split("\n")[: last.line + last.text.count("\n")]
    return _line_directive(1, model.path) + "\n".join(lines) + "\n", leading


def _mapped(item: Item, path: Path) -> str:
    return f"{_line_directive(item.line, path)}{' ' * (item.column - 1)}{item.text}\n"


def _line_directive(line: int, path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'#line {line} "{escaped}"\n'


# What expands to something that depends on where it stands.
_POSITIONAL = frozenset(
    {
        "__LINE__", "__COUNTER__", "__FILE__", "__builtin_LINE", "__builtin_FILE", "__builtin_source_location",
        "assert", "source_location",
    }
)  # fmt: skip
_STRINGISES = re.compile(r"(?<!#)#(?!#)\s*\w")


def _fingerprint(items: tuple[Item, ...], path: Path) -> str:
    positional = _through_macros(items, _POSITIONAL)
    spelled = _through_macros(items, frozenset(_stringising(items)))
    return "\n".join(_key(item, path, positional, spelled) for item in items)


def _key(item: Item, path: Path, positional: frozenset[str], spelled: frozenset[str]) -> str:
    used = names(item.text)
    if item.kind is not ItemKind.MACRO and not used.isdisjoint(positional):
        return f"{path}:{item.line}:{item.column}:{item.text}"
    if item.kind is not ItemKind.MACRO and not used.isdisjoint(spelled):
        return item.text
    return normalise(item.text)


def _through_macros(items: Iterable[Item], start: frozenset[str]) -> frozenset[str]:
    """The names, and every macro of the slice that expands to one of them."""
    macros = [item for item in items if item.kind is ItemKind.MACRO]
    found = set(start)
    grows = True
    while grows:
        more = {name for item in macros if not names(item.text).isdisjoint(found) for name in item.defines} - found
        found |= more
        grows = bool(more)
    return frozenset(found)


def _stringising(items: Iterable[Item]) -> set[str]:
    """The macros that make a string of an argument: spaces in it count."""
    return {
        name
        for item in items
        if item.kind is ItemKind.MACRO and _STRINGISES.search(item.text.partition("define")[2])
        for name in item.defines
    }
