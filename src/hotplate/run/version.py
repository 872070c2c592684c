"""Version: a notebook that is built and loaded, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import NotebookModel
    from hotplate.run.task import Task


@dataclass(frozen=True, slots=True)
class Version:
    """A state of the notebook whose cells are loaded and fit together. Immutable: a run keeps the one it began with."""

    number: int
    """From 1; a text that runs after another has the next."""
    model: NotebookModel
    graph: Graph
    """The part of the notebook that is run: targets, what they need, and Python cells among them."""
    tasks: Mapping[str, Task]
    """A task for each node of the graph."""
    overridden: frozenset[str] = frozenset()
    """The cells that given values stand for; they are not in the graph."""
    drafts: frozenset[str] = frozenset()
    """The cells whose code is a draft, which the optimising compiler's replaces under the same number."""
    trial: bool = False
    """Whether it is run once in workers, before it becomes what runs or is refused under the same number."""

    @property
    def preliminary(self) -> bool:
        """Whether another one of the same number follows, or none."""
        return self.trial or bool(self.drafts)

    def obsolete(self, newer: Version) -> frozenset[str]:
        """The cells whose results here don't hold in a newer version: edited, gone, or depending on such ones."""
        changed = [
            name for name, task in self.tasks.items() if name not in newer.tasks or newer.tasks[name].key != task.key
        ]
        return frozenset(changed) | self.graph.descendants(changed) | newer.graph.descendants(changed)
