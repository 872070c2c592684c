"""From the lines that a library was built from to those of the notebook as it is now.

A comment or another cell may have moved the code since, without a new build: line numbers are no part of a build key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.toolchain.diagnostics import unit_lines
from hotplate.toolchain.entry import ENTRY_PATH
from hotplate.toolchain.spelling import line_marker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hotplate.execute.workers.crash.symbols import Place

ENTRY_FUNCTION = "hp_entry_function"
"""What the generated entry is called, for libraries that know functions but no files."""
_NEIGHBOURS = 20  # lines up and down that tell equal lines apart


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the notebook as it is now; `column` in characters, 0 when it is not known."""

    number: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class Build:
    """The text that a library was built from."""

    notebook: str
    """The notebook's path at that time."""
    lines: Sequence[str]
    """Its lines, as far as they are part of the library."""

    def line_now(self, place: Place, now: Sequence[str]) -> Line | None:
        """Where the place is in today's lines; None: it is in another file, or no such line is left."""
        if place.path != self.notebook or not 0 < place.line <= len(self.lines):
            return None
        before = self.lines[place.line - 1]
        number = _line_now(self.lines, place.line, now)
        if number is None:
            return None
        text = now[number - 1]
        shift = text.index(before.strip()) - before.index(before.strip())
        column = len(before.encode()[: place.column - 1].decode("utf-8", "ignore")) + 1 + shift if place.column else 0
        return Line(number, column, text)


def build_of(library: Path, notebook: Path, now: Sequence[str]) -> Build:
    """What the cache keeps beside a library; today's text where it keeps nothing."""
    for unit in (library.parent / "unit.c", library.parent / "unit.cpp"):
        try:
            source = unit.read_text("utf-8", "replace")
        except OSError:
            continue
        for text in source.split("\n"):
            if marker := line_marker(text):
                return Build(marker[1], unit_lines(source, "")[marker[1]])
    return Build(str(notebook), now)


def is_generated(path: str) -> bool:
    """Whether a path of the debug information stands for the entry that hotplate writes behind a cell."""
    return path.endswith(ENTRY_PATH)  # tcc puts a folder before it


def _line_now(then: Sequence[str], line: int, now: Sequence[str]) -> int | None:
    """The line with the same text whose surroundings are most alike, the nearest of those.

    A build has no comment that stands before or behind a definition, and no other definition on the same line.
    """
    wanted = then[line - 1].strip()
    places = [number for number, text in enumerate(now, 1) if wanted and wanted in text]
    return max(places, key=lambda number: (_alike(then, line, now, number), -abs(number - line)), default=None)


def _alike(then: Sequence[str], line: int, now: Sequence[str], number: int) -> int:
    first = max(-_NEIGHBOURS, 1 - line, 1 - number)
    last = min(_NEIGHBOURS, len(then) - line, len(now) - number)
    pairs = ((then[line - 1 + i].strip(), now[number - 1 + i].strip()) for i in range(first, last + 1))
    return sum(a == b != "" for a, b in pairs)
