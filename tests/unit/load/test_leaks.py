"""Calls leave nothing behind: no memory, no object, no reference, whatever they end with."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.errors import HotplateError

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 6_000
TOLERATED_BYTES = 128 * 1024  # 22 bytes a call
TOLERATED_BLOCKS = 500
INTERRUPTED_BYTES = 32 << 20

C = """
    #include <hotplate.h>
    #include <signal.h>
    typedef struct { double x; int32_t id; } item;
    double number(double x) { return x; }
    double _Complex complex_number(double _Complex z) { return z; }
    const char *text(const char *s) { return s; }
    const char *broken_text(int32_t how) { return how ? "\\xff" : NULL; }
    item record(item value) { return value; }
    void filled(int64_t n, const double x[n], double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = x[i]; }
    void sized(int64_t n, hp_out *out) { int32_t *y = HP_ARRAY(out, int32_t, n, 2); if (y && n) y[0] = 1; }
    void twice_sized(hp_out *out) { (void)HP_ARRAY(out, double, 64); (void)HP_ARRAY(out, double, 65); }
    double several(double x, double out_y[4], hp_out *out_z) {
        out_y[0] = *HP_ARRAY(out_z, double, 8) = x;
        return x;
    }
    double forgets_one(hp_out *out_a, hp_out *out_b) { *HP_ARRAY(out_a, double, 64) = 1; return 1; }
    void fails_late(hp_ctx *ctx, hp_out *out) {
        (void)hp_alloc(ctx, 4096);
        *HP_ARRAY(out, double, 64) = 1;
        hp_fail(ctx, "always");
    }
    void impossible(hp_out *out) { (void)HP_ARRAY(out, double, 8); (void)HP_ARRAY(out, double, -1); }
    void scratch(hp_ctx *ctx, int64_t bytes) { char *s = hp_alloc(ctx, (size_t)bytes); if (s) s[0] = 1; }
    void interrupted(int64_t n, hp_out *out) { raise(SIGINT); *HP_ARRAY(out, char, n) = 1; }
    void interrupted_twice(int64_t n, hp_out *out_a, hp_out *out_b) {
        raise(SIGINT);
        *HP_ARRAY(out_a, char, n) = *HP_ARRAY(out_b, char, n) = 1;
    }
    void untyped(int32_t wide, hp_out *out) {
        if (wide) *HP_ARRAY(out, item, 1) = (item){1, 2}; else *HP_ARRAY(out, float, 1) = 1;
    }
"""
ITEM = np.dtype([("x", "f8"), ("id", "i4")], align=True)
X, Y, STRIDED = np.arange(8.0), np.arange(9.0), np.arange(16.0)[::2]
MISALIGNED = np.frombuffer(bytearray(65), np.uint8)[1:].view(np.float64)
KINDS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "float": ("number", (1.5,), {}),
    "numpy scalar": ("number", (np.float32(1.5),), {}),
    "complex": ("complex_number", (1.5j,), {}),
    "text": ("text", ("a text that is not interned: äöü",), {}),
    "record": ("record", (np.array((1, 2), ITEM),), {}),
    "record from a mapping": ("record", ({"x": 1.0, "id": 2},), {}),
    "array": ("filled", (X,), {}),
    "array and dimension": ("filled", (X,), {"n": 8}),
    "array by buffer": ("filled", (memoryview(X),), {}),
    "sized": ("sized", (5,), {}),
    "sized, empty": ("sized", (0,), {}),
    "sized twice": ("twice_sized", (), {}),
    "several": ("several", (2.0,), {}),
    "scratch": ("scratch", (10_000,), {}),
    "no such parameter": ("number", (1.0,), {"y": 1.0}),
    "missing": ("filled", (), {}),
    "twice": ("filled", (X,), {"x": X}),
    "wrong kind": ("number", ("1",), {}),
    "out of range": ("untyped", (2**40,), {}),
    "wrong element type": ("filled", (X.astype(np.float32),), {}),
    "wrong rank": ("filled", (X.reshape(2, 4),), {}),
    "strided": ("filled", (STRIDED,), {}),
    "misaligned": ("filled", (MISALIGNED,), {}),
    "list": ("filled", ([1.0],), {}),
    "conflict": ("filled", (X,), {"n": 9}),
    "nul": ("text", ("a\0b",), {}),
    "surrogate": ("text", ("\ud800",), {}),
    "text not utf-8": ("broken_text", (1,), {}),
    "no text": ("broken_text", (0,), {}),
    "wrong field": ("record", ((1.0, 2.5),), {}),
    "forgotten": ("forgets_one", (), {}),
    "failing": ("fails_late", (), {}),
    "impossible size": ("impossible", (), {}),
    "negative size": ("sized", (-1,), {}),
    "another type than declared": ("untyped", (0,), {}),
}


@pytest.fixture(scope="module")
def cells(compiled: Callable[..., Any]) -> dict[str, Any]:
    notebook = compiled(C)
    return {name: notebook.load(name) for name in notebook.model.cells}


def call_often(cell: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any], times: int) -> None:
    for _ in range(times):
        with suppress(HotplateError, TypeError):
            cell(*arguments, **named)


class MallInfo(ctypes.Structure):
    """glibc's struct mallinfo2."""

    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = tuple((name, ctypes.c_size_t) for name in names.split())


