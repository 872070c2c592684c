"""Values in a few words."""

from __future__ import annotations

from typing import Any

import numpy as np


def preview(value: Any, width: int = 60) -> str:
    """A value in one line: numbers and text as they are, of an array what it is and how it begins."""
    fields = getattr(type(value), "_fields", None)
    if fields:
        shown = ", ".join(f"{name}={preview(getattr(value, name), width // 2)}" for name in fields)
        return f"({shown})"
    if isinstance(value, np.ndarray):
        return f"{describe(value)} {_shortened(_elements(value), width)}"
    return _shortened(repr(value), width)


def describe(value: Any) -> str:
    """What a value is: `float64[512]`, `int`."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}[{', '.join(map(str, value.shape))}]"
    return type(value).__name__


def _elements(array: np.ndarray[Any, Any]) -> str:
    flat = (
        array.reshape(-1)[:7] if array.flags.c_contiguous else array[tuple(slice(2) for _ in array.shape)].reshape(-1)
    )
    shown = " ".join(f"{element:.4g}" if isinstance(element, np.floating) else str(element) for element in flat[:6])
    return f"[{shown}{' …' if array.size > 6 else ''}]"


def _shortened(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 1]}…"
