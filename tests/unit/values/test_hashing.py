from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hotplate.values import digest

A = np.arange(6.0)
# Python refuses to write it out, for pytest as well.
LONG = pytest.param(10**5000, id="of 5,000 digits")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (A, A.astype(np.float32)),
        (A, A.reshape(2, 3)),
        (A, A + 1),
        (1, 1.0),
        (1, True),
        ("1", b"1"),
        ((1, 2), [1, 2]),
        (["ab", "c"], ["a", "bc"]),
        ({"a": 1}, {"a": 2}),
        (np.float32(1), np.float64(1)),
    ],
)
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    assert digest(one) != digest(other)


@pytest.mark.parametrize("value", [A, A[::2], np.zeros((0, 3)), LONG, 1.5, "é", "\ud800", None, [1, (A, {"b": 2})]])
def test_a_copy_has_the_same_digest(value: Any) -> None:
    again = np.array(value) if isinstance(value, np.ndarray) else value
    assert digest(value) == digest(again) is not None


@pytest.mark.parametrize(
    "value", [np.ma.masked_array([1.0, 2.0], [True, False]), lambda: 1, object(), np.array([object()]), [object()]]
)
def test_what_can_not_be_told_has_no_digest(value: Any) -> None:
    assert digest(value) is None


def test_no_element_of_a_struct_is_left_out() -> None:
    one = np.zeros((), np.dtype([("x", "f8", 1500)]))
    other = one.copy()
    other["x"][700] = 1
    assert digest(one[()]) != digest(other[()])
    assert digest(one[()]) == digest(one[()].copy())