def bytes_in_use() -> int:
    """What malloc handed out: exact, where resident memory hides small leaks in space that was free before."""
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except AttributeError:  # not glibc 2.33 or later
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    mallinfo.restype = MallInfo
    used = mallinfo()
    return int(used.uordblks + used.hblkhd)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/statm")
@pytest.mark.parametrize("kind", KINDS)
def test_memory_is_flat_over_thousands_of_calls(cells: dict[str, Any], kind: str) -> None:
    name, arguments, named = KINDS[kind]
    call_often(cells[name], arguments, named, 500)

    def is_flat() -> bool:
        before = bytes_in_use(), sys.getallocatedblocks()
        call_often(cells[name], arguments, named, CALLS)
        grown = bytes_in_use() - before[0], sys.getallocatedblocks() - before[1]
        return grown[0] < TOLERATED_BYTES and grown[1] < TOLERATED_BLOCKS

    # A leak is there every time, another thread's allocation is not.
    assert any(is_flat() for _ in range(3))


@pytest.mark.skipif(sys.platform == "win32", reason="sends this process a signal")
@pytest.mark.parametrize("name", ["interrupted", "interrupted_twice"])
def test_an_array_whose_call_was_interrupted_is_freed(cells: dict[str, Any], name: str) -> None:
    def interrupt() -> None:
        with pytest.raises(KeyboardInterrupt):
            cells[name](INTERRUPTED_BYTES)

    interrupt()
    before = bytes_in_use()
    for _ in range(4):
        interrupt()
    assert bytes_in_use() - before < INTERRUPTED_BYTES


@pytest.mark.parametrize("kind", KINDS)
def test_the_references_of_arguments_are_given_back(cells: dict[str, Any], kind: str) -> None:
    name, arguments, named = KINDS[kind]
    cell = cells[name]
    held = [*arguments, *named.values()]
    call_often(cell, arguments, named, 10)
    before = [sys.getrefcount(value) for value in held]
    call_often(cell, arguments, named, 100)
    after = [sys.getrefcount(value) for value in held]
    assert all(abs(late - early) < 50 for early, late in zip(before, after, strict=True)), (before, after)


@pytest.mark.parametrize("kind", ["array", "strided", "conflict", "array by buffer"])
def test_no_buffer_is_held_after_the_call(cells: dict[str, Any], kind: str) -> None:
    name, _, named = KINDS[kind]
    owner = bytearray(8 * 8 * 2)
    x = np.frombuffer(owner, np.float64)[:: 2 if kind == "strided" else 1][:8]
    call_often(cells[name], (memoryview(x) if kind == "array by buffer" else x,), named, 1)
    del x
    gc.collect()
    owner.append(0)  # a bytearray with exported buffers refuses


def test_cells_themselves_are_given_back(compiled: Callable[..., Any]) -> None:
    notebook = compiled("int given_back(int x) { return x; }")
    counts = []
    for _ in range(4):
        for _ in range(20):
            notebook.load("given_back").close()
        gc.collect()
        counts.append(sys.getallocatedblocks())
    assert min(late - early for early, late in pairwise(counts)) < 20
