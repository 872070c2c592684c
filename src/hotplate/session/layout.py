"""Layout: the graph that an order runs, which for a sweep has each cell many times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.notebook.graph import Graph
    from hotplate.run import Version
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
    def of(cls, order: Order, plan: Graph, whole: Graph) -> Layout:
        """`plan` has the cells of the order, each once, `whole` is the notebook's graph.

        Raises InputError for axes that have no place in it.
        """
        if not order.axes:
            return cls(plan, order.given, {name: name for name in plan.order})
        from hotplate.run.sweep import expand

        sweep = expand(whole, order.axes, tuple(order.given), order.targets)
        return cls(sweep.graph, {**order.given, **sweep.values}, sweep.cells, sweep)

    def version(self, base: Version) -> Version:
        """A built version of the notebook with this graph."""
        if self.sweep is None:
            return base
        tasks = {name: replace(base.tasks[cell], name=name) for name, cell in self.cells.items()}
        swept = {axis.name for axis in self.sweep.axes}
        return replace(base, graph=self.graph, tasks=tasks, overridden=base.overridden - swept)
