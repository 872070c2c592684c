"""Results: numbers, arrays that hotplate allocates, arrays that cells size, named tuples of several."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.errors import CellFailed, LoadError

if TYPE_CHECKING:
    from collections.abc import Callable

C = """
    #include <hotplate.h>
    typedef struct { double x; int32_t id; } item;
    void nothing(double x) {}
    void one(double x, double out[1]) { out[0] = x; }
    void named(double x, double out_y[1]) { out_y[0] = x; }
    double two(double x, double out_y[1]) { out_y[0] = -x; return x; }
    void keywords(double out_in[1], double out_class[1], double out_count[1]) {
        out_in[0] = 1, out_class[0] = 2, out_count[0] = 3;
    }
    void odd_names(double out__x[1], double out_index[1], double out_in[1], double out_in_[1]) {
        out__x[0] = 1, out_index[0] = 2, out_in[0] = 3, out_in_[0] = 4;
    }
    void lambda(double out_a[1], double out_b[1]) { out_a[0] = 1, out_b[0] = 2; }
    void counted(int64_t n, hp_out *out) {
        double *y = HP_ARRAY(out, double, n);
        for (int64_t i = 0; y && i < n; i++) y[i] = (double)i;
    }
    void cube(int64_t n, hp_out *out) {
        int16_t *y = HP_ARRAY(out, int16_t, n, 2, 3);
        for (int64_t i = 0; y && i < 6 * n; i++) y[i] = (int16_t)i;
    }
    void items(int64_t n, hp_out *out) {
        item *y = HP_ARRAY(out, item, n);
        for (int64_t i = 0; y && i < n; i++) y[i] = (item){0.5, (int32_t)i};
    }
    void again(hp_out *out) {
        for (int64_t n = 1; n < 100; n++) {
            double *y = HP_ARRAY(out, double, n);
            for (int64_t i = 0; y && i < n; i++) y[i] = (double)n;
        }
    }
    void retyped(hp_out *out, int wide) {
        if (wide) *HP_ARRAY(out, double, 1) = 1; else *HP_ARRAY(out, float, 1) = 1;
    }
    static double *make(hp_out *out, int64_t n) { return HP_ARRAY(out, double, n); }
    void by_helper(hp_out *out) { *make(out, 1) = 5; }
    void forgotten(hp_out *out) {}
    double half_forgotten(hp_out *out_a, hp_out *out_b) { *HP_ARRAY(out_a, double, 1) = 1; return 0; }
    void negative(hp_out *out) { if (HP_ARRAY(out, double, 3, -1)) return; }
    void enormous(hp_out *out) { if (HP_ARRAY(out, double, INT64_MAX / 16)) return; }
    void overflowing(hp_out *out) { if (HP_ARRAY(out, double, INT64_MAX, INT64_MAX)) return; }
    void deep(hp_out *out) { if (HP_ARRAY(out, double, 1, 1, 1, 1, 1, 1, 1, 1, 1)) return; }
    void failing(hp_ctx *ctx, hp_out *out) { *HP_ARRAY(out, double, 1) = 1; hp_fail(ctx, "after %d", 1); }
    void mixed(double x, hp_out *out_found, double out_sum[2]) {
        *HP_ARRAY(out_found, uint8_t, 1) = 9;
        out_sum[0] = x, out_sum[1] = 2 * x;
    }
"""
CPP = """
    struct item { double x; std::int32_t id; };
    void counted(std::int64_t n, hp_out *out) {
        double *y = HP_ARRAY(out, double, n);
        for (std::int64_t i = 0; y && i < n; i++) y[i] = double(i);
    }
    std::vector<item> items(std::int64_t n) {
        std::vector<item> found;
        for (std::int64_t i = 0; i < n; ++i) found.push_back({0.5, static_cast<std::int32_t>(i)});
        return found;
    }
    std::array<float, 3> fixed(float x) { return {x, 2 * x, 3 * x}; }
    void forgotten(hp_out *out) {}
    void failing(hp_out *out) { *HP_ARRAY(out, double, 1) = 1; throw std::runtime_error("after 1"); }
