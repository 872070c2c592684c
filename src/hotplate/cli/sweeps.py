"""What the command line shows of a sweep: its table, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate.cli.reports import results
from hotplate.events import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from hotplate.run.sweep import Axis, PointStates, Sweep, SweepRun
    from hotplate.session import Notebook


class Points:
    """Counts the points of a sweep that are complete while it is run."""

    def __init__(self, lay_out: Callable[[], Sweep]) -> None:
        self._lay_out = lay_out
        self._states: PointStates | None = None
        self._done = self._total = 0

    def __call__(self, event: Event) -> str:
        """Takes an event, and says how much is done."""
        if event.kind is Kind.RUN_STARTED:
            from hotplate.run.sweep import PointStates

            sweep = self._lay_out()
            self._states, self._total = PointStates(sweep), len(sweep.points)
        elif self._states is not None and event.kind in (Kind.CELL_DONE, Kind.CELL_FAILED, Kind.CELL_SKIPPED):
            self._done += sum(1 for _ in self._states.ended(event.cell, event.data["result"].outcome.kind))
        return f"{self._done} of {self._total} points" if self._total else ""


def laid_out(notebook: Notebook, axes: Sequence[Axis], given: Collection[str], targets: Sequence[str]) -> Sweep:
    """The graph of a sweep, as it is run."""
    from hotplate.run.plan import cell_of
    from hotplate.run.sweep import expand

    graph = notebook.graph
    return expand(graph, axes, tuple(given), [cell_of(graph, target, notebook.path.name) for target in targets])


def document(notebook: str, swept: SweepRun, saved: str | None = None, *, recorded: bool = False) -> dict[str, Any]:
    """`run --sweep --json`: the axes, and each point with its results."""
    return {
        "notebook": notebook,
        "run": swept.id,
        "ok": swept.ok,
        "seconds": swept.seconds,
        "axes": {axis.name: [_plain(value) for value in axis.values] for axis in swept.sweep.axes},
        "columns": list(swept.columns),
        "points": [_point(swept, i) for i in range(len(swept))],
        "saved": saved,
        "recorded": recorded,
    }


def _point(swept: SweepRun, i: int) -> dict[str, Any]:
    row, axes = swept[i], [axis.name for axis in swept.sweep.axes]
    return {
        "point": {name: _plain(row[name]) for name in axes},
        "status": swept.statuses[i],
        "problem": swept.problems.get(i, ""),
        "results": {name: _plain(row[name]) for name in swept.columns},
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it; an array by its type, shape and preview."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    (described,) = results(value) or [{"preview": repr(value)}]
    return {name: part for name, part in described.items() if name != "field"}
