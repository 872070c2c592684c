"""Array arguments: taken as they lie in memory, or refused with the way to convert them."""

from __future__ import annotations

import array
import ctypes
import mmap
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ELEMENTS = {
    "f64": ("double", np.float64),
    "f32": ("float", np.float32),
    "i64": ("int64_t", np.int64),
    "i32": ("int32_t", np.int32),
    "i16": ("int16_t", np.int16),
    "i8": ("signed char", np.int8),
    "u8": ("uint8_t", np.uint8),
    "u64": ("size_t", np.uint64),
    "flags": ("bool", np.bool_),
    "c128": ("double _Complex", np.complex128),
    "c64": ("float _Complex", np.complex64),
}
C = """
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
double weighted(int64_t n, int64_t m, const double x[n][m]) {
    double sum = 0;
    for (int64_t i = 0; i < n * m; i++) sum += (double)(i + 1) * x[i / m][i % m];
    return sum;
}
"""
COPY = """
void copy_{name}(int64_t n, const {kind} x[n], {kind} out[n]) {{ for (int64_t i = 0; i < n; i++) out[i] = x[i]; }}
"""
C += "".join(COPY.format(name=name, kind=kind) for name, (kind, _) in ELEMENTS.items())
CPP = """
double weighted(hp::in<double, "n", "m"> x) {
    double sum = 0;
    for (std::int64_t i = 0; i < x.size(); ++i) sum += double(i + 1) * x(i / x.shape(1), i % x.shape(1));
    return sum;
}
double total(hp::in<double, "n"> x) {
    double sum = 0;
    for (double value : x) sum += value;
    return sum;
}
void copy_c128(hp::in<std::complex<double>, "n"> x, hp::out<std::complex<double>, "n"> out) {
    for (std::int64_t i = 0; i < x.size(); ++i) out(i) = x(i);
}
"""


@pytest.fixture
def cpp(notebooks: dict[str, Any]) -> Callable[[str], Any]:
    return notebooks["c++"].load


def weighted(x: Any) -> float:
    return float((np.asarray(x).ravel() * np.arange(1, np.size(x) + 1)).sum())


# Element types


@pytest.mark.parametrize("name", ELEMENTS)
def test_every_element_type_crosses_both_ways(c: Callable[[str], Any], name: str) -> None:
    x = np.array([0, 1, 100, 3]).astype(ELEMENTS[name][1])
    got = c(f"copy_{name}")(x)
    assert (got.dtype, got.tolist()) == (x.dtype, x.tolist())


def test_complex_elements_are_std_complex(cpp: Callable[[str], Any]) -> None:
    x = np.array([1 + 2j, -3j])
    assert cpp("copy_c128")(x).tolist() == x.tolist()


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.uint64, np.bool_, np.complex128, "U3", "M8[s]", object])
def test_another_element_type_is_refused_with_the_conversion(load: Callable[[str], Any], dtype: Any) -> None:
    x = np.zeros((2, 3), dtype)
    message = rf"^weighted: x wants float64\[n, m\], got {re.escape(str(x.dtype))}\[2, 3\]; "
    with pytest.raises(InputError, match=message + r"convert it with x.astype\(np.float64\)$"):
        load("weighted")(x)


def test_another_byte_order_is_refused(load: Callable[[str], Any]) -> None:
    with pytest.raises(InputError, match=r"^weighted: x wants float64\[n, m\], got >f8\[2, 3\]; convert it"):
        load("weighted")(np.zeros((2, 3), ">f8"))


def test_signedness_counts(c: Callable[[str], Any]) -> None:
    with pytest.raises(InputError, match=r"^copy_u8: x wants uint8\[n\], got int8\[1\]; convert"):
        c("copy_u8")(np.zeros(1, np.int8))


# Exporters


class OnlyDLPack:
    """A tensor library's array."""

    def __init__(self, over: np.ndarray[Any, Any]) -> None:
        self._over = over

    def __dlpack__(self, **how: Any) -> Any:
        return self._over.__dlpack__(**how)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._over.__dlpack_device__()


