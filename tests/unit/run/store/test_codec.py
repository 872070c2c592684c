"""Values as JSON text and artifacts, and back: what comes back is what was given, by every bit that counts."""

from __future__ import annotations

import json
import math
import struct
import sys
from collections import namedtuple
from typing import TYPE_CHECKING, Any, NamedTuple

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hotplate.run.store.codec import INLINE, Unstorable, artifact_names, decode, encode
from hotplate.values import digest, result_fields, result_type

if TYPE_CHECKING:
    from pathlib import Path

SLOWLY = hypothesis.settings(deadline=None, max_examples=150, derandomize=True)


class Pair(NamedTuple):
    """A named tuple of a module that is imported."""

    mean: float
    data: Any


def through(value: Any) -> Any:
    text, contents = encode(value)
    json.loads(text)
    data = {content.name: content.data for content in contents}
    assert set(artifact_names(text)) == data.keys()
    return decode(text, data.__getitem__)


def bits(value: Any) -> Any:
    """What must be the same of two values; unlike a digest, it tells every NaN from the others, and knows objects."""
    if type(value) in (float, complex):
        return type(value), struct.pack("<dd", value.real, value.imag)
    if isinstance(value, np.ndarray):
        return np.ndarray, value.dtype, value.shape, value.tobytes()
    if isinstance(value, np.generic):
        # The last bytes of a long double mean nothing, and may be anything.
        exact = value.as_integer_ratio() if isinstance(value, np.longdouble) else np.asarray(value).tobytes()
        return type(value), np.asarray(value).dtype, exact
    if isinstance(value, dict):
        return dict, [(bits(key), bits(part)) for key, part in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, getattr(value, "_fields", None), [bits(part) for part in value]
    return type(value), value


characters = st.characters() | st.sampled_from(["\ud83d", "\ude00", "\udcff", "\0", '"', "\\"])
texts = st.text(characters) | st.text(characters).map(lambda text: text * 500)
# NumPy calls functions of Windows' C library for complex numbers (crealf, cimag) that Wine 8 lacks.
kinds = "biufmMSUV" if sys.platform == "win32" else "biufcmMSUV"
scalar_dtypes = hnp.scalar_dtypes().filter(lambda dtype: dtype.kind in kinds)
dtypes = (
    scalar_dtypes
    | hnp.byte_string_dtypes(min_len=1)
    | hnp.unicode_string_dtypes(min_len=1)
    | hnp.nested_dtypes(scalar_dtypes, max_leaves=5)
).filter(lambda dtype: dtype.itemsize > 0 and dtype.subdtype is None)
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
numbers = st.integers() | st.integers(-(2**70), 2**70) | st.floats() | st.complex_numbers() | st.booleans()
numpy_scalars = hnp.arrays(scalar_dtypes, ()).map(lambda array: array[()])
leaves = st.none() | numbers | texts | st.binary() | numpy_scalars | arrays
keys = st.text() | st.integers() | st.none() | st.binary() | st.tuples(st.integers(), st.text())
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


@SLOWLY
@hypothesis.given(values)
def test_any_value_comes_back_as_it_was(value: Any) -> None:
    again = through(value)
    assert bits(again) == bits(value)
    assert digest(again) == digest(value) is not None


@SLOWLY
@hypothesis.given(arrays, st.booleans(), st.integers(1, 2))
def test_an_array_of_any_layout_comes_back(array: np.ndarray[Any, Any], fortran: bool, step: int) -> None:
    laid_out = np.asfortranarray(array) if fortran else array
    laid_out = laid_out[::step] if laid_out.ndim else laid_out
    again = through(laid_out)
    assert bits(again) == bits(laid_out)
    assert again.flags.fnc == laid_out.flags.fnc
    assert not again.flags.writeable


@pytest.mark.parametrize("shape", [(1024,), (32, 32), (2, 3, 400)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_large_array_is_an_artifact_with_its_layout(shape: tuple[int, ...], order: Any) -> None:
    array = np.asarray(np.arange(float(np.prod(shape))).reshape(shape), order=order)
    text, (content,) = encode(array)
    assert len(text) < 100
    assert content.size == array.nbytes > INLINE
    again = through(array)
    assert bits(again) == bits(array)
    assert again.flags.fnc == array.flags.fnc


# Windows' long double is a double, and its dtype another name of float64.
LONGEST_FLOAT = np.float64 if sys.platform == "win32" else np.longdouble


@pytest.mark.parametrize(
    "value",
    [
        0.0, -0.0, math.inf, -math.inf, 5e-324, sys.float_info.max,
        struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_1234))[0],
        complex(-0.0, math.nan), 10**5000, -(2**63), 2**63, "\ud83d\ude00", "\0", "é" * 5000, b"\xff" * 5000,
        np.float16(1.5), LONGEST_FLOAT(1) / 3, np.str_("a\0"), np.bytes_(b"a\0"), np.datetime64("2020-01-01", "s"),
        np.datetime64("NaT", "s"), np.void(b"abc"), np.array(3.5), np.array(["a", "bc"]), np.zeros((0, 3)),
        np.zeros(2, [("x", "i1"), ("y", [("z", ">f8", (2, 2))])]),
        np.ones(2, np.dtype([("x", "i1"), ("y", "f8")], align=True)),
        np.ones(2, np.dtype({"names": ["x", "y"], "formats": ["i1", "f4"], "offsets": [4, 8], "itemsize": 16})),
        np.zeros(3, [(("title", "é"), "i4")]), np.zeros(1, [("x", "f8", 1500)])[0],
        [np.arange(1000.0)] * 2, {1: (None, [True])}, list(range(20_000)), [[np.arange(2000)], "x" * 70_000, "y" * 10],
    ],
    ids=lambda value: repr(value)[:30] if not isinstance(value, int) else f"{value.bit_length()} bits",
)  # fmt: skip
def test_what_is_easily_lost_comes_back(value: Any) -> None:
    assert bits(through(value)) == bits(value)


@pytest.mark.parametrize("count", [10, 1000])
def test_an_array_that_maps_a_file_comes_back_as_an_array(count: int, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(float(count)))
    again = through(np.load(tmp_path / "a.npy", mmap_mode="r"))
    assert type(again) is np.ndarray
    assert bits(again) == bits(np.arange(float(count)))


def test_several_results_come_back_under_their_names() -> None:
    value = result_type("stats", ["mean", "in", "1"])([1.5, np.arange(1000.0), "x"])
    again = through(value)
    assert type(again).__name__ == "stats"
    assert result_fields(again).keys() == {"mean", "in", "1"}
    assert bits(again) == bits(value)
    assert again.in_ is again[1]


def test_a_named_tuple_comes_back_as_its_own_class() -> None:
    again = through(Pair(1.5, [Pair(2.5, None)]))
    assert isinstance(again, Pair)
    assert again == Pair(1.5, [Pair(2.5, None)])


def test_a_class_that_is_not_there_any_more_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = encode(Pair(1.5, None))
    monkeypatch.delattr(sys.modules[__name__], "Pair")
    with pytest.raises(ValueError, match=r"no named tuple .*Pair of 2 values here any more"):
        decode(text, {}.__getitem__)


def itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


OVERLAPPING = np.dtype({"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [0, 2]})
Local = namedtuple("Elsewhere", "x")  # nobody finds it under its name


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (object(), "the class object"),
        ([{"a": {1, 2}}], "the class set"),
        (np.array([None]), "an array of Python objects"),
        (np.ma.masked_array([1.0], [True]), "the class numpy.ma.MaskedArray"),
        (np.array([[1.0]]).view(np.matrix), r"the class numpy\.\S*matrix"),
        (np.zeros(2, [("a", "i4")]).view(np.recarray), r"the class numpy\.\S*recarray"),
        (np.zeros(2, [("a", "i4")]).view(np.recarray)[0], r"elements of the class numpy\.\S*record"),
        (np.zeros(2, OVERLAPPING), "NumPy can't describe"),
        (itself(), "contains itself"),
        (Local(1), "nobody could find again"),
        (type("Text", (str,), {})("x"), "the class "),
    ],
    ids=str,
)
def test_what_can_not_be_stored_is_told_with_the_reason(value: Any, reason: str) -> None:
    with pytest.raises(Unstorable, match=reason):
        encode(value)


@pytest.mark.parametrize(
    "text", ['{"what":1}', '{"C":["<f8",[3],"AAAA"]}', '{"C":["|O",[1],"AAAAAAAAAAA="]}', "{}", "[", '{"dict":[1]}']
)
def test_a_text_that_no_value_has_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(text, {}.__getitem__)