"""


# One, none, several


def test_a_cell_without_results_gives_none(c: Callable[[str], Any]) -> None:
    assert c("nothing")(1.0) is None


@pytest.mark.parametrize("name", ["one", "named"])
def test_one_result_is_the_value_whatever_its_name(c: Callable[[str], Any], name: str) -> None:
    got = c(name)(2.0)
    assert (type(got), got.tolist()) == (np.ndarray, [2.0])


def test_several_results_are_a_named_tuple_with_the_return_value_first(c: Callable[[str], Any]) -> None:
    got = c("two")(2.0)
    assert (type(got).__name__, got._fields) == ("two", ("value", "y"))
    assert (got.value, got.y.tolist()) == (2.0, [-2.0])


def test_a_result_named_like_a_keyword_gets_an_underscore(c: Callable[[str], Any]) -> None:
    got = c("keywords")()
    assert got._fields == ("in_", "class_", "count")
    assert (got.in_[0], got.class_[0], got.count[0]) == (1, 2, 3)


def test_names_that_a_named_tuple_can_not_have_are_changed_until_it_can(c: Callable[[str], Any]) -> None:
    got = c("odd_names")()
    assert [array[0] for array in got] == [1, 2, 3, 4]
    assert len(set(got._fields)) == 4
    assert all(field.isidentifier() and not field.startswith("_") for field in got._fields)


def test_a_cell_named_like_a_keyword_has_several_results_too(c: Callable[[str], Any]) -> None:
    assert [array[0] for array in c("lambda")()] == [1, 2]


# Results that a cell sizes


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_a_cell_sizes_its_result_while_it_runs(load: Callable[[str], Any], n: int) -> None:
    got = load("counted")(n)
    assert (got.dtype, got.tolist()) == (np.float64, list(range(n)))


@pytest.mark.parametrize("n", [0, 4])
def test_such_a_result_may_have_three_axes(c: Callable[[str], Any], n: int) -> None:
    got = c("cube")(n)
    assert (got.shape, got.dtype, got.flags.c_contiguous) == ((n, 2, 3), np.int16, True)
    assert got.ravel().tolist() == list(range(6 * n))


@pytest.mark.parametrize("n", [0, 3])
def test_such_a_result_may_hold_structs(load: Callable[[str], Any], n: int) -> None:
    got = load("items")(n)
    assert got.dtype.names == ("x", "id")
    assert got.dtype.itemsize == 16
    assert got.tolist() == [(0.5, i) for i in range(n)]


def test_a_std_array_is_a_result_of_its_length(notebooks: dict[str, Any]) -> None:
    got = notebooks["c++"].load("fixed")(1.5)
    assert (got.dtype, got.tolist()) == (np.float32, [1.5, 3.0, 4.5])


def test_the_last_allocation_counts(c: Callable[[str], Any]) -> None:
    assert c("again")().tolist() == [99] * 99


@pytest.mark.parametrize(("wide", "dtype"), [(1, np.float64), (0, np.float32)])
def test_the_dtype_is_that_of_the_allocation(c: Callable[[str], Any], wide: int, dtype: Any) -> None:
    assert c("retyped")(wide).dtype == dtype


def test_a_helper_may_allocate(c: Callable[[str], Any]) -> None:
    assert c("by_helper")().tolist() == [5]


def test_both_kinds_of_results_stand_side_by_side(c: Callable[[str], Any]) -> None:
    got = c("mixed")(2.0)
    assert (got.found.tolist(), got.sum.tolist()) == ([9], [2, 4])


# Results that do not come


def test_a_forgotten_result_is_an_error(load: Callable[[str], Any]) -> None:
    with pytest.raises(CellFailed, match=r"^forgotten: the cell returned without filling a result$"):
        load("forgotten")()


def test_of_several_results_the_forgotten_one_is_named(c: Callable[[str], Any]) -> None:
    with pytest.raises(CellFailed, match=r"^half_forgotten: the cell returned without filling a result b$"):
        c("half_forgotten")()


@pytest.mark.parametrize("name", ["negative", "overflowing", "deep"])
def test_an_impossible_size_is_an_error(c: Callable[[str], Any], name: str) -> None:
    with pytest.raises(CellFailed, match=rf"^{name}: the cell filled a result with something unusable"):
        c(name)()


def test_a_size_beyond_memory_is_an_error(c: Callable[[str], Any]) -> None:
    with pytest.raises(CellFailed, match=r"^enormous: the host could not allocate .*; ask for less"):
        c("enormous")()


def test_a_cell_that_fails_after_allocating_fails(load: Callable[[str], Any]) -> None:
    with pytest.raises(CellFailed, match="after 1"):
        load("failing")()


# Whose memory it is


@pytest.mark.parametrize(("name", "arguments"), [("one", (1.0,)), ("counted", (3,)), ("items", (3,))])
def test_results_are_read_only(c: Callable[[str], Any], name: str, arguments: Any) -> None:
    got = c(name)(*arguments)
    assert not got.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        got[0] = 0


def test_two_calls_never_share_a_result(c: Callable[[str], Any]) -> None:
    first, second = c("one")(1.0), c("one")(2.0)
    assert not np.shares_memory(first, second)
    assert (first[0], second[0]) == (1, 2)


def test_a_view_keeps_the_memory_of_a_result_alive(load: Callable[[str], Any]) -> None:
    view = load("counted")(1000)[10:20:2]
    gc.collect()
    others = [load("counted")(1000) for _ in range(50)]
    assert view.tolist() == [10, 12, 14, 16, 18]
    assert len(others) == 50


@pytest.mark.parametrize("name", ["one", "counted"])
def test_results_are_aligned_for_vectors(c: Callable[[str], Any], name: str) -> None:
    got = c(name)(5)
    assert got.__array_interface__["data"][0] % 16 == 0


def test_a_struct_whose_fields_nobody_knows_is_refused_with_a_way_out(compiled: Callable[..., Any]) -> None:
    hidden = """
        #include <hotplate.h>
        typedef struct { double x; } item;
        static item *make(hp_out *out) { return HP_ARRAY(out, item, 1); }
        void cell(hp_out *out) { make(out)->x = 1; }
    """
    with pytest.raises(LoadError, match="a struct of 8 bytes whose fields are not known"):
        compiled(hidden).load("cell")()
