"""What a benchmark found, as immutable values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hotplate.bench.statistics import Interval, Spread, Verdict, judge, spread_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.bench.counters import Counts
    from hotplate.bench.machine import Machine
    from hotplate.diagnostic import Diagnostic

__all__ = ["Case", "Comparison", "Report", "Timing", "Work"]


@dataclass(frozen=True, slots=True)
class Work:
    """What one call does, as its cell declares it."""

    flops: int | None
    bytes: int
    declared: bool
    """Whether `bytes` is what the section says; else it is the size of the arrays that go in and come out."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One version of a cell at one point."""

    version: str
    samples: tuple[float, ...]
    """Seconds per call; each is over `inner` calls."""
    inner: int
    clock: str
    """What was read: "processor time" or "wall clock"."""
    compiler: str
    unit_key: str
    work: Work
    counts: Counts | None = None

    @property
    def spread(self) -> Spread:
        """Median and spread of the samples."""
        return spread_of(self.samples)

    @property
    def gflops(self) -> float | None:
        """Billions of operations a second, where the cell declares them."""
        return None if self.work.flops is None else self.work.flops / self.spread.median / 1e9

    @property
    def gbytes(self) -> float | None:
        """Billions of bytes a second; None for a cell without arrays that declares none."""
        return self.work.bytes / self.spread.median / 1e9 if self.work.bytes else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One version against another."""

    baseline: str
    version: str
    interval: Interval
    margin: float
    blocks: int
    same_build: bool
    """Whether both are the same library, so that whatever differs is noise."""

    @property
    def verdict(self) -> Verdict:
        """See `judge`."""
        return judge(self.interval, self.margin)


@dataclass(frozen=True, slots=True)
class Case:
    """One cell with one set of sizes."""

    cell: str
    point: Mapping[str, Any]
    """The swept values that the cell depends on, by name."""
    timings: tuple[Timing, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    """Why it was not timed, when that is an error."""

    @property
    def name(self) -> str:
        """The cell with its point: `u1[n=64]`."""
        inside = ",".join(f"{name}={value}" for name, value in self.point.items())
        return f"{self.cell}[{inside}]" if inside else self.cell


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found, in the order of the notebook's cells."""

    notebook: str
    machine: Machine
    cases: tuple[Case, ...] = ()
    notes: tuple[str, ...] = ()
    """What holds for all of it: cells that were left out and why, counters that are not available."""
    remarks: tuple[Diagnostic, ...] = field(default=())
    """What the compiler says about the loops that it vectorised and those that it did not."""
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong, one sentence each."""
        return tuple(f"{case.name}: {case.problem}" for case in self.cases if case.problem)

    @property
    def ok(self) -> bool:
        """Whether all versions gave the same results."""
        return not self.problems

    def slower(self, by: float = 0.0) -> tuple[tuple[Case, Comparison], ...]:
        """The comparisons whose whole interval lies beyond a ratio of `1 + by`, and which are called slower."""
        return tuple(
            (case, made)
            for case in self.cases
            for made in case.comparisons
            if made.verdict is Verdict.SLOWER and made.interval.low > 1 + by
        )
