"""StateManager: results by what they were computed from, and the memory of cells."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

from hotplate.run import StateManager
from hotplate.run.state import Stored


def test_a_result_is_found_under_its_own_trace_only() -> None:
    state = StateManager()
    state.keep("a", Stored("t1", 5, 0.1))
    assert state.find("a", "t1") == Stored("t1", 5, 0.1)
    assert state.find("a", "t2") is None
    assert state.find("b", "t1") is None


def test_the_latest_result_replaces_the_one_before() -> None:
    state = StateManager()
    state.keep("a", Stored("t1", 5, 0.1))
    state.keep("a", Stored("t2", 6, 0.1))
    assert state.find("a", "t1") is None
    assert state.latest("a") == Stored("t2", 6, 0.1)


def test_a_replaced_result_is_freed() -> None:
    class Value: ...

    state, value = StateManager(), Value()
    reference = weakref.ref(value)
    state.keep("a", Stored("t1", value, 0.1))
    del value
    state.keep("a", Stored("t2", None, 0.1))
    gc.collect()
    assert reference() is None


def test_a_cell_has_one_block_of_memory_until_it_is_dropped() -> None:
    state = StateManager()
    block = state.block("a")
    assert state.block("a") is block
    assert state.block("b") is not block
    state.drop("a")
    assert state.latest("a") is None
    assert state.block("a") is not block


def test_threads_that_ask_at_once_get_the_same_block() -> None:
    state = StateManager()
    with ThreadPoolExecutor(8) as pool:
        blocks = list(pool.map(lambda i: state.block(f"cell{i % 5}"), range(200)))
    assert len({id(block) for block in blocks}) == 5


def test_dropping_what_is_not_there_is_fine() -> None:
    StateManager().drop("nothing")
