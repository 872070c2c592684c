"""Standings: what is known of the latest results of a session's cells, and whether they are those of what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hotplate.jupyter.namespace import Namespace
    from hotplate.jupyter.plan import Plan
    from hotplate.notebook.graph import Graph
    from hotplate.run import CellResult

_REMEDY = "%hotplate run brings it up to date"


class Standings:
    """The latest results by cell, and from what they were computed. The values themselves are the notebooks'."""

    def __init__(self) -> None:
        self.latest: dict[str, CellResult] = {}
        """Of the last run of each cell, however it ended."""
        self.computed: dict[str, CellResult] = {}
        """The last that has a value."""
        self._taken: dict[str, dict[str, str | None]] = {}
        """For each cell, the digests of the variables that its value was computed from."""
        self._sources: dict[str, frozenset[str]] = {}
        """For each cell, the cells that its value was computed from."""
        self._edited: dict[str, str] = {}
        """Cells whose value is older than their code or what they need, with where that was edited."""

    def note(
        self, results: Mapping[str, CellResult], plan: Plan, graph: Graph, digests: Mapping[str, str | None]
    ) -> None:
        """Takes what came of a run. `digests` are those of the variables that it was given."""
        for name, result in results.items():
            if result.given or name not in graph.nodes:
                continue
            self.latest[name] = result
            if result.outcome.ok:
                self.computed[name] = result
                self._edited.pop(name, None)
                part = graph.subgraph([name], plan.overridden)
                replaced = {source.cell for source in part.edges.values()} & plan.overridden
                self._taken[name] = {other: digests[other] for other in (*part.inputs, *replaced) if other in digests}
                self._sources[name] = frozenset(part.order) - {name}

    def edited(self, names: Iterable[str], place: str) -> None:
        """The code of these cells, or of what they need, is another one now."""
        for name in names:
            self._edited[name] = place

    def drop(self, name: str) -> None:
        """The cell is gone."""
        for kept in (self.latest, self.computed, self._taken, self._sources, self._edited):
            kept.pop(name, None)

    def version(self, name: str) -> int:
        """The version of the notebook that computed a cell's value; 0: it has none."""
        return self.computed[name].version if name in self.computed else 0

    def seconds(self, name: str) -> float:
        """What that took."""
        return self.computed[name].outcome.seconds if name in self.computed else 0.0

    def mark(self, name: str, refused: str, namespace: Namespace, digests: Callable[[str], str | None]) -> str:
        """Why a cell's value is not what its newest code gives on what is there now; "" when it is.

        `refused` is where newer code of the cell stands that does not compile, if there is such. `digests` has those
        of variables as they are now.
        """
        version = self.version(name)
        if refused:
            running = f"running v{version}; {refused} is newer and" if version else f"nothing runs yet; {refused}"
            return f"{running} does not compile"
        if not version:
            return ""
        latest = self.latest[name]
        if not latest.outcome.ok:
            return f"the value is that of v{version}; the last run of the cell ended as {latest.status}"
        if name in self._edited:
            return f"older than {self._edited[name]}; {_REMEDY}"
        changed = self._changed(name, namespace, digests)
        verb = "have" if len(changed) > 1 else "has"
        return f"{' and '.join(changed)} {verb} changed since; {_REMEDY}" if changed else ""

    def _changed(self, name: str, namespace: Namespace, digests: Callable[[str], str | None]) -> list[str]:
        """The variables that are others now, or stand for a cell since.

        They are told by their content: an array may be written to in place.
        """
        taken = self._taken.get(name, {})
        return [
            *(other for other, known in taken.items() if known is not None and digests(other) != known),
            *namespace.values_of(self._sources.get(name, ())),
        ]
