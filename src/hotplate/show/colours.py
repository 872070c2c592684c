"""Colours for numbers: 256 steps from dark to light, evenly spaced to the eye, and readable without colour vision."""

from __future__ import annotations

from functools import cache

_VIRIDIS = (
    (0.2777273272234177, 0.005407344544966578, 0.3340998053353061),
    (0.1050930431085774, 1.404613529898575, 1.384590162594685),
    (-0.3308618287255563, 0.214847559468213, 0.09509516302823659),
    (-4.634230498983486, -5.799100973351585, -19.33244095627987),
    (6.228269936347081, 14.17993336680509, 56.69055260068105),
    (4.776384997670288, -13.74514537774601, -65.35303263337234),
    (-5.435455855934631, 4.645852612178535, 26.3124352495832),
)
"""Red, green and blue from 0 to 1, by powers of the share from 0 to 1: Matt Zucker's polynomial of degree 6
(shadertoy.com/view/WlfXRN, CC0) for viridis, which is by Stéfan van der Walt and Nathaniel Smith (CC0)."""


@cache
def palette(steps: int = 256) -> bytes:
    """So many colours of 3 bytes each: red, green, blue."""
    return bytes(_byte(_polynomial(step / (steps - 1), part)) for step in range(steps) for part in range(3))


def _polynomial(share: float, part: int) -> float:
    value = 0.0
    for coefficients in reversed(_VIRIDIS):
        value = value * share + coefficients[part]
    return value


def _byte(share: float) -> int:
    return round(255 * min(max(share, 0.0), 1.0))
