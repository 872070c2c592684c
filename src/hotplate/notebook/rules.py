"""All that can be said about a notebook without a compiler."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hotplate.notebook.amounts import check_amounts
from hotplate.notebook.dimensions import check_extents
from hotplate.notebook.graph import build_graph, node_of
from hotplate.notebook.shared import shared_state
from hotplate.notebook.source import Source
from hotplate.notebook.unbound import unknown_extents

if TYPE_CHECKING:
    from hotplate.diagnostic import Diagnostic
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import NotebookModel

__all__ = ["check", "helper_notes"]


def check(model: NotebookModel, graph: Graph | None = None) -> tuple[Diagnostic, ...]:
    """The findings of the parser, the graph, the extents, the shared state and declared amounts: by place, each once.

    `graph` is that of the model's cells and of whatever takes part besides them; None: of the cells alone.
    """
    graph = graph or build_graph([node_of(cell) for cell in model.cells.values()])
    source = Source(model.path, model.text)
    found = [
        *model.diagnostics,
        *(_placed(finding, source) for finding in graph.diagnostics),
        *check_extents(model, graph),
        *shared_state(model),
        *unknown_extents(model, source),
        *check_amounts(model, source),
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: (finding.line, finding.column)))


def helper_notes(model: NotebookModel) -> tuple[Diagnostic, ...]:
    """For each function that looks like a cell and is none, why."""
    source = Source(model.path, model.text)
    return tuple(
        source.note(f"{helper.name} is no cell: {helper.reason}", helper.span)
        for helper in model.helpers.values()
        if helper.reason
    )


def _placed(finding: Diagnostic, source: Source) -> Diagnostic:
    """The graph knows lines but not their text: a finding in the notebook gets path and source line."""
    notes = tuple(_placed(note, source) for note in finding.notes)
    if finding.path or not 0 < finding.line <= len(source.lines):
        return replace(finding, notes=notes)
    return replace(finding, path=str(source.path), source=source.lines[finding.line - 1], notes=notes)
