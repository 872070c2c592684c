"""Zero copy, from the caller's memory into a cell and from a cell into the next, and who owns what for how long."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from hotplate.load import reclaim

if TYPE_CHECKING:
    from collections.abc import Callable

C = """
    #include <hotplate.h>
    typedef struct { double x; int32_t id; } item;
    uint64_t address(int64_t n, const double x[n]) { return (uintptr_t)x; }
    uint64_t item_address(int64_t n, const item items[n]) { return (uintptr_t)items; }
    uint64_t text_address(const char *text) { return (uintptr_t)text; }
    void own_address(int64_t n, double out_data[n], uint64_t out_where[1]) {
        for (int64_t i = 0; i < n; i++) out_data[i] = 1;
        out_where[0] = (uintptr_t)out_data;
    }
    void dynamic_address(int64_t n, hp_out *out_data, uint64_t out_where[1]) {
        double *y = HP_ARRAY(out_data, double, n);
        for (int64_t i = 0; y && i < n; i++) y[i] = 1;
        out_where[0] = (uintptr_t)y;
    }
"""
CPP = """
    std::uint64_t address(hp::in<double, "n"> x) { return reinterpret_cast<std::uintptr_t>(x.data()); }
    void own_address(std::int64_t n, hp::out<double, "n"> out_data, hp::out<std::uint64_t, 1> out_where) {
        for (auto &x : out_data) x = double(n) / double(n);
        out_where(0) = reinterpret_cast<std::uintptr_t>(out_data.data());
    }
"""
GRAPH = """
    #include <hotplate.h>
    void u0(int64_t n, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = (double)i; }
    uint64_t first(int64_t n, const double u0[n]) { return (uintptr_t)u0; }
    uint64_t second(int64_t n, const double u0[n]) { return (uintptr_t)u0; }
    void found(hp_out *out) { *HP_ARRAY(out, double, 1) = 2; }
    uint64_t third(int64_t m, const double found[m]) { return (uintptr_t)found; }
"""


def is_mapped(library: Path) -> bool:
    return str(library) in Path("/proc/self/maps").read_text()


def where(array: np.ndarray[Any, Any]) -> int:
    return int(array.__array_interface__["data"][0])


class OnlyDLPack:
    def __init__(self, over: np.ndarray[Any, Any]) -> None:
        self._over = over

    def __dlpack__(self, **how: Any) -> Any:
        return self._over.__dlpack__(**how)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._over.__dlpack_device__()


# In


@pytest.mark.parametrize("n", [1, 7, 1_000_000])
def test_a_cell_reads_the_callers_memory(load: Callable[[str], Any], n: int) -> None:
    x = np.zeros(n)
    assert load("address")(x) == where(x)


def test_a_slice_is_read_where_it_begins(load: Callable[[str], Any]) -> None:
    x = np.zeros(10)
    assert load("address")(x[3:]) == where(x) + 24


def test_a_view_that_runs_backwards_begins_at_its_last_element(notebooks: dict[str, Any]) -> None:
    x = np.zeros(10)
    assert notebooks["c++"].load("address")(x[::-1]) == where(x) + 72


@pytest.mark.parametrize(
    "wrap", [OnlyDLPack, memoryview, lambda x: x.view(np.recarray)], ids=["dlpack", "buffer", "sub"]
)
def test_an_exporters_memory_is_read_in_place(load: Callable[[str], Any], wrap: Callable[[Any], Any]) -> None:
    x = np.zeros(10)
    assert load("address")(wrap(x)) == where(x)


def test_a_read_only_array_is_not_copied(load: Callable[[str], Any]) -> None:
    x = np.zeros(10)
    x.flags.writeable = False
    assert load("address")(x) == where(x)


def test_a_mapped_file_is_read_from_its_pages(c: Callable[[str], Any], tmp_path: Path) -> None:
    np.zeros(600).tofile(tmp_path / "data")
    x = np.memmap(tmp_path / "data", np.float64, "r")
    assert c("address")(x) == where(x)


def test_structs_are_read_in_place(c: Callable[[str], Any]) -> None:
    items = np.zeros(4, c("item_address").dtype("items"))
    assert c("item_address")(items) == where(items)


def test_text_is_read_from_the_strings_own_cache(c: Callable[[str], Any]) -> None:
    text = "text that stays " * 100
    assert c("text_address")(text) == c("text_address")(text)


# Out


def test_a_result_is_the_memory_that_the_cell_wrote(load: Callable[[str], Any]) -> None:
    got = load("own_address")(100)
    assert got.where[0] == where(got.data)
    assert got.data.sum() == 100


def test_a_result_sized_by_the_cell_is_not_copied(c: Callable[[str], Any]) -> None:
    got = c("dynamic_address")(100)
    assert got.where[0] == where(got.data)
    assert got.data.sum() == 100


def test_a_result_goes_into_the_next_cell_as_it_is(load: Callable[[str], Any]) -> None:
    data = load("own_address")(100).data
    assert load("address")(data) == where(data)


def test_cells_of_a_run_share_one_array(compiled: Callable[..., Any]) -> None:
    run = compiled(GRAPH).run(n=1000)
    assert run["first"] == run["second"] == where(run["u0"])
    assert run["third"] == where(run["found"])


def test_an_input_of_a_run_is_not_copied(compiled: Callable[..., Any]) -> None:
    x = np.zeros(1000)
    assert compiled(C).run("address", x=x)["address"] == where(x)


# Lifetime


@pytest.mark.parametrize("name", ["own_address", "dynamic_address"])
def test_a_result_outlives_the_cell_and_its_library(compiled: Callable[..., Any], name: str) -> None:
    cell = compiled(C.replace("[i] = 1;", "[i] = 3 - 2;")).load(name)  # a library that no other test holds
    library, data = cell.path, cell(1000).data
    assert is_mapped(library)
    view = data[::2]
    cell.close()
    del cell, data
    gc.collect()
    reclaim()
    assert not is_mapped(library)
    assert view.sum() == 500


def test_an_argument_is_let_go_after_the_call(c: Callable[[str], Any]) -> None:
    class Tracked(np.ndarray[Any, Any]):
        pass

    x = np.zeros(10).view(Tracked)
    gone = weakref.ref(x)
    c("address")(x)
    del x
    gc.collect()
    assert gone() is None


def test_an_inline_cell_goes_with_its_last_reference() -> None:
    cell = hotplate.inline("double inline_and_gone(double x) { return x + 41; }")
    assert cell(1) == 42
    library = cell.path
    del cell
    gc.collect()
    reclaim()
    assert not is_mapped(library)
