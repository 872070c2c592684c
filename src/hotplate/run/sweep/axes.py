"""Axis: a name and the values that a sweep gives it, from Python or from the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, localcontext
from functools import cached_property
from itertools import islice
from math import isfinite, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.errors import InputError
from hotplate.values import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["MOST_POINTS", "Axis", "axes_of", "check_axes", "parse_axis"]

MOST_POINTS = 1_000_000
"""How many points a sweep may have: more are a slip of the keyboard, and their table would not fit into memory."""


@dataclass(frozen=True)
class Axis:
    """One swept name. Every value is there once."""

    name: str
    values: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What names each value in the names of instances: the value itself if that is short, else `#` and its place.

        Each is there once, and holds no comma, bracket, equals sign or white space.
        """
        spelled = [_spelled(value) for value in self.values]
        taken: dict[str, int] = {}
        for label in spelled:
            taken[label] = taken.get(label, 0) + 1
        return tuple(label if label and taken[label] == 1 else f"#{i}" for i, label in enumerate(spelled))


def axes_of(swept: Mapping[str, Iterable[Any]]) -> tuple[Axis, ...]:
    """The axes that Python code asks for by name: lists, ranges, arrays (along their first axis), any iterable.

    Raises InputError for what is no series of values, is empty, or has a value twice.
    """
    axes = tuple(_axis(name, _values(name, values), f"{name}=[...]") for name, values in swept.items())
    check_axes(axes)
    return axes


def parse_axis(text: str, read: Callable[[str], Any], option: str = "--sweep") -> Axis:
    """The axis that `NAME=VALUE,VALUE,...` asks for, where START:STOP:STEP stands for a series of numbers.

    The step is 1 when it is left out. STOP is one of the values when the steps hit it, as people mean `128:1024:128`
    and unlike a slice in Python. Numbers are computed in decimal, so 0:1:0.1 gives 0.3 and not 0.30000000000000004;
    they are integers when all three are written as such. `read` makes a value of any other text, as for a single
    input.

    Raises InputError that names `option` and the way out.
    """
    name, equals, values = text.partition("=")
    if not equals or not name.isidentifier():
        raise InputError(f"{option} {text!r} is not of the form {_FORM}")
    if not values.strip():
        raise InputError(f"{option} {name}: there are no values; {_HOW.format(name)}")
    found: list[Any] = []
    for part in _split(values):
        if not part:
            raise InputError(f"{option} {text}: there is nothing between two commas; {_HOW.format(name)}")
        found += _series(part, f"{option} {name}: {part}") or [read(part)]
    return _axis(name, tuple(found), f"{option} {name}")


def check_axes(axes: Sequence[Axis], option: str = "the sweep") -> None:
    """Raises InputError for a name that is swept twice, for too many points, and for no axis at all."""
    names = [axis.name for axis in axes]
    if not names:
        raise InputError(f"{option} names no values to go through; say NAME=[...] or --sweep {_FORM}")
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{option} has {name} twice; put all its values into one list: --sweep {name}=1,2,3")
    if (points := prod(len(axis) for axis in axes)) > MOST_POINTS:
        sizes = " * ".join(f"{len(axis):,} ({axis.name})" for axis in axes)
        raise InputError(f"{option} has {points:,} points: {sizes}; {MOST_POINTS:,} are the most, so sweep in parts")


_FORM = "NAME=VALUE,VALUE,... or NAME=START:STOP:STEP"
_HOW = "say {0}=1,2,4 or {0}=START:STOP:STEP"
_NUMBER = r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*:\s*({_NUMBER})\s*(?::\s*({_NUMBER})\s*)?")
_INTEGER = re.compile(r"[+-]?\d[\d_]*")
_LABEL = re.compile(r"[\w.+-]{1,24}")
_DIGITS = 60  # more than any float can tell apart, so that the count of steps is exact
_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


def _split(values: str) -> list[str]:
    """The text between commas that stand in no brackets, so that `[1,2],[3,4]` are two values."""
    parts, depth = [""], 0
    for character in values:
        depth += _BRACKETS.get(character, 0)
        if character == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _series(part: str, what: str) -> list[Any]:
    """The numbers of START:STOP:STEP; nothing for any other text."""
    match = _RANGE.fullmatch(part)
    if match is None:
        return []
    texts = (match[1], match[2], match[3] or "1")
    if not all(isfinite(float(text)) for text in texts):
        raise InputError(f"{what} is out of range: a number is at most 1.7e308")
    start, stop, step = (Decimal(text) for text in texts)
    with localcontext(prec=_DIGITS):
        count = _count(start, stop, step, what)
        whole = all(_INTEGER.fullmatch(text) for text in texts)
        return [int(start + i * step) if whole else float(start + i * step) for i in range(count)]


def _count(start: Decimal, stop: Decimal, step: Decimal, what: str) -> int:
    if float(step) == 0:
        raise InputError(f"{what} never ends, for its step is 0; write START:STOP:STEP with another step")
    if (stop - start) * step < 0:
        turn = "negative" if step > 0 else "positive"
        raise InputError(
            f"{what} is empty: a step of {step} leads away from {stop}; give a {turn} step, or swap the ends"
        )
    steps = (stop - start) / step
    if steps >= MOST_POINTS:
        raise InputError(f"{what} has {steps:.3g} values; {MOST_POINTS:,} are the most, so take a larger step")
    return int(steps.to_integral_value(ROUND_FLOOR)) + 1


def _values(name: str, values: Any) -> tuple[Any, ...]:
    if isinstance(values, np.ndarray) and values.ndim:
        return tuple(values.tolist() if values.ndim == 1 and values.dtype.kind in "biufcU" else values)
    if isinstance(values, (str, bytes, Mapping, Set, np.ndarray)) or not isinstance(values, Iterable):
        way_out = f"write {name}=[...]; a value that stays the same is given as an input"
        raise InputError(f"{name} is {values!r}, which is no series of values; {way_out}")
    return tuple(islice(values, MOST_POINTS + 1))  # an endless one ends here, and check_axes tells


def _axis(name: str, values: tuple[Any, ...], what: str) -> Axis:
    if not values:
        raise InputError(f"{what}: there are no values; give one at least")
    if len(values) > MOST_POINTS:
        raise InputError(f"{what} has {len(values):,} values or more; {MOST_POINTS:,} are the most, so sweep in parts")
    seen: dict[str, int] = {}
    for i, content in enumerate(_contents(values)):
        if content in seen:
            raise InputError(
                f"{what}: value {i + 1} is the same as value {seen[content] + 1} ({_shown(values[i])}); name each "
                "once, and to compute one several times sweep a further input, such as repeat=range(3)"
            )
        seen[content] = i
    return Axis(name, values)


def _contents(values: tuple[Any, ...]) -> Iterator[str]:
    """What each value holds. Of an object whose content can't be told, only the same object is the same."""
    for value in values:
        yield digest(value) or f"object {id(value)}"


def _spelled(value: Any) -> str:
    text = str(value) if isinstance(value, (bool, int, float, complex, str, np.generic)) else ""
    return text if _LABEL.fullmatch(text) else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
