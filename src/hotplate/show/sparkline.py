"""Numbers as a line of small bars, in the same time for ten of them and for a billion."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = "·"
"""Stands for what has no height: NaN and the infinities."""


def sparkline(numbers: Sequence[float], width: int) -> str:
    """Numbers as bars from the smallest to the largest: the last `width` of them. All equal: bars of half height."""
    shown = [float(number) for number in numbers[-width:]] if width > 0 else []
    finite = [number for number in shown if math.isfinite(number)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    return "".join(_bar(number, low, high) if math.isfinite(number) else GAP for number in shown)


def _bar(number: float, low: float, high: float) -> str:
    if low == high:
        return BLOCKS[len(BLOCKS) // 2 - 1]
    # The distance of two finite numbers may be infinite; that of their halves may be nothing, so not always halved.
    share = (
        (number - low) / (high - low) if math.isfinite(high - low) else (number / 2 - low / 2) / (high / 2 - low / 2)
    )
    return BLOCKS[min(int(share * len(BLOCKS)), len(BLOCKS) - 1)]


def samples(value: Any, width: int) -> list[float]:
    """At most `width` numbers of a one-dimensional array, evenly spaced from its first to its last.

    Empty for everything else that has no line of its own: scalars, matrices, structs, complex numbers.
    """
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.size < 2 or value.dtype.kind not in "biuf":
        return []
    places = np.linspace(0, value.size - 1, min(width, value.size)).round().astype(np.intp)
    return [float(number) for number in value[places]]


def number_of(value: Any) -> float | None:
    """A real scalar as a float; None for anything else, and for an int that is too large."""
    if not isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
