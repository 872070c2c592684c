"""What is told about a notebook that is being watched. Values, safe to share between threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotplate.errors import HotplateError
    from hotplate.reload.planner import ReloadPlan
    from hotplate.run import Run


@dataclass(frozen=True, slots=True)
class Reload:
    """What came of a change of the file."""

    plan: ReloadPlan
    version: int
    """The version that runs now; 0: none."""
    error: HotplateError | None
    """Why the newer text does not run; None when it does."""
    notice: str
    """What results have to say about it; see Run.notice."""
    seconds: float
    """From when the change was noticed to when its code was swapped in or refused."""


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """How a notebook that is being watched stands. A snapshot."""

    version: int = 0
    """The version that runs; 0: none yet."""
    notice: str = ""
    """Why that is not the file as it is: "running v3; the file is newer and does not compile". "" when it is."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """What is wrong with the newest text, and its warnings."""
    reload: Reload | None = None
    """What came of the last change."""
    run: Run | None = None
    """The newest results. They have the notice, too."""
    phase: str = "waiting"
    """`waiting` for a change, `building`, or `running`."""
    trouble: str = ""
    """What keeps changes from being noticed or run, when something does."""

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """What people have to know of the newest text and the newest results.

        The diagnostics; what no place in the text is to blame for, as an input without a value; where cells crashed.
        """
        error = self.reload.error if self.reload else None
        if error is not None and not self.diagnostics:
            return (Diagnostic(Severity.ERROR, str(error)), *self._crashes())
        return (*self.diagnostics, *self._crashes())

    def _crashes(self) -> Iterator[Diagnostic]:
        """Where in the notebook isolated cells have crashed, as far as that is known."""
        for cell in self.run.failures if self.run is not None else ():
            report = getattr(cell.outcome.error, "report", None)
            if (where := getattr(report, "where", None)) is not None and where.line:
                yield where
