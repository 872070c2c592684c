"""Contents: the cells of an open notebook, those of its file and those in Python, and the graph that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate import notebook as notation
from hotplate.diagnostic import Diagnostic, Severity
from hotplate.errors import InputError, NotebookError, SettingError
from hotplate.reload import Proposal
from hotplate.run import PythonCell, plan_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import NotebookModel
    from hotplate.run import StateManager


class Contents:
    """What is in a notebook, as it was read last."""

    def __init__(self, path: Path, text: str | None) -> None:
        """With `text` no file is read. Raises NotebookError when the file can't be."""
        self.path = path
        self.file = notation.NotebookFile(path, text)
        self.python: dict[str, PythonCell] = {}
        self._graph: tuple[NotebookModel, Graph] | None = None
        """With the model that it belongs to."""

    @property
    def model(self) -> NotebookModel:
        """The parsed file."""
        return self.file.model

    @property
    def graph(self) -> Graph:
        """The dependency graph of all cells."""
        model, known = self.model, self._graph
        if known is None or known[0] is not model:
            self._graph = known = (model, self._graph_of(model))
        return known[1]

    def edit(self, model: NotebookModel) -> None:
        """Makes `model` what it says. Raises SettingError for one that follows a file."""
        if self.file.is_followed:
            raise SettingError(f"{self.path.name} says what its file says; edit the file")
        self.file.replace(model)

    def add_python(self, function: Callable[..., Any], name: str, settings: Mapping[str, Any]) -> None:
        """Adds a Python function, in place of one of the same name. Raises InputError, as Notebook.cell."""
        cell = PythonCell(function, name or function.__name__, **settings)
        if cell.name in self.model.cells:
            message = f"{self.path.name} already has a cell {cell.name}; give the Python function another name"
            raise InputError(message)
        self.python[cell.name] = cell
        self._graph = None

    def redefined(self, state: StateManager) -> frozenset[str]:
        """The Python cells whose latest result is that of another function than the one of that name now."""
        latest = {name: state.latest(name) for name in self.python}
        return frozenset(name for name, kept in latest.items() if kept and kept.trace.key != self.python[name].task.key)

    def propose(
        self, model: NotebookModel, targets: Sequence[str], given: Mapping[str, Any], *, isolate_all: bool
    ) -> Proposal:
        """A text as something to run; what breaks the notation's rules is in its diagnostics. Raises InputError."""
        graph = self.graph if model is self.model else self._graph_of(model)
        diagnostics = notation.check(model, graph)
        overridden = frozenset(name for name in given if name in graph.nodes)
        if not any(found.severity is Severity.ERROR for found in diagnostics):
            graph = plan_run(graph, targets, given, self.path.name)
        python = {name: cell.task for name, cell in self.python.items() if name in graph.nodes}
        return Proposal(model, graph, python, overridden, diagnostics, isolate_all)

    def _graph_of(self, model: NotebookModel) -> Graph:
        native = [notation.node_of(cell) for cell in model.cells.values()]
        return notation.build_graph(native + [cell.node for cell in self.python.values()])


def refuse_errors(diagnostics: Sequence[Diagnostic]) -> None:
    """Raises NotebookError when one of them is an error."""
    errors = [found for found in diagnostics if found.severity is Severity.ERROR]
    if errors:
        raise NotebookError(errors)