class Device(OnlyDLPack):
    """One whose memory the host can't read."""

    def __dlpack__(self, **how: Any) -> Any:
        raise BufferError(f"can't be exported: {how}")

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0)


class OnlyInterface:
    def __init__(self, over: np.ndarray[Any, Any]) -> None:
        self.__array_interface__ = over.__array_interface__
        self._keep = over


NUMBERS = [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.array(NUMBERS),
        lambda: OnlyDLPack(np.array(NUMBERS)),
        lambda: OnlyInterface(np.array(NUMBERS)),
        lambda: array.array("d", NUMBERS),
        lambda: memoryview(array.array("d", NUMBERS)),
        lambda: (ctypes.c_double * 3)(*NUMBERS),
        lambda: memoryview(np.array(NUMBERS).tobytes()).cast("d"),
        lambda: np.array(NUMBERS).view(type("Subclass", (np.ndarray,), {})),
        lambda: np.array(NUMBERS).view(type("Subclass", (np.ndarray,), {"view": lambda *_: None})),
        lambda: np.rec.array([(x,) for x in NUMBERS], dtype=[("x", "f8")])["x"],
    ],
    ids=["ndarray", "dlpack", "interface", "array", "memoryview", "ctypes", "cast", "subclass", "own view", "column"],
)
def test_whoever_shares_its_memory_is_taken(c: Callable[[str], Any], make: Callable[[], Any]) -> None:
    assert c("copy_f64")(make()).tolist() == NUMBERS


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview], ids=lambda make: make.__name__)
def test_bytes_are_unsigned_bytes(c: Callable[[str], Any], make: Callable[[Any], Any]) -> None:
    assert c("copy_u8")(make(b"\x00\xffz")).tolist() == [0, 255, 122]


def test_a_mapped_file_is_taken(c: Callable[[str], Any], tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"mapped")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert c("copy_u8")(mapped).tobytes() == b"mapped"


def test_a_numpy_memmap_is_taken(c: Callable[[str], Any], tmp_path: Path) -> None:
    np.array(NUMBERS).tofile(tmp_path / "data")
    assert c("copy_f64")(np.memmap(tmp_path / "data", np.float64, "r")).tolist() == NUMBERS


def test_a_read_only_array_is_taken(load: Callable[[str], Any]) -> None:
    x = np.arange(6.0).reshape(2, 3)
    x.flags.writeable = False
    assert load("weighted")(x) == weighted(x)


def test_a_result_is_taken(c: Callable[[str], Any]) -> None:
    assert c("copy_f64")(c("copy_f64")(np.array(NUMBERS))).tolist() == NUMBERS


@pytest.mark.parametrize("value", [[1.0], (1.0,), 1.0, None, "1.0", np.float64(1), 1j], ids=repr)
def test_what_numpy_would_have_to_copy_is_refused_with_the_conversion(c: Callable[[str], Any], value: Any) -> None:
    way_out = re.escape("; convert it with np.asarray(x, dtype=np.float64)")
    with pytest.raises(InputError, match=rf"^copy_f64: x wants float64\[n\], got {type(value).__name__}.*{way_out}$"):
        c("copy_f64")(value)


@pytest.mark.parametrize("value", [object(), {1.0}, {"a": 1.0}, iter([1.0]), Device(np.array(NUMBERS))], ids=type)
def test_what_shares_no_memory_is_refused(c: Callable[[str], Any], value: Any) -> None:
    way_out = "; pass a NumPy array or an object with __dlpack__ or the buffer protocol"
    with pytest.raises(InputError, match=rf"^copy_f64: x wants float64\[n\], got {type(value).__name__}{way_out}$"):
        c("copy_f64")(value)


def test_a_mask_is_refused(c: Callable[[str], Any]) -> None:
    with pytest.raises(InputError, match=r"^copy_f64: x wants float64\[n\], got MaskedArray; .*\.filled"):
        c("copy_f64")(np.ma.array(NUMBERS, mask=[0, 1, 0]))


