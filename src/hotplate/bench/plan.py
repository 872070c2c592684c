"""How much is measured: settings, calls in a sample, rounds in a block, and when it is enough. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.bench.statistics import Verdict, judge
from hotplate.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from hotplate.bench.statistics import Interval

__all__ = ["QUICK", "Sampling", "Settings", "is_enough", "plan_sampling"]

_SAMPLE = 2e-4
"""Seconds that a sample should take: 1000 times what reading the clock costs, and short beside the slices (3 ms and
more) in which the system hands out processors, so that most samples are not interrupted."""
_BLOCK = 1e-2
"""Seconds that one version should take in a block: longer ones leave too few blocks for the interval."""
_MOST_ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Settings:
    """How long and how exactly to measure."""

    seconds: float = 5.0
    """The most that one cell with one set of sizes may take, all versions together."""
    margin: float = 0.02
    """Differences below this are none."""
    least_blocks: int = 20
    precision: float = 0.005
    """Half the width of an interval that is narrow enough, relative to the ratio."""
    seed: int = 0
    rtol: float | None = None
    """How far floating-point results may differ, relative to their size; None: not in a bit."""
    allow_different: bool = False
    """Time versions whose results differ, too."""
    counters: bool = True
    """Count instructions and cache misses where the system lets us."""

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise SettingError(f"seconds is {self.seconds}; it is a time above 0")
        if not 0 < self.margin < 1:
            raise SettingError(f"margin is {self.margin}; it is a part of the time, such as 0.02 (--margin 2%)")
        if self.rtol is not None and not self.rtol >= 0:
            raise SettingError(f"rtol is {self.rtol}; it is a part of a result's size, such as 1e-9")


QUICK = {"seconds": 1.0, "least_blocks": 10, "precision": 0.01}
"""What `--quick` makes of the settings."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """The shape of a measurement."""

    inner: tuple[int, ...]
    """For each version, the calls in one of its samples."""
    rounds: int
    """Samples of each version in one block."""
    warms: tuple[bool, ...]
    """Whether a version is called once before its first sample in a block: of a long call, a cold start is no part."""


def plan_sampling(seconds: Sequence[float], budget: float, blocks: int, resolution: float = 1e-9) -> Sampling:
    """The shape for versions whose calls take `seconds`, so that the budget pays for the blocks if that can be.

    `resolution` is the clock's, in seconds: a sample is at least 1000 times as long.
    """
    sample = max(_SAMPLE, 1000 * resolution)
    inner = tuple(max(1, round(sample / max(it, 1e-9))) for it in seconds)
    samples = [count * max(it, 1e-9) for count, it in zip(inner, seconds, strict=True)]
    rounds = min(_MOST_ROUNDS, _BLOCK / max(samples), budget / blocks / sum(samples))
    return Sampling(inner, max(1, int(rounds)), tuple(it < _BLOCK / 2 for it in seconds))


def is_enough(blocks: int, intervals: Collection[Interval], settings: Settings) -> bool:
    """Whether a measurement may stop before its time is spent: enough blocks, all intervals narrow, all decided.

    The width decides and not the verdict alone: to stop at the first verdict would favour the verdicts that chance
    makes early.
    """
    if blocks < settings.least_blocks:
        return False
    narrow = all(interval.width <= settings.precision for interval in intervals)
    return narrow and all(judge(interval, settings.margin) is not Verdict.UNDECIDED for interval in intervals)
