"""StateManager: results by what they were computed from, what equal results share, and the memory of cells."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pytest

from hotplate.run import StateManager
from hotplate.run.state import Trace


def trace(key: str, **inputs: str) -> Trace:
    return Trace(key, tuple(inputs.items()))


class Pair(NamedTuple):
    low: Any
    high: Any


def test_a_result_is_found_under_its_own_trace_only() -> None:
    state = StateManager()
    kept = state.keep("a", trace("k1", x="1"), 5, 0.1, version=3)
    assert state.find("a", trace("k1", x="1")) is kept is state.latest("a")
    assert (kept.value, kept.seconds, kept.version) == (5, 0.1, 3)
    assert state.find("a", trace("k1", x="2")) is None
    assert state.find("a", trace("k2", x="1")) is None
    assert state.find("b", trace("k1", x="1")) is None


def test_an_earlier_result_is_found_and_is_the_latest_again() -> None:
    state = StateManager()
    first = state.keep("a", trace("k1"), 5)
    second = state.keep("a", trace("k2"), 6)
    assert state.latest("a") is second
    assert state.find("a", trace("k1")) is first is state.latest("a")
    assert state.find("a", trace("k2")) is second


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (5, 5, True),
        (5, 6, False),
        (5, 5.0, False),
        (np.arange(4.0), np.arange(4.0), True),
        (np.arange(4.0), np.arange(4), False),
        (np.zeros(4), np.zeros((2, 2)), False),
        (np.array([0.0]), np.array([-0.0]), False),
        (object(), object(), False),
        ([1], [1], False),  # it may have been changed since
    ],
)
def test_results_with_equal_bytes_have_equal_contents(one: Any, other: Any, same: bool) -> None:
    state = StateManager()
    first = state.keep("a", trace("k1"), one)
    second = state.keep("a", trace("k2"), other)
    assert (first.contents == second.contents) is same


def test_contents_are_compared_with_all_earlier_results() -> None:
    state = StateManager()
    first = state.keep("a", trace("k1"), 5)
    state.keep("a", trace("k2"), 6)
    assert state.keep("a", trace("k3"), 5).contents == first.contents


def test_two_cells_never_share_contents() -> None:
    state = StateManager()
    assert state.keep("a", trace("k"), 5).contents != state.keep("b", trace("k"), 5).contents


def test_the_fields_of_several_results_are_compared_one_by_one() -> None:
    state = StateManager()
    first = state.keep("a", trace("k1"), Pair(1, np.zeros(3)))
    second = state.keep("a", trace("k2"), Pair(2, np.zeros(3)))
    assert first.contents["high"] == second.contents["high"]
    assert first.contents["low"] != second.contents["low"]
    assert first.contents[None] != second.contents[None]
    assert state.keep("a", trace("k3"), Pair(2, np.zeros(3))).contents == second.contents


def test_the_number_of_earlier_results_of_a_cell_is_bounded() -> None:
    state = StateManager(history=2)
    for i in range(4):
        state.keep("a", trace(f"k{i}"), i)
    assert [state.find("a", trace(f"k{i}")) is not None for i in (0, 1, 2, 3)] == [False, True, True, True]


def test_their_memory_is_bounded_over_all_cells_and_the_oldest_go_first() -> None:
    state = StateManager(history_bytes=51_000)
    for name in "abc":
        state.keep(name, trace("k1"), np.zeros(3000))
    for name in "abc":
        state.keep(name, trace("k2"), np.ones(3000))
    assert [state.find(name, trace("k1")) is not None for name in "abc"] == [False, True, True]


def test_one_that_is_larger_than_the_bound_leaves_the_others() -> None:
    state = StateManager(history_bytes=50_000)
    state.keep("small", trace("k1"), np.zeros(100))
    state.keep("small", trace("k2"), np.ones(100))
    state.keep("large", trace("k1"), np.zeros(10_000))
    state.keep("large", trace("k2"), np.ones(10_000))
    assert state.find("large", trace("k1")) is None
    assert state.find("small", trace("k1")) is not None


@pytest.mark.parametrize("held", [{"u": np.zeros(10_000)}, [np.zeros(10_000)], np.zeros(10_000)[:1]])
def test_what_a_value_keeps_in_memory_counts(held: Any) -> None:
    state = StateManager(history_bytes=50_000)
    state.keep("a", trace("k1"), held)
    state.keep("a", trace("k2"), 0)
    assert state.find("a", trace("k1")) is None


def test_the_number_of_names_that_are_remembered_is_bounded() -> None:
    state = StateManager(history_bytes=50_000)
    for i in range(1000):
        state.keep(f"cell{i}", trace("k"), i)
        state.drop(f"cell{i}")
    assert state.find("cell0", trace("k")) is None
    assert state.find("cell999", trace("k")) is not None


def test_a_result_that_fell_out_of_the_history_is_freed() -> None:
    class Value: ...

    state, value = StateManager(history=1), Value()
    reference = weakref.ref(value)
    state.keep("a", trace("k1"), value)
    del value
    state.keep("a", trace("k2"), None)
    state.keep("a", trace("k3"), None)
    gc.collect()
    assert reference() is None


def test_results_that_are_replaced_leave_nothing_behind() -> None:
    state = StateManager()
    for i in range(100):
        state.keep("impure", trace("k"), i)
    assert len(state._digests) <= 2


def test_a_cell_that_was_dropped_has_no_result_until_it_comes_back() -> None:
    state = StateManager()
    kept = state.keep("a", trace("k1"), 5)
    state.drop("a")
    assert state.latest("a") is None
    assert state.find("a", trace("k1")) is kept is state.latest("a")


def test_a_cell_has_one_block_of_memory_until_it_is_dropped() -> None:
    state = StateManager()
    block = state.block("a")
    assert state.block("a") is block
    assert state.block("b") is not block
    state.drop("a")
    assert state.block("a") is not block


def test_a_renamed_cell_keeps_its_memory() -> None:
    state = StateManager()
    block = state.block("old")
    state.rename("old", "new")
    assert state.block("new") is block
    assert state.block("old") is not block


def test_threads_that_ask_at_once_get_the_same_block() -> None:
    state = StateManager()
    with ThreadPoolExecutor(8) as pool:
        blocks = list(pool.map(lambda i: state.block(f"cell{i % 5}"), range(200)))
    assert len({id(block) for block in blocks}) == 5


def test_dropping_what_is_not_there_is_fine() -> None:
    StateManager().drop("nothing")