def test_the_element_type_of_an_exporter_counts(c: Callable[[str], Any]) -> None:
    with pytest.raises(InputError, match=r"^copy_f64: x wants float64\[n\], got float32\[3\]"):
        c("copy_f64")(array.array("f", NUMBERS))


# Rank and layout


@pytest.mark.parametrize("shape", [(), (6,), (1, 2, 3)])
def test_another_rank_is_refused(load: Callable[[str], Any], shape: tuple[int, ...]) -> None:
    message = rf"^weighted: x wants float64\[n, m\], got float64.*: {len(shape)} dimensions where 2 must be$"
    with pytest.raises(InputError, match=message):
        load("weighted")(np.zeros(shape))


X = np.arange(1.0, 25.0).reshape(4, 6)
STRIDED = {
    "fortran": np.asfortranarray(X),
    "transposed": X.T,
    "every other": X[::2, ::2],
    "reversed": X[::-1],
    "reversed columns": X[:, ::-1],
    "broadcast rows": np.broadcast_to(X[0], (3, 6)),
    "broadcast columns": np.broadcast_to(X[:, :1], (4, 5)),
    "one number": np.broadcast_to(np.float64(7), (2, 2)),
    "sliding": np.lib.stride_tricks.sliding_window_view(X[0], 3),
}


@pytest.mark.parametrize("x", STRIDED.values(), ids=STRIDED)
def test_cpp_views_take_any_strides(cpp: Callable[[str], Any], x: Any) -> None:
    assert cpp("weighted")(x) == weighted(x)


@pytest.mark.parametrize("x", STRIDED.values(), ids=STRIDED)
def test_c_arrays_take_c_order_alone(c: Callable[[str], Any], x: Any) -> None:
    message = "weighted: x wants float64[n, m] in C order, got a strided array; pass np.ascontiguousarray(x)"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        c("weighted")(x)
    assert c("weighted")(np.ascontiguousarray(x)) == weighted(x)


@pytest.mark.parametrize(
    "x", [X[:1, :4][:, None, 1:2].reshape(1, 1), X[2:3, ::-1][:, :1], X[1:3], X[::3][:1], X[:0, ::2], X.T[:, :0]],
    ids=["one element", "one reversed", "rows", "one row", "no rows", "no columns"],
)  # fmt: skip
def test_an_axis_that_is_never_stepped_along_may_have_any_stride(load: Callable[[str], Any], x: Any) -> None:
    assert load("weighted")(x) == weighted(x)


def test_a_strided_column_of_structs_is_taken_by_views(cpp: Callable[[str], Any]) -> None:
    rows = np.array([(1, 2.5), (2, 3.5)], [("id", "i8"), ("x", "f8")])
    assert cpp("total")(rows["x"]) == 6.0


def test_strides_that_no_element_divides_are_refused_even_by_views(cpp: Callable[[str], Any]) -> None:
    rows = np.zeros(3, np.dtype({"names": ["x"], "formats": ["f8"], "itemsize": 12}))
    message = (
        "total: x wants float64[n], got strides that are no multiples of its 8 bytes; pass np.ascontiguousarray(x)"
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        cpp("total")(rows["x"])


def test_misaligned_memory_is_refused(c: Callable[[str], Any]) -> None:
    x = np.frombuffer(bytearray(33), np.uint8)[1:].view(np.float64)
    assert not x.flags.aligned
    message = "copy_f64: x wants float64[n], got memory that is not aligned for it; pass x.copy()"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        c("copy_f64")(x)
    assert c("copy_f64")(x.copy()).tolist() == [0] * 4


def test_nothing_that_is_given_is_changed(load: Callable[[str], Any]) -> None:
    x = np.arange(6.0).reshape(2, 3)
    x.flags.writeable = False
    before = (x.tobytes(), x.flags.writeable, x.strides)
    load("weighted")(x)
    assert (x.tobytes(), x.flags.writeable, x.strides) == before
