"""Proposal: a text of the notebook that is to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.diagnostic import Diagnostic
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import NotebookModel
    from hotplate.run import Task


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was read, and what of it is wanted. Immutable."""

    model: NotebookModel
    graph: Graph
    """The part of the notebook that is to run; all of it where it breaks rules."""
    python: Mapping[str, Task]
    """The Python cells in that part."""
    overridden: frozenset[str] = frozenset()
    """The cells that values were given for; they are not in the graph."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """What is wrong with the text by the notation's rules, warnings included."""
    isolate_all: bool = False
    """Whether all cells run in workers, and not only those whose section says so."""
    untried: frozenset[str] = frozenset()
    """Cells that run in workers until they have come through once."""

    def isolates(self, name: str) -> bool:
        """Whether a cell of the file runs in a worker."""
        return self.isolate_all or name in self.untried or self.model.cells[name].section.attributes.isolate

    @property
    def broken(self) -> tuple[Diagnostic, ...]:
        """Why it can't run at all."""
        return tuple(found for found in self.diagnostics if found.severity is Severity.ERROR)

    @property
    def native(self) -> tuple[str, ...]:
        """The cells of the file that are to run, in dependency order."""
        return () if self.broken else tuple(name for name in self.graph.order if name in self.model.cells)
