"""Fragment: what one Jupyter cell adds to the notebook of its session."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate import notebook as notation
from hotplate.diagnostic import Severity
from hotplate.notebook.lexis import COMMENT, LITERAL, names
from hotplate.notebook.model import ItemKind, Language
from hotplate.notebook.source import Source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from hotplate.diagnostic import Diagnostic
    from hotplate.notebook.model import Attributes, NotebookModel

SUFFIXES = {Language.C: ".c", Language.CPP: ".cpp"}

DEFINING = frozenset({ItemKind.CELL, ItemKind.FUNCTION, ItemKind.TYPE, ItemKind.VARIABLE, ItemKind.MACRO})
"""What may stand in one file once."""


class Isolation(StrEnum):
    """Which calls of a cell are made in a worker, where a crash or an endless loop costs that call alone."""

    RUNS = "runs"
    """Runs, and direct calls until its code has come through once."""
    ALWAYS = "always"
    CANARY = "canary"
    """Whatever it is, until its code has come through once."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Options:
    """What the first line of a Jupyter cell says about the cells in it, besides what their sections say."""

    flags: tuple[str, ...] = ()
    libs: tuple[str, ...] = ()
    std: str = ""
    timeout: float | None = None
    isolation: Isolation = Isolation.RUNS

    def added_to(self, attributes: Attributes) -> Attributes:
        """A section's attributes with these; what the section says itself comes first."""
        return replace(
            attributes,
            flags=(*attributes.flags, *self.flags),
            libs=(*attributes.libs, *self.libs),
            std=attributes.std or self.std,
            timeout=self.timeout if attributes.timeout is None else attributes.timeout,
        )


@dataclass(frozen=True)
class Fragment:
    """The code of a Jupyter cell, as it was run once. Immutable."""

    text: str
    language: Language
    place: str
    """What people know it by: `In[5]`."""
    serial: int
    """Counts up: what was run later has a higher one."""
    name: str = ""
    """The one that its first line gives it."""
    jupyter_cell: str = ""
    """The frontend's name for the Jupyter cell; "" where it has none."""
    lines_before: int = 1
    """How many lines the Jupyter cell has before the code."""
    position: int = 0
    """Where it stands among the others: the serial of the first one that it replaces."""
    options: Options = field(default_factory=Options)

    @cached_property
    def model(self) -> NotebookModel:
        """It alone, parsed."""
        return notation.parse(Path(f"fragment{SUFFIXES[self.language]}"), self.text)

    @cached_property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What is wrong in it whatever else there is, on the lines of its Jupyter cell."""
        found = [one for one in self.model.diagnostics if one.severity is Severity.ERROR]
        return tuple(self._placed(one) for one in (*found, *_unclosed_comment(self.model)))

    def _placed(self, found: Diagnostic) -> Diagnostic:
        notes = tuple(self._placed(note) for note in found.notes)
        return replace(found, path=self.place, line=found.line + self.lines_before, notes=notes)

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """The names of its cells."""
        return tuple(self.model.cells)

    @cached_property
    def defined(self) -> frozenset[str]:
        """Every name that it defines for others: cells, helpers, types, variables, macros."""
        return frozenset(name for item in self.model.items if item.kind in DEFINING for name in item.defines)

    @cached_property
    def wanted(self) -> frozenset[str]:
        """Every name in its code. What a cell calls a parameter is none: that is an edge, and may come later."""
        parameters = {cell.item.index: {port.name for port in cell.ports} for cell in self.model.cells.values()}
        items = self.model.items
        return frozenset().union(
            *(names(item.text) - item.defines - parameters.get(item.index, set()) for item in items)
        )

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """Every name in its code, also what cells call their parameters."""
        return frozenset().union(*(names(item.text) for item in self.model.items))

    @property
    def title(self) -> str:
        """For people: its name and where it was run."""
        return f"{self.name} ({self.place})" if self.name else self.place


def _unclosed_comment(model: NotebookModel) -> Iterator[Diagnostic]:
    """It would take in all code that comes behind this."""
    for match in _COMMENT_OR_LITERAL.finditer(model.text):
        if match[0].startswith("/*") and (len(match[0]) < 4 or not match[0].endswith("*/")):
            source = Source(model.path, model.text)
            span = source.span(match.start(), match.start() + 2)
            yield source.error("this comment is never closed", span, "syntax", hint="end it with */")


_COMMENT_OR_LITERAL = re.compile(rf"{COMMENT}|{LITERAL}")


def replaced_by(new: Fragment, known: Iterable[Fragment]) -> tuple[Fragment, ...]:
    """The fragments that a new one takes the place of.

    Those of the same name, of the same Jupyter cell, or all of whose cells it defines anew. One that was given a name
    is not replaced by a Jupyter cell with another name merely because that was copied from it.
    """
    return tuple(fragment for fragment in known if _replaces(new, fragment))


def _replaces(new: Fragment, old: Fragment) -> bool:
    if new.name and new.name == old.name:
        return True
    if new.jupyter_cell and new.jupyter_cell == old.jupyter_cell:
        return True
    own = frozenset(old.cells) or old.defined
    return bool(own) and own <= (frozenset(new.cells) if old.cells else new.defined)


def related(new: Fragment, others: Iterable[Fragment]) -> list[Fragment]:
    """The fragments that name what a new one defines, or the other way round, and those that do so with these."""
    left, found = list(others), [new]
    for one in found:
        near = [other for other in left if other.mentioned & one.defined or one.mentioned & other.defined]
        left = [other for other in left if other not in near]
        found += near
    return found[1:]


def latest_definitions(fragments: Collection[Fragment]) -> dict[str, int]:
    """For each name, the serial of the fragment that defined it last."""
    latest: dict[str, int] = {}
    for fragment in fragments:
        for name in fragment.defined:
            latest[name] = max(latest.get(name, 0), fragment.serial)
    return latest
