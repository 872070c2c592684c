"""Recorded values as they are shown, and how two of them differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.show.words import preview, type_of
from hotplate.values import digest, result_fields

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
        return Difference("different", words=f"{type_of(one) or 'None'} and {type_of(other) or 'None'}")
    if isinstance(one, (bool, int, float, complex, np.generic, np.ndarray)):
        return _of_arrays(np.asarray(one), np.asarray(other))
    same = digest(one) is not None and digest(one) == digest(other)
    return Difference("same") if same else _unlike(one, other)


def _of_arrays(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> Difference:
    if one.shape != other.shape or one.dtype != other.dtype:
        return Difference("different", words=f"{_form(one)} and {_form(other)}")
    if one.dtype.hasobject:  # an integer of more than 64 bits
        gap = abs(one.item() - other.item())
        return Difference("different", float(gap)) if gap else Difference("same")
    if one.tobytes() == other.tobytes():
        return Difference("same")
    return Difference("different", _largest(one, other)) if one.dtype.kind in "biufc" else _unlike(one, other)


def _unlike(one: Any, other: Any) -> Difference:
    return Difference("different", words=f"{preview(one, 24)} and {preview(other, 24)}")


def _form(array: np.ndarray[Any, Any]) -> str:
    return f"{array.dtype.name}[{', '.join(map(str, array.shape))}]"


def _largest(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """NaN where one has a number and the other none."""
    kind = np.longdouble if one.dtype.kind in "biuf" else np.clongdouble
    a, b = one.astype(kind), other.astype(kind)
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.abs(a - b)
    return float(np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, gaps).max())
