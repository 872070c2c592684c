"""What is wrong in a notebook, and where: one value for the parser's findings and the compilers' alike."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Severity(StrEnum):
    """How bad it is. Only an ERROR keeps a cell from running."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding at one place.

    `line` and `column` count from 1 (columns in characters); 0 means that the place is not known.
    `end_column` is the column after the last marked character, on the same line.
    """

    severity: Severity
    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    end_column: int = 0
    source: str = ""
    """The text of the line, without its newline."""
    cell: str = ""
    """The cell that it concerns."""
    rule: str = ""
    """What found it: the compiler's flag (`-Wconversion`) or the notebook rule (`cycle`)."""
    hint: str = ""
    """The way out, one sentence."""
    notes: tuple[Diagnostic, ...] = ()

    def render(self) -> str:
        """The diagnostic as compilers print it: place and message, the source line, a caret, then hint and notes."""
        place = ":".join(str(part) for part in (_shown(self.path), self.line, self.column) if part)
        rule = f" [{self.rule}]" if self.rule else ""
        lines = [
            f"{place}: {self.severity}: {self.message}{rule}" if place else f"{self.severity}: {self.message}{rule}"
        ]
        if self.source and self.line:
            lines += [f"{self.line:5} | {self.source}", f"      | {self._marker()}"]
        if self.hint:
            lines.append(f"      = help: {self.hint}")
        return "\n".join([*lines, *(note.render() for note in self.notes)])

    def _marker(self) -> str:
        before = self.source[: max(self.column - 1, 0)]
        # A tab stays a tab, so that the caret stands under its character at any tab width.
        indent = "".join("\t" if character == "\t" else " " for character in before)
        return indent + "^" + "~" * max(self.end_column - self.column - 1, 0)


def sorted_once(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """By place, each finding once: one in a helper comes back from every cell that uses it."""
    seen: dict[tuple[object, ...], Diagnostic] = {}
    for found in diagnostics:
        seen.setdefault((found.path, found.line, found.column, found.severity, found.message), found)
    return tuple(sorted(seen.values(), key=lambda found: (found.path, found.line, found.column)))


def exit_code(diagnostics: Iterable[Diagnostic]) -> int:
    """What a command returns for these findings: 0 without errors, 2 when a rule of the notation is broken, else 3."""
    rules = {found.rule for found in diagnostics if found.severity is Severity.ERROR}
    if not rules:
        return 0
    by_compiler = {rule for rule in rules if not rule or rule.startswith("-") or rule in COMPILE_RULES}
    return 3 if by_compiler == rules else 2


COMPILE_RULES = frozenset({"syntax", "record", "undefined-symbol"})
"""Rules of hotplate's own that are about code that does not compile."""


def _shown(path: str) -> str:
    """A path below the working directory relative to it, as compilers show what they were given."""
    return path.removeprefix(f"{Path.cwd()}{os.sep}")
