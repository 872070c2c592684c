"""Layout: the graph that an order runs, which for a sweep has each cell many times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hotplate.execute import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hotplate.notebook.graph import Graph
    from hotplate.run import CellResult, Version
    from hotplate.run.store import Recording, RunState
    from hotplate.run.sweep import Sweep
    from hotplate.session.order import Order


@dataclass(frozen=True, slots=True)
class Layout:
    """What is run for an order. Immutable."""

    graph: Graph
    given: Mapping[str, Any]
    cells: Mapping[str, str]
    """The cell behind each name of the graph."""
    sweep: Sweep | None = None

    @classmethod
    def of(cls, order: Order, plan: Graph, whole: Graph, name: str) -> Layout:
        """`plan` has the cells of the order, each once; `whole` is the graph of the notebook that is called `name`.

        Raises InputError for axes that have no place in it.
        """
        if not order.axes:
            return cls(plan, order.given, {name: name for name in plan.order})
        from hotplate.run.plan import cell_of
        from hotplate.run.sweep import expand

        targets = [cell_of(whole, target, name) for target in order.targets]
        sweep = expand(whole, order.axes, tuple(order.given), targets)
        return cls(sweep.graph, {**order.given, **sweep.values}, sweep.cells, sweep)

    def begin(self, recording: Recording | None) -> None:
        """Takes down the points of a sweep as runs of their own."""
        if self.sweep is not None and recording is not None:
            recording.begin_children(self.sweep.points, sorted(set(self.cells.values())))

    def ended(self, recording: Recording | None, results: Mapping[str, CellResult]) -> Callable[[str], Iterable[str]]:
        """What is to be told of each instance of a sweep that ended, and says whose values nobody needs any more."""
        from hotplate.run.sweep import PointStates

        assert self.sweep is not None
        releases, points = self.sweep.releases(), PointStates(self.sweep)

        def tell(name: str) -> Iterable[str]:
            outcome = results[name].outcome
            for point, kind, culprit in points.ended(name, outcome.kind):
                if recording is not None:
                    recording.end_children([(point, _state(kind), f"{culprit}: {kind}" if culprit else "")])
            return releases.ended(name)

        return tell

    def version(self, base: Version) -> Version:
        """A built version of the notebook with this graph."""
        if self.sweep is None:
            return base
        tasks = {name: replace(base.tasks[cell], name=name) for name, cell in self.cells.items()}
        swept = {axis.name for axis in self.sweep.axes}
        return replace(base, graph=self.graph, tasks=tasks, overridden=base.overridden - swept)


def _state(kind: OutcomeKind) -> RunState:
    from hotplate.run.store import RunState

    if kind is OutcomeKind.OK:
        return RunState.DONE
    return RunState.CANCELLED if kind is OutcomeKind.CANCELLED else RunState.FAILED
