"""Sparklines: what they show of which numbers, and how little of a large array they touch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hotplate.show.sparkline import number_of, samples, sparkline


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([5, 5, 5], "▄▄▄"),
        ([0, math.nan, 1], "▁·█"),
        ([-math.inf, 0, 1, math.inf], "·▁█·"),
        ([math.nan], "·"),
        ([-1.7e308, 1.7e308], "▁█"),
        ([0, 5e-324], "▁█"),
        ([], ""),
    ],
)
def test_bars_go_from_the_smallest_to_the_largest(numbers: list[float], shown: str) -> None:
    assert sparkline(numbers, 16) == shown


def test_only_the_last_numbers_are_shown() -> None:
    assert sparkline([9, 9, 0, 1], 2) == "▁█"
    assert sparkline([1, 2], 0) == ""


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.arange(5), [0, 1, 2, 3, 4]),
        (np.arange(1001), [0, 250, 500, 750, 1000]),
        (np.array([True, False]), [1, 0]),
        (np.arange(20)[::-2], [19, 15, 11, 5, 1]),
    ],
)
def test_an_array_is_sampled_from_its_first_element_to_its_last(array: Any, expected: list[float]) -> None:
    assert samples(array, 5) == expected


@pytest.mark.parametrize(
    "value",
    [
        np.array([1.0]),
        np.array([]),
        np.ones((2, 2)),
        np.ones(3, complex),
        np.zeros(3, [("a", "f8")]),
        np.array(3.0),
        [1, 2],
        "text",
        None,
    ],
)
def test_what_is_no_line_of_numbers_has_no_samples(value: Any) -> None:
    assert samples(value, 5) == []


def test_a_huge_array_is_not_read_but_for_its_samples() -> None:
    terabyte = np.lib.stride_tricks.as_strided(np.ones(1), (1 << 37,), (0,))
    assert samples(terabyte, 3) == [1, 1, 1]


@pytest.mark.parametrize(
    ("value", "number"),
    [(True, 1), (3, 3), (2.5, 2.5), (np.float32(0.5), 0.5), (10**400, None), (1j, None), ("1", None), (None, None)],
)
def test_real_scalars_are_numbers(value: Any, number: float | None) -> None:
    assert number_of(value) == number
