"""Calling a cell: which argument goes where, calls of any size, calls from many threads."""

from __future__ import annotations

import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.errors import InputError, LoadError

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = 200
WIDE = 9
C = f"""
#include <hotplate.h>
#include <time.h>
double weighted(double a, double b, double c) {{ return a + 10 * b + 100 * c; }}
double mixed(hp_ctx *ctx, int64_t n, double scale, const double x[n], double offset, double out_y[n]) {{
    for (int64_t i = 0; i < n; i++) out_y[i] = scale * x[i] + offset;
    return hp_check(ctx) + (double)n;
}}
double words(double self, double lambda, double cls) {{ return self + 10 * lambda + 100 * cls; }}
double many({", ".join(f"double p{i}" for i in range(MANY))}) {{
    return {" + ".join(f"{i} * p{i}" for i in range(MANY))};
}}
double wide(int64_t n, {", ".join(f"const double x{i}[n][2][1][1]" for i in range(WIDE))}, double out_last[n][2]) {{
    for (int64_t i = 0; i < 2 * n; i++) out_last[i / 2][i % 2] = x{WIDE - 1}[i / 2][i % 2][0][0];
    return {" + ".join(f"{i + 1} * x{i}[n - 1][1][0][0]" for i in range(WIDE))};
}}
void fan({", ".join(f"double out_y{i}[1]" for i in range(20))}, double x) {{
    {" ".join(f"out_y{i}[0] = {i} * x;" for i in range(20))}
}}
int64_t meet(int64_t n, const int32_t arrived[n], int64_t me, double seconds) {{
    volatile int32_t *flags = (volatile int32_t *)(uintptr_t)arrived;
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    flags[me] = 1;
    for (int64_t seen = 0; seen < n;) {{
        seen = 0;
        for (int64_t i = 0; i < n; i++) seen += flags[i];
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - begin.tv_sec > seconds) return seen;
    }}
    return n;
}}
int64_t digits(int64_t n, int64_t seed, int64_t out_all[n]) {{
    uint64_t state = (uint64_t)seed;
    for (int64_t i = 0; i < n; i++) {{
        state = state * 6364136223846793005u + 1442695040888963407u;
        out_all[i] = (int64_t)(state >> 33);
    }}
    return out_all[n - 1];
}}
void failing(hp_ctx *ctx, int64_t code) {{ if (code % 2) hp_fail(ctx, "odd: %lld", (long long)code); }}
"""


@pytest.fixture(scope="module")
def load(compiled: Callable[..., Any]) -> Callable[[str], Any]:
    return compiled(C).load


# Order and names


@pytest.mark.parametrize(
    ("positional", "named"),
    [((1, 2, 3), {}), ((1, 2), {"c": 3}), ((1,), {"c": 3, "b": 2}), ((), {"c": 3, "a": 1, "b": 2})],
)
def test_arguments_are_given_by_position_and_by_name(load: Callable[[str], Any], positional: Any, named: Any) -> None:
    assert load("weighted")(*positional, **named) == 321


def test_positions_leave_out_context_results_and_dimensions_of_arrays(load: Callable[[str], Any]) -> None:
    got = load("mixed")(2.0, np.array([1.0, 2.0]), 0.5)
    assert (got.value, got.y.tolist()) == (2, [2.5, 4.5])


def test_a_dimension_of_an_array_may_be_given_by_name(load: Callable[[str], Any]) -> None:
    assert load("mixed")(2.0, np.array([1.0]), 0.5, n=1).y.tolist() == [2.5]
    with pytest.raises(InputError, match=r"^mixed: n is 2 but 1 in x$"):
        load("mixed")(2.0, np.array([1.0]), 0.5, n=2)


def test_parameters_may_be_called_like_words_of_python(load: Callable[[str], Any]) -> None:
    assert load("words")(1, 2, 3) == load("words")(**{"self": 1, "lambda": 2, "cls": 3}) == 321


