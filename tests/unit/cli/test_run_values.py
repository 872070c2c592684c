"""How two recorded values differ."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hotplate.cli.runs.values import Difference, Value, difference
from hotplate.values import result_type

RAMP = np.arange(4.0)
HOLED = np.array([0.0, math.nan, 2.0])


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        1 << 80,
        0.5,
        math.nan,
        math.inf,
        1j,
        "text",
        RAMP,
        HOLED,
        np.zeros(0),
        [1, [2, 3]],
        {"a": 1},
        (1, 2),
    ],
    ids=repr,
)
def test_a_value_is_the_same_as_itself(value: Any) -> None:
    copy = value.copy() if isinstance(value, (np.ndarray, list, dict)) else value
    assert difference(Value(value), Value(copy)) == Difference("same")


@pytest.mark.parametrize(
    ("one", "other", "largest"),
    [
        (3, 5, 2.0),
        (0.5, 0.25, 0.25),
        (True, False, 1.0),
        (1j, 1 + 1j, 1.0),
        (1 << 80, (1 << 80) + 4, 4.0),
        (RAMP, RAMP + np.array([0, 0.5, -2, 0]), 2.0),
        (np.array([0, 255], np.uint8), np.array([255, 0], np.uint8), 255.0),
        (HOLED, np.array([1.0, math.nan, 2.0]), 1.0),
        (HOLED, np.array([0.0, 1.0, 2.0]), math.nan),
        (math.inf, 1.0, math.inf),
        (np.array([math.inf, 1.0]), np.array([math.inf, 2.0]), 1.0),
        (0.0, -0.0, 0.0),
    ],
)
def test_numbers_differ_by_the_largest_distance(one: Any, other: Any, largest: float) -> None:
    found = difference(Value(one), Value(other))
    assert (found.verdict, found.words) == ("different", "")
    assert found.largest == pytest.approx(largest, nan_ok=True)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (3, 3.0, "int and float"),
        (RAMP, RAMP[:3], "float64[4] and float64[3]"),
        (RAMP, RAMP.astype("f4"), "float64[4] and float32[4]"),
        ("one", "two", "'one' and 'two'"),
        ([1, 2], [1, 3], "[1, 2] and [1, 3]"),
        (None, 1, "None and int"),
    ],
)
def test_what_can_not_be_subtracted_is_named(one: Any, other: Any, words: str) -> None:
    assert difference(Value(one), Value(other)) == Difference("different", words=words)


def test_fields_are_compared_one_by_one() -> None:
    stats = result_type("stats", ("mean", "peak"))
    one, other = stats([1.0, 2.0]), stats([1.0, 5.0])
    assert difference(Value(one), Value(one)) == Difference("same")
    assert difference(Value(one), Value(other)) == Difference("different", 3.0, ".peak")
    assert difference(Value(one), Value(1.0)).words == "mean, peak and float"


def test_a_value_that_was_not_kept_leaves_it_open() -> None:
    assert difference(Value(1.0), Value(None, "it is an object")) == Difference("unknown", words="it is an object")
