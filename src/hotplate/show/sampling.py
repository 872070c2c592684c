"""A few thousand elements of an array of any size: what pictures of it are made of. The time has a bound.

Elements are read in runs of neighbours: a page of memory costs as much for one element as for 500 of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

MOST = 1 << 16
"""Elements that are looked at of a larger array. With none of them in a cache that is 3 ms."""
SIDE = 96
"""Rows and columns that are looked at of a larger matrix."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Elements of an array."""

    values: Array
    of: int
    """How many elements the array has."""

    @property
    def is_all(self) -> bool:
        """Whether every element is among them."""
        return self.values.size == self.of


@dataclass(frozen=True, slots=True)
class Envelope:
    """The least and the greatest of each stretch of a line; NaN where a stretch has no finite number."""

    low: Array
    high: Array
    length: int
    """Elements in the line."""


def sample(array: Array) -> Sample:
    """Elements from the whole array: all of it, or runs that are evenly spaced. Nothing else of it is read."""
    if array.size <= MOST:
        return Sample(array.reshape(-1), array.size)
    return Sample(array.flat[places(array.size, MOST // 64, 64)], array.size)


def places(size: int, runs: int, length: int) -> Array:
    """The places of so many runs of this length, from the first element to the last."""
    starts = np.linspace(0, size - length, runs).astype(np.int64)
    return (starts[:, None] + np.arange(length)).reshape(-1)


def envelope(line: Array, columns: int) -> Envelope:
    """A line in so many stretches, or in one for each element. Of a long one, runs of each stretch are looked at."""
    if line.size <= columns:
        finite = finite_only(line)
        return Envelope(finite, finite, line.size)
    if line.size <= max(MOST, columns):
        starts = np.linspace(0, line.size, columns, endpoint=False).astype(np.int64)
        seen = finite_only(line)
    else:
        length = MOST // columns
        seen = finite_only(line[places(line.size, columns, length)])
        starts = np.arange(columns) * length
    with np.errstate(invalid="ignore"):  # NaN is the mark of a gap here
        return Envelope(np.fmin.reduceat(seen, starts), np.fmax.reduceat(seen, starts), line.size)


def thinned(matrix: Array, rows: int = SIDE, columns: int = SIDE) -> Array:
    """At most so many rows and columns of a matrix, evenly spaced from the first to the last. Never more than SIDE."""
    most = zip(matrix.shape, (rows, columns), strict=True)
    down, across = (np.linspace(0, n - 1, min(n, limit, SIDE)).round().astype(np.int64) for n, limit in most)
    return matrix[np.ix_(down, across)]


def finite_only(values: Array) -> Array:
    """Real numbers as float64, magnitudes of complex ones; NaN for all that has no place on a scale."""
    with np.errstate(all="ignore"):
        numbers = np.abs(values) if values.dtype.kind == "c" else values
        numbers = np.array(numbers, dtype=np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers
