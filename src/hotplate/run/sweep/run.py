"""SweepRun: a sweep that was run; and what tells, while it runs, which points are complete."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hotplate.execute import OutcomeKind
from hotplate.run.sweep.table import SweepTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotplate.events import Event
    from hotplate.run.attempts import Attempt
    from hotplate.run.result import Run
    from hotplate.run.sweep.expansion import Sweep

__all__ = ["PointStates", "SweepRun"]


@dataclass(frozen=True, repr=False)
class SweepRun(SweepTable):
    """The table of a sweep, with how it was computed. See SweepTable and Run."""

    id: str = ""
    seconds: float = 0.0
    version: int = 0
    events: tuple[Event, ...] = field(default=(), repr=False)
    """Of all points; the cells in them are instances (`u1[dt=0.1]`)."""
    attempts: tuple[Attempt, ...] = field(default=(), repr=False)
    unrecorded: str = field(default="", repr=False)

    @classmethod
    def of_run(cls, sweep: Sweep, run: Run) -> SweepRun:
        """What became of a sweep whose instances were run."""
        table = SweepTable.of(sweep, run.cells)
        return cls(
            sweep, table.cells, run.id, run.seconds, run.version, run.events, run.attempts, unrecorded=run.unrecorded
        )


class PointStates:
    """Tells of each point when it is complete. For one run; not thread-safe: executors tell of ends one at a time."""

    def __init__(self, sweep: Sweep) -> None:
        self._left = [len(sweep.targets)] * len(sweep.points)
        self._worst: dict[int, OutcomeKind] = {}
        """Of the points where something did not end well."""
        self._points: dict[str, list[int]] = defaultdict(list)
        """By the instance of a target, the points that it belongs to."""
        for target in sweep.targets:
            for point in range(len(sweep.points)):
                self._points[sweep.instance(point, target)].append(point)

    def ended(self, instance: str, kind: OutcomeKind) -> Iterator[tuple[int, OutcomeKind]]:
        """The points that are complete because an instance ended, each with how it ended on the whole."""
        for point in self._points.get(instance, ()):
            self._left[point] -= 1
            if kind is not OutcomeKind.OK:
                self._worst[point] = max(kind, self._worst.get(point, kind), key=_SEVERITY.__getitem__)
            if not self._left[point]:
                yield point, self._worst.get(point, OutcomeKind.OK)


_SEVERITY = dict.fromkeys(OutcomeKind, 3) | {
    OutcomeKind.OK: 0,
    OutcomeKind.SKIPPED: 1,
    OutcomeKind.CANCELLED: 2,
}
