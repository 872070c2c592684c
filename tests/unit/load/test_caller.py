"""The core's type that LoadedCell derives from: what Python is spared, and what it takes of NumPy."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.abi import lib
from hotplate.execute.workers.cell import IsolatedCell
from hotplate.load import LoadedCell
from hotplate.load.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HAS_VECTORCALL = 1 << 11
C = """
#include <hotplate.h>
double dot(int64_t n, const double x[n], const double y[n], double a) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * y[i];
    return a * sum;
}
void halves(int64_t n, const double x[n], double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = x[i] / 2; }
double last_of_many(DOUBLES) { return p19; }
const char *when_told(const char *text, int64_t n, const double x[n], int64_t m, const int32_t flag[m]) {
    *(volatile int32_t *)(uintptr_t)flag = 1;
    while (((const volatile int32_t *)flag)[1] == 0) continue;
    return x[0] == 7 ? text : "";
}
""".replace("DOUBLES", ", ".join(f"double p{i}" for i in range(20)))
X, Y = np.arange(4.0), np.full(4, 3.0)


@pytest.fixture(scope="module")
def load(compiled: Callable[..., Any]) -> Callable[[str], Any]:
    return compiled(C).load


def test_no_python_runs_between_the_caller_and_the_cell(load: Callable[[str], Any]) -> None:
    cell, events = load("halves"), []
    sys.setprofile(lambda frame, event, _: events.append((event, frame.f_code.co_name)))
    try:
        cell(X)
    finally:
        sys.setprofile(None)
    assert [event for event, _ in events if event == "call"] == []


@pytest.mark.skipif(sys.version_info < (3, 12), reason="before, a class made in Python inherits no vectorcall")
@pytest.mark.parametrize(("kind", "expected"), [(Caller, True), (LoadedCell, True), (IsolatedCell, False)])
def test_a_class_without_a_call_of_its_own_is_called_by_vectorcall(kind: type, expected: bool) -> None:
    assert bool(kind.__flags__ & HAS_VECTORCALL) == expected


@pytest.mark.parametrize(
    "call",
    [
        lambda cell: cell(X, Y, 2.0),
        lambda cell: cell(X, Y, a=2.0),
        lambda cell: cell(*(X, Y), **{"a": 2}),
        lambda cell: cell(**{"a": 2.0, "y": Y, "x": X}),
        lambda cell: cell.__call__(X, a=2.0, y=Y),
        lambda cell: LoadedCell.__call__(cell, X, Y, 2.0),
    ],
)
def test_every_way_to_pass_arguments_is_the_same_call(load: Callable[[str], Any], call: Callable[[Any], Any]) -> None:
    assert call(load("dot")) == 36.0


@pytest.mark.parametrize("positions", [0, 7, 20])
def test_many_arguments_arrive_in_order(load: Callable[[str], Any], positions: int) -> None:
    values = [float(i) for i in range(20)]
    named = {f"p{i}": values[i] for i in range(positions, 20)}
    assert load("last_of_many")(*values[:positions], **named) == 19.0


def test_names_that_are_no_text_are_refused(load: Callable[[str], Any]) -> None:
    wrong: dict[Any, Any] = {1: X}
    with pytest.raises(TypeError, match="keywords must be strings"):
        load("halves")(**wrong)


def test_names_need_not_be_interned(load: Callable[[str], Any]) -> None:
    assert load("halves")(**{"".join(["", "x"]): X}).sum() == 3.0


def test_an_object_that_was_given_no_cell_refuses_calls() -> None:
    with pytest.raises(AttributeError, match="descriptor"):
        LoadedCell.__new__(LoadedCell)(X)


def test_arguments_that_nobody_else_knows_any_more_live_as_long_as_the_call(load: Callable[[str], Any]) -> None:
    call = ctypes.pythonapi.PyObject_Call  # from C, a cell is called with whatever dict there is
    call.restype, call.argtypes = ctypes.py_object, [ctypes.py_object] * 3
    cell, flag, got = load("when_told"), np.zeros(2, np.int32), []
    named: dict[str, Any] = {"text": "".join(["text "] * 100), "x": np.full(1000, 7.0), "flag": flag}
    thread = threading.Thread(target=lambda: got.append(call(cell, (), named)))
    thread.start()
    while thread.is_alive() and not flag[0]:
        pass
    named.clear()
    _ = [("other " * 84)[:500].upper() for _ in range(10)], np.full(1000, 8.0)  # would take their places
    flag[1] = 1
    thread.join()
    assert got == ["text " * 100]


EMPTIED = """
import _thread, gc, sys
import hotplate
cell = hotplate.open(sys.argv[1]).load("last_of_many")
named, over = {f"p{i}": 1.0 for i in range(20)}, _thread.allocate_lock()

class Finalised:
    def __del__(self):
        named.clear()

def hook(told):
    print(told.exc_value)
    over.release()

sys.unraisablehook = hook
over.acquire()
gc.disable()
garbage = Finalised()
garbage.itself = garbage
del garbage
gc.set_threshold(1)
sys.setswitchinterval(60)
_thread.start_new_thread(cell, (), named)  # which hands over that dict
gc.enable()  # from here on the next new object, the tuple of names, collects what is garbage
over.acquire()  # nothing that would make an object: neither a time-out nor a thread that watches over this one
"""


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="from then on Python itself takes keywords apart")
def test_a_finaliser_may_empty_the_keywords_while_the_call_is_made(tmp_path: Path) -> None:
    # In a process of its own: no other thread is there that could make an object first.
    notebook = tmp_path / "cells.c"
    notebook.write_text(C)
    command = [sys.executable, "-c", EMPTIED, str(notebook)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("the keywords changed while the call was made\n", "")


def test_a_result_is_an_array_of_its_own_that_nobody_may_write_to(load: Callable[[str], Any]) -> None:
    result = load("halves")(X)
    assert type(result) is np.ndarray
    assert (result.flags.owndata, result.flags.writeable, result.base) == (True, False, None)
    assert result.flags.c_contiguous
    assert result.flags.aligned


def test_the_references_of_dtypes_are_given_back(load: Callable[[str], Any]) -> None:
    cell, dtype = load("halves"), np.dtype(np.float64)
    before = sys.getrefcount(dtype)
    for _ in range(1000):
        cell(X)
    assert abs(sys.getrefcount(dtype) - before) < 50


def test_a_numpy_of_another_binary_interface_is_refused(load: Callable[[str], Any]) -> None:
    version = ctypes.CFUNCTYPE(ctypes.c_uint)(lambda: 0x01000009)  # NumPy 1
    table = (ctypes.c_void_p * 4)(ctypes.cast(version, ctypes.c_void_p))
    new_capsule = ctypes.pythonapi.PyCapsule_New
    new_capsule.restype, new_capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    capsule = new_capsule(ctypes.addressof(table), None, None)
    assert lib.hp_numpy_open(id(capsule)) == -1
    assert load("halves")(X).sum() == 3.0
