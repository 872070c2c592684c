"""Dimensions: unified over the arguments of a call, solved, checked, and what sizes the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

C = """
    #include <stdint.h>
    #define LANES 4
    enum { ROWS = 2 };
    int64_t length(int64_t n, const double x[n]) { return n; }
    int64_t masked(int64_t n, const double u0[n], const uint8_t mask[n]) { return n; }
    int64_t area(int64_t n, int64_t m, const double grid[n][m], const double row[m]) {
        return n * m;
    }
    void sized(int64_t n, int64_t out[n]) { for (int64_t i = 0; i < n; i++) out[i] = i; }
    void shrunk(int64_t n, const double x[n], double out[n - 1]) {
        for (int64_t i = 0; i + 1 < n; i++) out[i] = x[i + 1] - x[i];
    }
    void spread(int64_t n, double out[2 * n][3]) { for (int64_t i = 0; i < 6 * n; i++) out[i / 3][i % 3] = 1; }
    void arithmetic(int64_t n, int64_t m, char out[(n + m) / 2][n * m - 1]) { out[0][0] = (char)(n + m); }
    int64_t edges(int64_t n, const double x[n + 1]) { return n; }
    int64_t pairs(int64_t n, const double x[2 * n]) { return n; }
    int64_t chained(int64_t n, int64_t m, const double x[n + m], const double y[2 * n]) { return m; }
    int64_t squared(int64_t n, const double x[n * n]) { return n; }
    double third(const double v[3]) { return v[2]; }
    void lanes(const float x[LANES], float out[ROWS][2 * LANES]) {
        for (int i = 0; i < 16; i++) out[i / 8][i % 8] = x[i / 4];
    }
    int64_t narrow(int8_t n, const double x[n]) { return n; }
    void divided(int64_t n, double out[8 / n]) { out[0] = (double)n; }
"""
CPP = """
    constexpr int LANES = 4;
    enum { ROWS = 2 };
    using hp::in; using hp::out;
    std::int64_t masked(in<double, "n"> u0, in<std::uint8_t, "n"> mask) { return u0.size() + 0 * mask.size(); }
    void sized(std::int64_t n, out<std::int64_t, "n"> out) { for (std::int64_t i = 0; i < n; ++i) out(i) = i; }
    void spread(std::int64_t n, out<double, "2 * n", 3> out) { for (int i = 0; i < 6 * n; ++i) out.data()[i] = 1; }
    std::int64_t edges(std::int64_t n, in<double, "n + 1"> x) { return n; }
    void lanes(in<float, LANES> x, out<float, ROWS, 2 * LANES> out) {
        for (int i = 0; i < 16; ++i) out.data()[i] = x(i / 4);
    }
