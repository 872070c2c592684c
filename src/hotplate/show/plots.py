"""Small plots: a line as SVG, a matrix as an image, a distribution as bars."""

from __future__ import annotations

import base64
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.show.colours import palette
from hotplate.show.pages import TONES, escape
from hotplate.show.png import encode
from hotplate.show.sampling import Array, Envelope, envelope, finite_only, thinned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_INK = TONES["kept"]
_INKS = [TONES[tone] for tone in ("kept", "late", "good", "busy")]


def lines(values: Iterable[Array], width: int, height: int) -> str:
    """Lines of numbers, all from the least to the greatest of them; a gap where there is none."""
    shapes = [envelope(line, width // _STEP) for line in values]
    low, high = limits(np.concatenate([side for shape in shapes for side in (shape.low, shape.high)]))
    drawn = "".join(
        piece for shape, ink in zip(shapes, cycle(_INKS)) for piece in _pieces(shape, low, high, width, height, ink)
    )
    count = f"{shapes[0].length:,}"
    about = f"{len(shapes)} lines of {count} numbers" if len(shapes) > 1 else f"{count} numbers as a line"
    return _svg(width, height, drawn, about)


def image(matrix: Array, width: int, height: int) -> str:
    """A matrix as an image of at most this size, dark where it is low; nothing where there is no number."""
    rows, columns = matrix.shape
    scale = min(width / columns, height / rows)
    # Stretched rather than a strip: of 50 rows and 1000 columns one wants to see the rows.
    wide, high = (max(round(side * scale), height // 2) for side in (columns, rows))
    # Twice as many as it has pixels: screens have more than one to a pixel of CSS.
    pixels = pixels_of(finite_only(thinned(matrix, 2 * high, 2 * wide)))
    colours = palette(255) + b"\0\0\0"
    data = base64.b64encode(encode(pixels, colours)).decode("ascii")
    about = escape(f"{rows:,} x {columns:,} numbers as an image")
    return f'<img class="hp-plot" width="{wide}" height="{high}" alt="{about}" src="data:image/png;base64,{data}"/>'


def bars(values: Array, width: int, height: int) -> str:
    """How numbers are distributed, from the least to the greatest. Empty without a finite one."""
    numbers = finite_only(values)
    numbers = numbers[np.isfinite(numbers)]
    low, high = limits(numbers)
    if not numbers.size:
        return ""
    counts = np.bincount((_shares(numbers, low, high) * (_BARS - 1)).round().astype(np.intp), minlength=_BARS)
    step = width / _BARS
    drawn = "".join(
        f'<rect x="{i * step:.1f}" y="{height - size:.1f}" width="{step * 0.85:.1f}" height="{size:.1f}"/>'
        for i, size in enumerate(np.sqrt(counts / counts.max()) * (height - 1))
        if size
    )
    return _svg(width, height, f'<g fill="{_INK}">{drawn}</g>', "how the numbers are distributed")


_BARS = 24
_STEP = 2
"""Pixels from one point of a line to the next."""


def limits(numbers: Array) -> tuple[float, float]:
    """The least and the greatest number; both 0 without any. NaN is none."""
    if not np.isfinite(numbers).any():
        return 0.0, 0.0
    return float(np.nanmin(numbers)), float(np.nanmax(numbers))


def pixels_of(numbers: Array) -> Array:
    """Numbers as the colours from 0 to 254, NaN as 255. Equal ones have the colour in the middle."""
    low, high = limits(numbers)
    shares = _shares(numbers, low, high)
    return np.where(np.isnan(numbers), 255, np.nan_to_num(shares * 254).round()).astype(np.uint8)


def _shares(numbers: Array, low: float, high: float) -> Array:
    """Where numbers lie between two of them, from 0 to 1."""
    if low == high:
        return np.where(np.isnan(numbers), np.nan, 0.5)
    if np.isfinite(high - low):
        return (numbers - low) / (high - low)
    return np.asarray((numbers / 2 - low / 2) / (high / 2 - low / 2))


def _svg(width: int, height: int, drawn: str, about: str) -> str:
    return (
        f'<svg class="hp-plot" role="img" aria-label="{escape(about)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{drawn}</svg>'
    )


def _pieces(shape: Envelope, low: float, high: float, width: int, height: int, ink: str) -> Iterator[str]:
    """A path for each stretch without gaps: a line, or an area where there is more than one number to a pixel."""
    inner = height - 2 * _EDGE
    tops, bottoms = (height - _EDGE - _shares(side, low, high) * inner for side in (shape.high, shape.low))
    count = tops.size
    across = np.linspace(_EDGE, width - _EDGE, count) if count > 1 else np.array([width / 2])
    is_area = shape.length > count
    stroke = f'stroke="{ink}" stroke-width="1.3" stroke-linejoin="round" stroke-linecap="round"'
    for first, last in _runs(np.isfinite(tops)):
        xs, upper, lower = (part[first:last].tolist() for part in (across, tops, bottoms))
        if len(xs) == 1:
            yield f'<circle cx="{xs[0]:.1f}" cy="{(upper[0] + lower[0]) / 2:.1f}" r="1.8" fill="{ink}"/>'
        elif is_area:
            path = f"M{_points(xs, upper)}L{_points(xs[::-1], lower[::-1])}Z"
            yield f'<path d="{path}" fill="{ink}" fill-opacity=".25" {stroke}/>'
        else:
            yield f'<path d="M{_points(xs, upper)}" fill="none" {stroke}/>'


_EDGE = 2


def _points(xs: Sequence[float], ys: Sequence[float]) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))


def _runs(there: Any) -> Iterator[tuple[int, int]]:
    """Where stretches of true begin and end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
