from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from hotplate.bench.equality import difference


class Pair(NamedTuple):
    mean: float
    field: Any


ARRAY = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        (1.5, 1.5),
        ("text", "text"),
        (None, None),
        (ARRAY, ARRAY.copy()),
        (np.array([np.nan]), np.array([np.nan])),
        (np.zeros(0), np.zeros(0)),
        (Pair(1.0, ARRAY), Pair(1.0, ARRAY.copy())),
    ],
)
def test_the_same_bytes_are_no_difference(wanted: Any, given: Any) -> None:
    assert difference(wanted, given) == ""


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        (np.array([1.0, np.nan]), np.array([1.0, -np.nan])),
        (np.array([complex(1, np.nan)]), np.array([complex(1, -np.nan)])),
        (np.float32("nan"), -np.float32("nan")),
        (Pair(np.nan, ARRAY), Pair(-np.nan, ARRAY)),
    ],
)
@pytest.mark.parametrize("rtol", [None, 1e-9])
def test_no_number_is_the_same_as_no_number_whatever_its_bits(wanted: Any, given: Any, rtol: float | None) -> None:
    assert difference(wanted, given, rtol) == ""


@pytest.mark.parametrize(
    ("wanted", "given", "text"),
    [
        (1.5, 1.25, "1.5 against 1.25"),
        (1, 1.0, "int against float"),
        (ARRAY, ARRAY[:2], "float64[3] against float64[2]"),
        (ARRAY, ARRAY.astype("f4"), "float64[3] against float32[3]"),
        (ARRAY, np.array([1.0, 2.5, 9.0]), "2 of 3 elements differ, most of all [2]: 3.0 against 9.0"),
        (ARRAY.reshape(3, 1), np.array([[1.0], [2.0], [4.0]]), "1 of 3 elements differ, most of all [2, 0]"),
        (np.array([0.0]), np.array([-0.0]), "1 of 1 elements differ"),
        (np.array([(1, 2.0)], "i4,f8"), np.array([(1, 3.0)], "i4,f8"), "1 of 1 elements differ"),
        (Pair(1.0, ARRAY), Pair(2.0, ARRAY), "mean: 1.0 against 2.0"),
        (Pair(1.0, ARRAY), 1.0, "results mean, field against value"),
    ],
)
def test_a_difference_is_told_with_its_place(wanted: Any, given: Any, text: str) -> None:
    assert difference(wanted, given).startswith(text)


@pytest.mark.parametrize(
    ("given", "same"), [(ARRAY * (1 + 1e-9), True), (ARRAY * 1.01, False), (np.array([1.0, 2.0, np.nan]), False)]
)
def test_a_tolerance_is_relative_to_the_size_of_the_results(given: Any, same: bool) -> None:
    assert (difference(ARRAY, given, rtol=1e-6) == "") is same


def test_a_tolerance_is_not_for_integers_nor_for_texts() -> None:
    assert difference("short", "longer", rtol=0.1) == "'short' against 'longer'"
    assert difference(np.array([1000000]), np.array([1000001]), rtol=0.1)
    assert not difference(2.0, 2.1, rtol=0.1)