"""


def refused(call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments, **named)
    return str(caught.value)


# What fixes a dimension


def test_an_array_fixes_its_dimension(c: Callable[[str], Any]) -> None:
    assert c("length")(np.zeros(7)) == 7


def test_arrays_of_one_length_agree(load: Callable[[str], Any]) -> None:
    assert load("masked")(np.zeros(64), np.zeros(64, np.uint8)) == 64


def test_a_disagreement_names_both_sides(load: Callable[[str], Any]) -> None:
    message = refused(load("masked"), np.zeros(64), np.zeros(63, np.uint8))
    assert message == "masked: n is 64 in u0 but 63 in mask"


def test_axes_are_told_apart(c: Callable[[str], Any]) -> None:
    assert c("area")(np.zeros((2, 5)), np.zeros(5)) == 10
    assert refused(c("area"), np.zeros((2, 5)), np.zeros(2)) == "area: m is 5 in grid but 2 in row"


def test_a_scalar_fixes_its_dimension(load: Callable[[str], Any]) -> None:
    assert load("sized")(4).tolist() == [0, 1, 2, 3]


def test_a_dimension_given_by_hand_is_checked_against_the_arrays(notebooks: dict[str, Any]) -> None:
    length = notebooks["c"].load("length")
    assert length(np.zeros(7), n=7) == 7
    assert refused(length, np.zeros(7), n=8) == "length: n is 8 but 7 in x"


def test_a_dimension_that_its_own_parameter_can_not_hold_is_refused(notebooks: dict[str, Any]) -> None:
    narrow = notebooks["c"].load("narrow")
    assert narrow(np.zeros(127)) == 127
    assert refused(narrow, np.zeros(128)) == "narrow: n wants int8, and 128 is out of its range, -128 to 127"


# Expressions


@pytest.mark.parametrize(("name", "extent", "n"), [("edges", 5, 4), ("edges", 1, 0), ("pairs", 6, 3), ("pairs", 0, 0)])
def test_an_expression_that_is_linear_in_its_dimension_is_solved(
    c: Callable[[str], Any], name: str, extent: int, n: int
) -> None:
    assert c(name)(np.zeros(extent)) == n


def test_what_one_array_solves_helps_the_next(c: Callable[[str], Any]) -> None:
    assert c("chained")(np.zeros(10), np.zeros(8)) == 6


def test_an_extent_without_a_solution_is_refused(c: Callable[[str], Any]) -> None:
    assert refused(c("pairs"), np.zeros(5)) == "pairs: [2 * n] can't be 5, which x has"


def test_a_product_is_not_guessed_but_checked(notebooks: dict[str, Any]) -> None:
    squared = notebooks["c"].load("squared")
    assert refused(squared, np.zeros(9)) == "squared: nothing fixes n in x[n * n]"
    assert squared(np.zeros(9), n=3) == 3
    assert refused(squared, np.zeros(9), n=2) == "squared: [n * n] is 4 but x has 9"


def test_an_expression_is_checked_when_its_dimension_is_known(load: Callable[[str], Any]) -> None:
    assert load("edges")(np.zeros(5), n=4) == 4
    assert refused(load("edges"), np.zeros(5), n=5) == "edges: [n + 1] is 6 but x has 5"


# Sizes of results


def test_a_result_may_be_shorter_than_its_argument(c: Callable[[str], Any]) -> None:
    assert c("shrunk")(np.array([1.0, 4.0, 9.0])).tolist() == [3, 5]


def test_a_result_may_have_a_multiple_and_a_constant(load: Callable[[str], Any]) -> None:
    got = load("spread")(2)
    assert (got.shape, got.sum()) == ((4, 3), 12)


def test_extents_know_all_of_integer_arithmetic(c: Callable[[str], Any]) -> None:
    got = c("arithmetic")(3, 4)
    assert (got.shape, got[0, 0]) == ((3, 11), 7)


def test_constants_of_the_notebook_size_arguments_and_results(load: Callable[[str], Any]) -> None:
    assert load("lanes")(np.arange(4, dtype=np.float32)).tolist() == [[0] * 4 + [1] * 4, [2] * 4 + [3] * 4]


@pytest.mark.parametrize("length", [2, 4])
def test_an_integer_extent_is_exact(c: Callable[[str], Any], length: int) -> None:
    assert c("third")(np.array([1.0, 2.0, 3.0])) == 3
    assert refused(c("third"), np.zeros(length)) == f"third: [3] is 3 but v has {length}"


def test_a_constant_extent_is_exact(load: Callable[[str], Any]) -> None:
    assert refused(load("lanes"), np.zeros(5, np.float32)) == "lanes: LANES is 4 in the notebook but 5 in x"


# Empty, negative, too large


def test_empty_arrays_are_arrays(c: Callable[[str], Any]) -> None:
    assert c("length")(np.zeros(0)) == 0
    assert c("area")(np.zeros((0, 5)), np.zeros(5)) == 0
    assert c("area")(np.zeros((5, 0)), np.zeros(0)) == 0
    got = c("sized")(0)
    assert (got.shape, got.dtype) == ((0,), np.int64)


def test_a_negative_size_is_refused(c: Callable[[str], Any]) -> None:
    assert refused(c("sized"), -1) == "sized: the extent [n] of out is -1; extents are 0 or more"
    assert refused(c("shrunk"), np.zeros(0)) == "shrunk: the extent [n - 1] of out is -1; extents are 0 or more"


def test_a_size_that_overflows_is_refused(load: Callable[[str], Any]) -> None:
    message = "spread: the extent [2 * n] of out overflows or divides by zero; extents are 0 or more"
    assert refused(load("spread"), 2**62) == message


def test_a_division_by_zero_is_refused(notebooks: dict[str, Any]) -> None:
    assert notebooks["c"].load("divided")(2).tolist()[0] == 2
    message = "divided: the extent [8 / n] of out overflows or divides by zero; extents are 0 or more"
    assert refused(notebooks["c"].load("divided"), 0) == message


@pytest.mark.parametrize("n", [2**50, 2**62, 2**63 - 1])
def test_a_result_that_does_not_fit_into_memory_is_refused(load: Callable[[str], Any], n: int) -> None:
    assert refused(load("sized"), n) == f"sized: out would be int64[{n}], more than memory holds; ask for less"
