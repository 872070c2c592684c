"""What samples say: medians and spread, ratios with an interval, and the verdict on a ratio. Pure.

Means are not used: what disturbs a measurement only ever adds time, and a single interruption can be longer than all
that is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CONFIDENCE", "Interval", "Spread", "Verdict", "block_time", "judge", "ratio_interval", "spread_of"]

CONFIDENCE = 0.95
"""How often an interval holds the true ratio."""
_RESAMPLES = 2000
_QUANTILE = 0.25


@dataclass(frozen=True, slots=True)
class Spread:
    """Samples in four numbers: their median, its distance to the typical sample, and the quartiles."""

    median: float
    mad: float
    """The median distance from the median; half of the samples are closer."""
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Interval:
    """A ratio of times, and between which bounds it lies."""

    ratio: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """Half the distance between the bounds, relative to the ratio."""
        return (self.high - self.low) / 2 / self.ratio


class Verdict(StrEnum):
    """What an interval says, given the margin within which nobody would care."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    """No difference beyond the margin."""
    UNDECIDED = "undecided"
    """The interval reaches over a margin: more samples would tell."""


def spread_of(samples: Sequence[float]) -> Spread:
    """Median, median absolute deviation and quartiles of samples. Raises ValueError without samples."""
    if not len(samples):
        raise ValueError("no samples")
    low, median, high = np.quantile(samples, [0.25, 0.5, 0.75])
    mad = np.median(np.abs(np.asarray(samples) - median))
    return Spread(float(median), float(mad), float(low), float(high), len(samples))


def block_time(samples: Sequence[float]) -> float:
    """The one time that stands for a block's samples of a version: their lower quartile.

    Below the median, for interruptions only add time; above the minimum, which one lucky sample decides. On a machine
    with other load it scatters least of the three.
    """
    return float(np.quantile(samples, _QUANTILE))


def ratio_interval(baseline: Sequence[float], other: Sequence[float], seed: int = 0) -> Interval:
    """The ratio of times `other / baseline` over paired blocks, with its 95 % interval.

    The ratio is the median of the blocks' ratios, so that a block that was disturbed counts for no more than another.
    The interval is the percentile bootstrap over blocks (Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
    ch. 13): the unit that is drawn is the block, with libraries loaded at places of its own, as Kalibera & Jones
    (Rigorous benchmarking in reasonable time, ISMM 2013) ask for, since samples within one are not independent.

    The same seed gives the same interval. Raises ValueError for lists of unlike length, and for fewer than two blocks.
    """
    if len(baseline) != len(other) or len(baseline) < 2:
        raise ValueError(f"{len(baseline)} and {len(other)} blocks; two or more of both are needed, in pairs")
    ratios = np.log(np.asarray(other) / np.asarray(baseline))
    drawn = np.random.default_rng(seed).integers(0, len(ratios), (_RESAMPLES, len(ratios)))
    medians = np.median(ratios[drawn], axis=1)
    outside = (1 - CONFIDENCE) / 2
    low, high = np.quantile(medians, [outside, 1 - outside])
    return Interval(*(float(np.exp(it)) for it in (np.median(ratios), low, high)))


def judge(interval: Interval, margin: float) -> Verdict:
    """The verdict: what the whole interval agrees on, with `margin` (0.02 is 2 %) to both sides of equal.

    So a difference is not called one because it is certain but tiny, and "same" is found, not concluded from not having
    found a difference (the two one-sided tests of Schuirmann, J. Pharmacokinet. Biopharm. 15, 1987).
    """
    least, most = 1 / (1 + margin), 1 + margin
    if interval.low > most:
        return Verdict.SLOWER
    if interval.high < least:
        return Verdict.FASTER
    return Verdict.SAME if least <= interval.low and interval.high <= most else Verdict.UNDECIDED
