"""Recorded values as they are shown, and how two of them differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.cli.display import preview, type_of
from hotplate.values import result_fields

if TYPE_CHECKING:
    from hotplate.run.store import RunStore, StoredValue


@dataclass(frozen=True, slots=True)
class Value:
    """A recorded value, or why there is none."""

    value: Any
    problem: str = ""

    @property
    def words(self) -> str:
        """The value in a line."""
        if self.problem:
            return f"not kept: {self.problem}"
        kind = type_of(self.value) if isinstance(self.value, np.ndarray) else ""
        return f"{kind} {preview(self.value)}".strip() if self.value is not None else "None"


def value_of(store: RunStore, stored: StoredValue) -> Value:
    """Reads a value back."""
    loaded = store.load(stored)
    if loaded is not None:
        return Value(loaded.value)
    return Value(None, stored.problem or "it was removed for want of space, or its file is damaged")


@dataclass(frozen=True, slots=True)
class Difference:
    """How two values differ."""

    verdict: str
    """`same`, `different`, or `unknown` where one was not kept."""
    largest: float | None = None
    """The largest absolute difference of two numbers at the same place; None where the values are no such numbers."""
    words: str = ""
    """What there is to say beyond that: other types, other shapes, other values."""


def difference(one: Value, other: Value) -> Difference:
    """Compares two values, field by field if they have fields."""
    if one.problem or other.problem:
        return Difference("unknown", words=one.problem or other.problem)
    a, b = result_fields(one.value), result_fields(other.value)
    if a.keys() != b.keys():
        return Difference(
            "different", words=f"{', '.join(a) or type_of(one.value)} and {', '.join(b) or type_of(other.value)}"
        )
    if not a:
        return _of_parts(one.value, other.value)
    found = {name: _of_parts(a[name], b[name]) for name in a}
    other_ones = {name: part for name, part in found.items() if part.verdict != "same"}
    if not other_ones:
        return Difference("same")
    numbers = [part.largest for part in other_ones.values() if part.largest is not None]
    words = "; ".join(f".{name} {part.words}".strip() for name, part in other_ones.items())
    return Difference("different", max(numbers) if len(numbers) == len(other_ones) else None, words)


def _of_parts(one: Any, other: Any) -> Difference:
    if type(one) is not type(other):
        return Difference("different", words=f"{type_of(one)} and {type_of(other)}")
    try:
        a, b = np.asarray(one), np.asarray(other)
    except ValueError:  # a list of lists of other lengths
        return Difference("same" if one == other else "different")
    if a.shape != b.shape or a.dtype != b.dtype:
        return Difference("different", words=f"{_form(a)} and {_form(b)}")
    if a.tobytes() == b.tobytes():
        return Difference("same")
    if a.dtype.kind not in "biufc":
        return Difference("different", words=f"{preview(one, 24)} and {preview(other, 24)}")
    return Difference("different", _largest(a, b))


def _form(array: np.ndarray[Any, Any]) -> str:
    return f"{array.dtype.name}[{', '.join(map(str, array.shape))}]"


def _largest(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """NaN where one has a number and the other none."""
    kind = np.longdouble if one.dtype.kind in "biuf" else np.clongdouble
    a, b = one.astype(kind), other.astype(kind)
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.abs(a - b)
    return float(np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, gaps).max())
