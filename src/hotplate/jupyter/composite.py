"""Composite: the fragments of one language as one notebook, whose lines lead back to the Jupyter cells. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from hotplate import notebook as notation
from hotplate.jupyter.fragments import DEFINING, Isolation, latest_definitions
from hotplate.notebook.closure import leading_includes
from hotplate.notebook.lexis import normalise
from hotplate.notebook.model import ItemKind, Language
from hotplate.notebook.source import Source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from hotplate.jupyter.fragments import Fragment
    from hotplate.notebook.model import Cell, Item, NotebookModel

_MARKER = "// %%\n"
"""Before each fragment: what the last section of one says does not hold for the next."""

PROBE = "hotplate_probe"
"""The cell that code without cells is compiled for."""


@dataclass(frozen=True)
class Composite:
    """One notebook made of fragments. Immutable."""

    path: Path
    fragments: tuple[Fragment, ...]
    """In the order of the text."""
    text: str
    replaced: Mapping[str, tuple[str, str]]
    """Helpers of a fragment that a later one defines anew: by name, where they were and where they are now."""
    isolated: bool = True
    """Whether there are workers."""

    @cached_property
    def model(self) -> NotebookModel:
        """The notebook, with what the fragments' first lines say about their cells."""
        model = notation.parse(self.path, self.text)
        return replace(model, cells={name: self._with_options(cell) for name, cell in model.cells.items()})

    def owner(self, cell: str) -> Fragment:
        """The fragment that a cell is in. Raises KeyError."""
        found = self.place(self.model.cells[cell].span.line)
        if found is None:
            raise KeyError(cell)
        return found[0]

    def place(self, line: int) -> tuple[Fragment, int] | None:
        """The fragment that a line of the notebook comes from, and the line of its Jupyter cell."""
        at = bisect_right(self._starts, line) - 1
        if not 0 <= at < len(self.fragments):
            return None
        fragment, within = self.fragments[at], line - self._starts[at]
        return fragment, within + fragment.lines_before

    def probing(self, names: Iterable[str]) -> Composite:
        """The same with a cell more, whose slice has what introduces these names, and every include."""
        mentioned = " ".join(sorted(names))
        return replace(self, text=f"{self.text}int {PROBE}(void) {{\n#if 0\n{mentioned}\n#endif\n    return 0;\n}}\n")

    def _with_options(self, cell: Cell) -> Cell:
        found = self.place(cell.span.line)
        if found is None:
            return cell
        options = found[0].options
        attributes = options.added_to(cell.section.attributes)
        if self.isolated and options.isolation in (Isolation.RUNS, Isolation.ALWAYS):
            attributes = replace(attributes, isolate=True)
        return replace(cell, section=replace(cell.section, attributes=attributes))

    @cached_property
    def _starts(self) -> list[int]:
        """The lines of the markers, from 1."""
        lengths = (_MARKER.count("\n") + _ended(fragment.text).count("\n") for fragment in self.fragments)
        return list(accumulate(lengths, initial=1))[:-1]


def compose(
    path: Path, fragments: Collection[Fragment], *, elsewhere: Collection[Fragment] = (), isolated: bool = True
) -> Composite:
    """One notebook of all fragments of a language, as they would be in one file.

    A name that several of them define is the latest one's: of cells, helpers, types and macros alike. So is a cell that
    a later fragment in another language, of those `elsewhere`, defines. Each fragment comes behind what it needs.
    """
    latest = latest_definitions(fragments)
    by_serial = {fragment.serial: fragment for fragment in fragments}
    others = {name: fragment.serial for fragment in elsewhere for name in fragment.cells}
    left: list[Fragment] = []
    replaced: dict[str, tuple[str, str]] = {}
    for fragment in fragments:
        gone = []
        for item in fragment.model.items:
            later = _replacement(item, fragment, latest, by_serial)
            if later is not None and item.kind is not ItemKind.CELL:
                replaced.update(dict.fromkeys(item.defines, (fragment.place, later.place)))
            moved = item.kind is ItemKind.CELL and any(others.get(name, 0) > fragment.serial for name in item.defines)
            if later is not None or moved:
                gone.append(item)
        left.append(replace(fragment, text=_without(fragment, gone)) if gone else fragment)
    ordered = tuple(_without_repeated_headers(_ordered(left)))
    text = "".join(f"{_MARKER}{_ended(fragment.text)}" for fragment in ordered)
    return Composite(path, ordered, text, replaced, isolated)


def _replacement(
    item: Item, fragment: Fragment, latest: Mapping[str, int], by_serial: Mapping[int, Fragment]
) -> Fragment | None:
    """The fragment that defines an item anew."""
    serials = [latest[name] for name in item.defines] if item.kind in DEFINING else []
    if not serials or min(serials) <= fragment.serial:
        return None
    later = by_serial[max(serials)]
    is_overload = (
        fragment.language is Language.CPP
        and item.kind is ItemKind.FUNCTION
        and all(_header(other) != _header(item) for other in later.model.items if other.defines & item.defines)
    )
    return None if is_overload else later


def _header(item: Item) -> str:
    return normalise(item.text.partition("{")[0])


def _without(fragment: Fragment, items: Collection[Item]) -> str:
    """The text with some items blanked out; everything else stays at its place."""
    text = fragment.model.text
    source = Source(fragment.model.path, text)
    for item in items:
        start = source.line_start(item.line) + item.column - 1
        end = start + len(item.text)
        text = text[:start] + "".join("\n" if character == "\n" else " " for character in item.text) + text[end:]
    return text


def _without_repeated_headers(fragments: Iterable[Fragment]) -> Iterator[Fragment]:
    """Leaves out `#include <...>` where an earlier fragment has it.

    Includes are part of every cell behind them: one more would have all those built and run again.
    """
    known: set[str] = set()
    for fragment in fragments:
        headers = [item for item in fragment.model.items if item.kind is ItemKind.INCLUDE and "<" in item.text]
        again = [item for item in headers if normalise(item.text) in known]
        known.update(normalise(item.text) for item in headers)
        yield replace(fragment, text=_without(fragment, again)) if again else fragment


def _ended(text: str) -> str:
    """With an empty line at its end: a backslash before that can't reach the marker behind it."""
    return f"{text.rstrip(chr(10))}\n\n"


def _ordered(fragments: Collection[Fragment]) -> list[Fragment]:
    """Each behind those that define what it names; else, and in a circle, in the order of their positions.

    The includes of one that has to wait stay where it was: those between rely on them.
    """
    waiting = sorted(fragments, key=lambda fragment: (fragment.position, fragment.serial))
    latest = latest_definitions(fragments)
    needs = {
        fragment.serial: {latest[name] for name in fragment.wanted & latest.keys()} - {fragment.serial}
        for fragment in waiting
    }
    ordered: list[Fragment] = []
    done: set[int] = set()
    while waiting:
        at = next((i for i, fragment in enumerate(waiting) if needs[fragment.serial] <= done), 0)
        for i, skipped in enumerate(waiting[:at]):
            if leading := leading_includes(skipped.model.items):
                head, waiting[i] = _parted(skipped, leading)
                ordered.append(head)
        ready = waiting.pop(at)
        ordered.append(ready)
        done.add(ready.serial)
    return ordered


def _parted(fragment: Fragment, count: int) -> tuple[Fragment, Fragment]:
    """Its first items, and the rest, each on its own lines."""
    items = fragment.model.items
    return (
        replace(fragment, text=_without(fragment, items[count:])),
        replace(fragment, text=_without(fragment, items[:count])),
    )
