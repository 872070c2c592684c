"""The native cells of a notebook: built and loaded when they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.diagnostic import sorted_once
from hotplate.errors import BuildError, NotebookError
from hotplate.load import LoadedCell, reclaim
from hotplate.load.binding import graph_conflicts
from hotplate.run.evaluation import Task
from hotplate.toolchain import Artifact, BuildFailure
from hotplate.toolchain.unit import make_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hotplate.diagnostic import Diagnostic
    from hotplate.events import Emitter
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import NotebookModel
    from hotplate.run.state import StateManager
    from hotplate.toolchain.toolchain import Toolchain


class NativeCells:
    """Turns cells of a model into loaded ones, and keeps the loaded version of each while its build key is the same."""

    def __init__(self, toolchain: Toolchain, state: StateManager) -> None:
        self.toolchain = toolchain
        self._state = state
        self._loaded: dict[str, tuple[str, LoadedCell]] = {}

    def build(
        self, model: NotebookModel, names: Iterable[str], emitter: Emitter | None = None
    ) -> dict[str, Artifact | BuildFailure]:
        """Compiles what is not in the cache. Raises ToolchainError, CacheError; a cell that fails is in the result."""
        return self.toolchain.build_all([make_unit(model, name, self.toolchain) for name in names], emitter)

    def load(self, model: NotebookModel, name: str) -> LoadedCell:
        """One cell, built if need be. Raises BuildError, LoadError."""
        return self._load(self._artifacts(model, [name]))[name]

    def tasks(self, model: NotebookModel, plan: Graph, emitter: Emitter) -> dict[str, Task]:
        """The native cells of a plan, built, loaded, and checked against each other: nothing has run yet.

        Raises BuildError with the findings of all cells, and NotebookError where two cells don't fit together.
        """
        artifacts = self._artifacts(model, [name for name in plan.order if name in model.cells], emitter)
        loaded = self._load(artifacts)
        if conflicts := graph_conflicts(plan, model, loaded):
            raise NotebookError(conflicts)
        return {name: _task(model, artifact, loaded[name]) for name, artifact in artifacts.items()}

    def conflicts(
        self, model: NotebookModel, graph: Graph, built: Mapping[str, Artifact | BuildFailure]
    ) -> tuple[Diagnostic, ...]:
        """Where two built cells don't fit together. Loads them; raises LoadError."""
        artifacts = {name: result for name, result in built.items() if isinstance(result, Artifact)}
        return graph_conflicts(graph, model, self._load(artifacts))

    def _artifacts(
        self, model: NotebookModel, names: Iterable[str], emitter: Emitter | None = None
    ) -> dict[str, Artifact]:
        built = self.build(model, names, emitter)
        if failures := [result for result in built.values() if isinstance(result, BuildFailure)]:
            raise BuildError(sorted_once(found for failure in failures for found in failure.diagnostics))
        return {name: result for name, result in built.items() if isinstance(result, Artifact)}

    def _load(self, artifacts: Mapping[str, Artifact]) -> dict[str, LoadedCell]:
        loaded = {}
        for name, artifact in artifacts.items():
            key, cell = self._loaded.get(name, ("", None))
            if cell is None or cell.closed or key != artifact.build_key:
                cell = LoadedCell(artifact.library, artifact.unit_key, self._state.block(name))
                self._loaded[name] = (artifact.build_key, cell)
            loaded[name] = cell
        reclaim()
        return loaded


def _task(model: NotebookModel, artifact: Artifact, cell: LoadedCell) -> Task:
    return Task(
        cell.name,
        model.language.value,
        cell,
        artifact.build_key,
        model.cells[cell.name].section.attributes,
        polls=cell.descriptor.polls,
        build_seconds=0.0 if artifact.cached else artifact.seconds,
        compiler=cell.descriptor.compiler,
    )
