"""Places: from an offset in the text to lines and columns, spans and diagnostics."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.notebook.model import Span

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Source"]


class Source:
    """The text of a notebook, with newlines as on Unix. Offsets count characters from 0."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        """The lines without newlines. A form feed ends none, as for a compiler and unlike `splitlines`."""
        return self.text.split("\n")

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((len(line) + 1 for line in self.lines), initial=0))[:-1]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line_start(self, line: int) -> int:
        """The offset of a line's first character."""
        return self._starts[line - 1]

    def span(self, start: int, end: int) -> Span:
        """The piece from `start` up to `end`."""
        return Span(*self.place(start), *self.place(end))

    def error(self, message: str, span: Span, rule: str, *, hint: str = "", cell: str = "",
              notes: tuple[Diagnostic, ...] = ()) -> Diagnostic:  # fmt: skip
        """An error at a place of the text."""
        return self._diagnostic(Severity.ERROR, message, span, rule, hint, cell, notes)

    def note(self, message: str, span: Span) -> Diagnostic:
        """A note at a place of the text."""
        return self._diagnostic(Severity.NOTE, message, span, "", "", "", ())

    def _diagnostic(
        self, severity: Severity, message: str, span: Span, rule: str, hint: str, cell: str,
        notes: tuple[Diagnostic, ...],
    ) -> Diagnostic:  # fmt: skip
        text = self.lines[span.line - 1] if 0 < span.line <= len(self.lines) else ""
        end = span.end_column if span.end_line == span.line else len(text) + 1
        return Diagnostic(
            severity, message, str(self.path), span.line, span.column, max(end, span.column), text,
            cell=cell, rule=rule, hint=hint, notes=notes,
        )  # fmt: skip
