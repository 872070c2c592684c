"""SweepRun: a sweep that was run; and what tells, while it runs, which points are complete."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hotplate.execute import OutcomeKind
from hotplate.run.sweep.table import SweepTable
from hotplate.show import Shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotplate.events import Event
    from hotplate.run.attempts import Attempt
    from hotplate.run.result import Run
    from hotplate.run.sweep.expansion import Sweep
    from hotplate.show import Picture

__all__ = ["PointStates", "SweepRun"]


@dataclass(frozen=True, repr=False)
class SweepRun(SweepTable, Shown):
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

    def _picture(self) -> Picture:
        from hotplate.run.sweep.picture import sweep_picture

        return sweep_picture(self)


class PointStates:
    """Tells of each point when it is complete. For one run; not thread-safe: executors tell of one end at a time."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._left = [len(sweep.targets)] * len(sweep.points)
        self._bad: dict[str, dict[str, OutcomeKind]] = {}
        """By cell, the instances that did not end well on their own account."""
        self._points: dict[str, list[int]] = defaultdict(list)
        """By the instance of a target, the points that it belongs to."""
        for target in sweep.targets:
            for point in range(len(sweep.points)):
                self._points[sweep.instance(point, target)].append(point)

    def ended(self, instance: str, kind: OutcomeKind) -> Iterator[tuple[int, OutcomeKind, str]]:
        """The points that are complete because an instance ended: each with its outcome and the instance to blame."""
        if kind not in (OutcomeKind.OK, OutcomeKind.SKIPPED):
            self._bad.setdefault(self._sweep.cells[instance], {})[instance] = kind
        for point in self._points.get(instance, ()):
            self._left[point] -= 1
            if not self._left[point]:
                yield point, *self._outcome(point)

    def _outcome(self, point: int) -> tuple[OutcomeKind, str]:
        """That of the first failure, else of the first cell that was cancelled, else ok."""
        found = OutcomeKind.OK, ""
        for cell, bad in self._bad.items():
            name = self._sweep.instance(point, cell)
            if (kind := bad.get(name)) is not None:
                if kind is not OutcomeKind.CANCELLED:
                    return kind, name
                found = kind, name
        return found
