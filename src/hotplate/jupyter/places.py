"""From the lines of a composite notebook to those of the Jupyter cells that people see. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from hotplate.errors import CellCrashed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hotplate.diagnostic import Diagnostic
    from hotplate.jupyter.composite import Composite

E = TypeVar("E", bound=BaseException)

_HINT = "%%hotplate --diagnose calls it again with sanitizers, which say what went wrong"


def placed(error: E, places: Places) -> E:
    """The error itself, which says what it says with the places that people know."""
    error.args = (places.error(error),)
    return error


class Places:
    """What leads from the texts of some composites back to the Jupyter cells."""

    def __init__(self, composites: Collection[Composite]) -> None:
        self._by_path = {str(composite.path): composite for composite in composites}
        paths = "|".join(re.escape(path) for path in self._by_path)
        self._mentioned = re.compile(rf"({paths}):(\d+)") if paths else None

    def diagnostics(self, found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Diagnostics with the places that people know."""
        return tuple(self.diagnostic(diagnostic) for diagnostic in found)

    def diagnostic(self, found: Diagnostic) -> Diagnostic:
        """One of them, with its notes."""
        notes = tuple(self.diagnostic(note) for note in found.notes)
        composite = self._by_path.get(found.path)
        # What concerns a cell as a whole has a line and no path.
        if composite is None and not found.path and found.cell:
            composite = next((one for one in self._by_path.values() if found.cell in one.model.cells), None)
        place = composite.place(found.line) if composite and found.line else None
        if composite is None or place is None:
            path = "" if composite is not None else found.path
            return replace(found, notes=notes, path=path)
        lines = composite.model.lines
        source = found.source or (lines[found.line - 1] if found.line <= len(lines) else "")
        return replace(found, path=place[0].place, line=place[1], source=source, notes=notes)

    def text(self, text: str) -> str:
        """A text, such as what `assert` prints, with the places that people know."""
        if self._mentioned is None:
            return text
        return self._mentioned.sub(lambda match: self._shown(match[1], int(match[2]), match[0]), text)

    def error(self, error: BaseException) -> str:
        """What an error says, with the places that people know."""
        if not isinstance(error, CellCrashed):
            return self.text(str(error))
        report = error.report
        diagnosis = report.diagnosis
        if diagnosis is not None:
            diagnosis = replace(diagnosis, findings=self.diagnostics(diagnosis.findings))
        shown = replace(
            report,
            where=self.diagnostic(report.where),
            output=self.text(report.output),
            diagnosis=diagnosis,
            hint=_HINT if report.hint else "",
        )
        return f"{error.cell}: {shown.message}"

    def _shown(self, path: str, line: int, otherwise: str) -> str:
        place = self._by_path[path].place(line)
        return f"{place[0].place}:{place[1]}" if place else otherwise
