from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.values import digest

if TYPE_CHECKING:
    from pathlib import Path

A = np.arange(6.0)
RECORDS = np.zeros(2, [("a", "i4")]).view(np.recarray)
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


def test_an_array_that_maps_a_file_is_the_array_that_it_shows(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", A)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert type(mapped) is np.memmap
    assert digest(mapped) == digest(A)
    assert digest(mapped[::2]) == digest(A[::2])


@pytest.mark.parametrize(
    "value",
    [
        np.ma.masked_array([1.0, 2.0], [True, False]),
        np.array([[1.0]]).view(np.matrix),
        np.array([1.0]).view(type("Metres", (np.ndarray,), {})),
        RECORDS,
        RECORDS[0],
        RECORDS.view(np.ndarray),
        *(lambda: 1, object(), np.array([object()]), [object()]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_can_not_be_told_has_no_digest(value: Any) -> None:
    assert digest(value) is None


@pytest.mark.parametrize("offsets", [[4, 0], [0, 0], [0, 2]], ids=["out of order", "the same", "overlapping"])
def test_fields_of_a_struct_may_lie_anywhere(offsets: list[int]) -> None:
    def digest_of(names: list[str]) -> str | None:
        return digest(np.zeros(2, {"names": names, "formats": ["i4", "i4"], "offsets": offsets, "itemsize": 8}))

    assert digest_of(["a", "b"]) is not None
    assert digest_of(["a", "b"]) == digest_of(["a", "b"])
    assert digest_of(["a", "b"]) != digest_of(["a", "c"])


def test_no_element_of_a_struct_is_left_out() -> None:
    one = np.zeros((), np.dtype([("x", "f8", 1500)]))
    other = one.copy()
    other["x"][700] = 1
    assert digest(one[()]) != digest(other[()])
    assert digest(one[()]) == digest(one[()].copy())
