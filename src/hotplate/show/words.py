"""Values, durations and attempts in a few words, as tables, pictures and lines have them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotplate.events import Event


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """A cell's value by field; one without fields under the name ""."""
    fields = getattr(type(value), "_fields", None)
    if not fields:
        yield "", value
    for name in fields or ():
        yield name, getattr(value, name)


def type_of(value: Any) -> str:
    """A value's type as the table shows it: `float64[512, 3]`, `float`, `text`."""
    if isinstance(value, np.ndarray):
        name = value.dtype.name if value.dtype.names is None else f"struct({', '.join(value.dtype.names)})"
        return f"{name}[{', '.join(map(str, value.shape))}]" if value.shape else name
    return "text" if isinstance(value, str) else type(value).__name__ if value is not None else ""


def preview(value: Any, width: int = 60) -> str:
    """A value in one line of at most `width` characters; arrays by their first and last elements."""
    if value is None:
        return ""
    try:
        text = _words(value, width)
    except Exception as error:  # what a Python cell returns can be anything
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= width else text[: width - 1] + "…"


def _words(value: Any, width: int) -> str:
    if isinstance(value, np.ndarray):
        text = np.array2string(value, precision=4, threshold=6, edgeitems=2, max_line_width=10_000)
        return " ".join(text.split())
    return f"{value:.6g}" if isinstance(value, float) else _beginning(value, width)


def _beginning(value: Any, width: int) -> str:
    """The `repr` of a value, or of so much of a long one that it fills the width."""
    if type(value) in (str, bytes, list, tuple):
        return repr(value[: width + 1])
    return repr(dict(islice(value.items(), width)) if type(value) is dict else value)


def milliseconds(seconds: float) -> str:
    """A duration with three digits: `12.3 ms`, `4.56 s`, `78 µs`."""
    for factor, unit in ((1, "s"), (1e3, "ms")):
        if seconds * factor >= 0.9995:  # else three digits of 999.9 would be 1e+03
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def retry_words(event: Event, now: float) -> str:
    """What goes on with a cell that is tried again: `failed: no convergence; attempt 2 in 1.5 s`."""
    own_name = event.cell.partition("[")[0]  # that of a sweep's instance is longer
    error = str(event.data["error"]).partition("\n")[0].removeprefix(f"{own_name}: ")
    wait = event.data["not_before"] - now
    when = f" in {wait:.1f} s" if wait >= 0.05 else ""
    return f"{str(event.data['outcome']).replace('_', ' ')}: {error}; attempt {event.attempt + 1}{when}"
