"""A cell's value as HTML: arrays as small plots with their type and range, structs as tables, the rest as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.show import plots
from hotplate.show.pages import escape
from hotplate.show.sampling import Array, Sample, finite_only, sample
from hotplate.show.words import preview, type_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = (120, 28)
"""Pixels across and down of a plot within a table."""
LARGE = (460, 150)
"""The same of one on its own."""
_ROWS = 6
"""Elements that are shown of an array of structs, and of a long list of text."""
_FIELDS = 8
_LONGEST = 400
"""Characters of a value that are shown as text."""
_FEWEST = 4
"""Numbers that make a picture; fewer are read faster than seen."""
_LINES = 4
"""Rows or columns of a long matrix that are lines: the coordinates of a path, the channels of a signal."""


def plot(value: Any, size: tuple[int, int] = SMALL) -> str:
    """The picture of an array, or of several numbers; "" for what has none: single numbers, text, structs."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufc" or value.size < _FEWEST:
        return ""
    shape = np.squeeze(value)
    if shape.ndim == 1:
        return plots.lines([shape], *size)
    if shape.ndim == 2:
        few, many = sorted(shape.shape)
        is_bundle = few <= _LINES and many >= 4 * few
        return plots.lines(shape if few == len(shape) else shape.T, *size) if is_bundle else plots.image(shape, *size)
    return plots.bars(sample(value).values, *size)


def figure(value: Any) -> str:
    """A value on its own: large, with a caption."""
    if isinstance(value, np.ndarray) and value.dtype.names is not None and value.size:
        body = struct_table(value)
    elif isinstance(value, np.ndarray) and value.dtype.kind in "US" and value.size:
        texts = "<br/>".join(escape(preview(text, _LONGEST)) for text in value.flat[:_ROWS].tolist())
        body = f'<div class="hp-code">{texts}</div>'
    else:
        body = plot(value, LARGE) or f'<div class="hp-code">{escape(preview(value, _LONGEST))}</div>'
    return f"<figure>{body}<figcaption>{escape(caption(value))}</figcaption></figure>"


def caption(value: Any) -> str:
    """What a value is, and of an array its range: `float64[512] · 0 to 1.5, mean 0.2 · 3 NaN`."""
    if not isinstance(value, np.ndarray):
        return type_of(value)
    return " · ".join([type_of(value), *_facts(value)])


def _facts(array: Array) -> Iterator[str]:
    if not array.size:
        yield "empty"
    elif array.dtype.names is not None or array.dtype.kind in "US":
        if array.size > _ROWS:
            yield f"the first {_ROWS} of {array.size:,}"
    elif array.dtype.kind in "biufc":
        seen = sample(array)
        yield from _statistics(seen, array)
        if not seen.is_all:
            yield f"from a sample of {seen.values.size:,} of {seen.of:,}"


def _statistics(seen: Sample, array: Array) -> Iterator[str]:
    numbers = finite_only(seen.values)
    there = numbers[np.isfinite(numbers)]
    if array.dtype.kind == "b":
        yield f"{there.mean():.3g} of it true"
    elif there.size:
        what = "magnitude " if array.dtype.kind == "c" else ""
        mean = (there / there.size).sum()  # the sum of large numbers may be infinite
        yield f"{what}{there.min():.4g} to {there.max():.4g}, mean {mean:.4g}"
    if array.dtype.kind in "fc":
        blank, endless = np.isnan(seen.values).sum(), np.isinf(seen.values).sum()
        yield from (f"{count:,} {name}" for count, name in ((blank, "NaN"), (endless, "inf")) if count)


def struct_table(array: Array) -> str:
    """The first elements of an array of structs, a column for each field."""
    names = (array.dtype.names or ())[:_FIELDS]
    more = "<th>…</th>" if len(array.dtype.names or ()) > _FIELDS else ""
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(_element(element[name]))}</td>' for name in names)}</tr>"
        for element in array.flat[:_ROWS]
    )
    return f'<table class="hp-code"><tr>{head}{more}</tr>{rows}</table>'


def _element(value: Any) -> str:
    return preview(value.item() if isinstance(value, np.generic) else value, 24)
