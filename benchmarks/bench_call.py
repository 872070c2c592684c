"""What a call costs: two float64 arrays of length 8 go in, also with a float; a float or a new array of 8 comes out.

The work itself takes a few nanoseconds, so these are the costs of crossing from Python to C and back. Every contender
checks dtype, rank and layout, but for the bare pointers of ctypes and cffi, whose callers have to.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from benchmarks import peers
from benchmarks.contest import Contender, Contest, at_most, everyone_in, per_call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.contest import Entrant, Sampler

LENGTH = 8
X, Y, A = np.arange(1.0, LENGTH + 1), np.full(LENGTH, 2.0), 0.5

CELLS = """
#include <stdint.h>

double dot(int64_t n, const double x[n], const double y[n]) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

double weighted(int64_t n, const double x[n], const double y[n], double a) { return a * dot(n, x, y); }

void add(int64_t n, const double x[n], const double y[n], double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = x[i] + y[i];
}
"""
CDEF = """
double dot(int64_t, const double *, const double *);
double weighted(int64_t, const double *, const double *, double);
void add(int64_t, const double *, const double *, double *);
"""


def nothing(_: Path) -> dict[str, Any]:
    return {}


def hotplate_cell(name: str) -> Callable[[Path], dict[str, Any]]:
    def prepare(folder: Path) -> dict[str, Any]:
        return {"f": hotplate.Notebook(folder / "cells.c", text=CELLS).load(name)}

    return prepare


def ctypes_ndpointer(name: str) -> Callable[[Path], dict[str, Any]]:
    array = np.ctypeslib.ndpointer(np.float64, ndim=1, flags="C_CONTIGUOUS")
    return _ctypes(name, array)


def ctypes_bare(name: str) -> Callable[[Path], dict[str, Any]]:
    return _ctypes(name, ctypes.c_void_p)


def _ctypes(name: str, array: Any) -> Callable[[Path], dict[str, Any]]:
    def prepare(_: Path) -> dict[str, Any]:
        function = getattr(ctypes.CDLL(str(peers.plain_library())), name)
        last = {"dot": [], "weighted": [ctypes.c_double], "add": [array]}[name]
        function.argtypes = [ctypes.c_int64, array, array, *last]
        function.restype = None if name == "add" else ctypes.c_double
        return {"f": function, "empty": np.empty}

    return prepare


def cffi_abi(name: str) -> Callable[[Path], dict[str, Any]]:
    def prepare(_: Path) -> dict[str, Any]:
        cffi = pytest.importorskip("cffi")
        ffi = cffi.FFI()
        ffi.cdef(CDEF)
        library = ffi.dlopen(str(peers.plain_library()))
        kept = {"library": library, "pointer": ffi.typeof("double[]"), "from_buffer": ffi.from_buffer}
        return {"f": getattr(library, name), "empty": np.empty, **kept}

    return prepare


def extension(name: str, module: Callable[[], Any]) -> Callable[[Path], dict[str, Any]]:
    return lambda _: {"f": getattr(module(), name)}


def numba_dot(_: Path) -> dict[str, Any]:
    numba = pytest.importorskip("numba")

    @numba.njit(nogil=True)
    def dot(x: Any, y: Any) -> float:
        total = 0.0
        for i in range(x.shape[0]):
            total += x[i] * y[i]
        return total

    return {"f": dot}


def numba_weighted(_: Path) -> dict[str, Any]:
    numba = pytest.importorskip("numba")

    @numba.njit(nogil=True)
    def weighted(x: Any, y: Any, a: float) -> float:
        total = 0.0
        for i in range(x.shape[0]):
            total += x[i] * y[i]
        return a * total

    return {"f": weighted}


def numba_add(_: Path) -> dict[str, Any]:
    numba = pytest.importorskip("numba")

    @numba.njit(nogil=True)
    def add(x: Any, y: Any) -> Any:
        out = np.empty(x.shape[0])
        for i in range(x.shape[0]):
            out[i] = x[i] + y[i]
        return out

    return {"f": add}


def calling(expression: str, names: Callable[[Path], dict[str, Any]], expected: Any) -> Callable[[Path], Sampler]:
    """Times an expression after looking whether it is right."""

    def prepare(folder: Path) -> Sampler:
        scope = {"x": X, "y": Y, "a": A, "n": LENGTH, "np": np, **names(folder)}
        np.testing.assert_array_equal(eval(expression, scope), expected)
        return per_call(expression, scope)

    return prepare


def dot(name: str, names: Callable[[Path], dict[str, Any]], expression: str = "f(x, y)", **more: Any) -> Contender:
    return Contender(name, calling(expression, names, X @ Y), **more)


def weighted(
    name: str, names: Callable[[Path], dict[str, Any]], expression: str = "f(x, y, a)", **more: Any
) -> Contender:
    return Contender(name, calling(expression, names, A * (X @ Y)), **more)


def add(name: str, names: Callable[[Path], dict[str, Any]], expression: str = "f(x, y)", **more: Any) -> Contender:
    return Contender(name, calling(expression, names, X + Y), **more)


DOT = Contest(
    "call, two arrays of 8 to a float",
    rounds=501,
    contenders=(
        dot("nanobind", extension("dot", peers.nanobind_module)),
        dot("hotplate", hotplate_cell("dot"), aim=at_most(1)),
        dot("numba njit", numba_dot),
        dot("Cython", extension("dot", peers.cython_module)),
        dot("pybind11", extension("dot", peers.pybind11_module)),
        dot(
            "cffi, ABI mode",
            cffi_abi("dot"),
            "f(n, from_buffer(pointer, x), from_buffer(pointer, y))",
        ),
        dot("ctypes, bare pointers", ctypes_bare("dot"), "f(n, x.ctypes.data, y.ctypes.data)"),
        dot("ctypes, ndpointer", ctypes_ndpointer("dot"), "f(n, x, y)"),
        dot("numpy.dot", nothing, "np.dot(x, y)"),
    ),
)

SCALAR = Contest(
    "call, two arrays of 8 and a float to a float",
    rounds=501,
    contenders=(
        weighted("nanobind", extension("weighted", peers.nanobind_module)),
        weighted("hotplate", hotplate_cell("weighted"), aim=at_most(1)),
        weighted("numba njit", numba_weighted),
        weighted("Cython", extension("weighted", peers.cython_module)),
        weighted("pybind11", extension("weighted", peers.pybind11_module)),
        weighted(
            "cffi, ABI mode",
            cffi_abi("weighted"),
            "f(n, from_buffer(pointer, x), from_buffer(pointer, y), a)",
        ),
        weighted("ctypes, bare pointers", ctypes_bare("weighted"), "f(n, x.ctypes.data, y.ctypes.data, a)"),
        weighted("ctypes, ndpointer", ctypes_ndpointer("weighted"), "f(n, x, y, a)"),
        weighted("numpy.dot", nothing, "float(a * np.dot(x, y))"),
    ),
)

_OUT = "(out := empty(n), f(n, {}))[0]"

RESULT = Contest(
    "call, two arrays of 8 to a new array",
    rounds=501,
    contenders=(
        add("nanobind", extension("add", peers.nanobind_module)),
        add("hotplate", hotplate_cell("add"), aim=at_most(1)),
        add("numba njit", numba_add),
        add("Cython", extension("add", peers.cython_module)),
        add("pybind11", extension("add", peers.pybind11_module)),
        add(
            "cffi, ABI mode",
            cffi_abi("add"),
            _OUT.format("from_buffer(pointer, x), from_buffer(pointer, y), from_buffer(pointer, out)"),
        ),
        add("ctypes, bare pointers", ctypes_bare("add"), _OUT.format("x.ctypes.data, y.ctypes.data, out.ctypes.data")),
        add("ctypes, ndpointer", ctypes_ndpointer("add"), _OUT.format("x, y, out")),
        add("numpy.add", nothing, "np.add(x, y)"),
    ),
)


@everyone_in(DOT)
def test_two_arrays_to_a_float(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(SCALAR)
def test_two_arrays_and_a_float_to_a_float(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(RESULT)
def test_two_arrays_to_a_new_array(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)