@pytest.mark.parametrize(
    ("positional", "named", "message"),
    [
        ((1, 2), {}, r"weighted() needs c (float64)"),
        ((), {"b": 1}, r"weighted() needs a (float64)"),
        ((1, 2, 3, 4), {}, r"weighted() takes 3 positional arguments (a, b, c), got 4"),
        ((1, 2, 3), {"d": 4}, r"weighted() has no parameter d; it takes a, b, c"),
        ((1, 2, 3), {"a": 4}, r"weighted() got two values for a"),
        ((1, 2, 3), {"ä": 4}, r"weighted() has no parameter ä; it takes a, b, c"),
    ],
)
def test_wrong_arguments_are_named(load: Callable[[str], Any], positional: Any, named: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        load("weighted")(*positional, **named)
    assert str(caught.value) == message


def test_too_many_positions_lists_only_those_that_count(load: Callable[[str], Any]) -> None:
    with pytest.raises(TypeError, match=r"^mixed\(\) takes 3 positional arguments \(scale, x, offset\), got 4$"):
        load("mixed")(1, 2.0, np.zeros(1), 0.5)


def test_python_can_look_at_the_signature(load: Callable[[str], Any]) -> None:
    assert str(inspect.signature(load("mixed"))) == "(scale, x, offset, *, n=None)"
    assert load("mixed").__name__ == "mixed"
    assert load("mixed").__doc__.startswith("double mixed(hp_ctx *ctx, int64_t n, double scale")


def test_the_signature_shows_words_of_python_with_an_underscore(load: Callable[[str], Any]) -> None:
    assert str(inspect.signature(load("words"))) == "(self, lambda_, cls)"


def test_a_cell_tells_its_types(load: Callable[[str], Any]) -> None:
    assert repr(load("mixed")) == (
        "<LoadedCell mixed(n: int64, scale: float64, x: float64[n], offset: float64) -> float64, float64[n]>"
    )
    assert (load("mixed").parameters, load("mixed").optional) == (("n", "scale", "x", "offset"), {"n"})
    with pytest.raises(InputError, match=r"^mixed has no port z; it has n, scale, x, offset, value, y$"):
        load("mixed").dtype("z")


# Calls of any size


def test_two_hundred_parameters(load: Callable[[str], Any]) -> None:
    expected = sum(i * (i + 0.5) for i in range(MANY))
    assert load("many")(*[i + 0.5 for i in range(MANY)]) == expected
    assert load("many")(**{f"p{i}": i + 0.5 for i in reversed(range(MANY))}) == expected


def test_the_last_of_two_hundred_parameters_is_checked_like_the_first(load: Callable[[str], Any]) -> None:
    with pytest.raises(TypeError, match=r"^many\(\) needs p199 \(float64\)$"):
        load("many")(*range(MANY - 1))
    with pytest.raises(InputError, match=r"^many: p199 wants float64, got str 'x'; "):
        load("many")(*range(MANY - 1), "x")


def test_more_than_thirty_two_axes(load: Callable[[str], Any]) -> None:
    arrays = [np.full((3, 2, 1, 1), float(i)) for i in range(WIDE)]
    got = load("wide")(*arrays)
    assert got.value == sum((i + 1) * i for i in range(WIDE))
    assert got.last.tolist() == [[WIDE - 1.0] * 2] * 3


def test_of_many_axes_the_wrong_one_is_named(load: Callable[[str], Any]) -> None:
    arrays = [np.zeros((3, 2, 1, 1)) for _ in range(WIDE)]
    arrays[-1] = np.zeros((3, 2, 1, 2))
    with pytest.raises(InputError, match=r"^wide: \[1\] is 1 but x8 has 2, axis 3$"):
        load("wide")(*arrays)


def test_twenty_results(load: Callable[[str], Any]) -> None:
    assert [array[0] for array in load("fan")(2.0)] == [2.0 * i for i in range(20)]


# Threads


def test_calls_of_one_cell_run_at_the_same_time(load: Callable[[str], Any]) -> None:
    # Each call waits inside the cell until all the others are inside too.
    threads, arrived = 8, np.zeros(8, np.int32)
    meet = load("meet")
    with ThreadPoolExecutor(threads) as pool:
        calls = [pool.submit(meet, arrived, me, 60.0) for me in range(threads)]
        assert [call.result() for call in calls] == [threads] * threads


def test_calls_at_the_same_time_keep_their_results_apart(load: Callable[[str], Any]) -> None:
    digits = load("digits")
    expected = {seed: digits(500, seed) for seed in range(8)}

    def agree(seed: int) -> bool:
        return all(
            got.value == expected[seed].value and (got.all == expected[seed].all).all()
            for got in (digits(500, seed) for _ in range(200))
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(agree, expected))


def test_failures_at_the_same_time_keep_their_messages_apart(load: Callable[[str], Any]) -> None:
    failing = load("failing")

    def message(code: int) -> str:
        try:
            return str(failing(code))
        except Exception as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(message, range(400)))
    assert got == [f"failing: odd: {code}" if code % 2 else "None" for code in range(400)]


# Closing


def test_a_closed_cell_refuses_calls_with_the_way_back(compiled: Callable[..., Any]) -> None:
    cell = compiled("int closed(int x) { return x + 7; }").load("closed")
    assert cell(1) == 8
    cell.close()
    with pytest.raises(LoadError, match=r"^closed was closed; load it again with nb.load\('closed'\)$"):
        cell(1)


def test_a_closed_cell_can_be_loaded_again(compiled: Callable[..., Any]) -> None:
    notebook = compiled("int reopened(int x) { return x + 8; }")
    notebook.load("reopened").close()
    assert notebook.load("reopened")(1) == 9


def test_closing_twice_is_closing_once(compiled: Callable[..., Any]) -> None:
    cell = compiled("int twice_closed(int x) { return x + 9; }").load("twice_closed")
    cell.close()
    cell.close()


def test_a_call_may_close_its_own_cell_from_another_thread(load: Callable[[str], Any]) -> None:
    arrived = np.zeros(2, np.int32)
    cell = load("meet")
    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(cell(arrived, 0, 60.0)))
    thread.start()
    while not arrived[0]:
        pass
    cell.close()
    arrived[1] = 1
    thread.join()
    assert done == [2]
