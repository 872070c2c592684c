from __future__ import annotations

import gc
import random
import sys
import threading
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.bench import clock
from hotplate.bench.clock import PROCESSOR, WALL, choose_clock, quiet
from hotplate.bench.placement import Copies, ResultMemory
from hotplate.bench.plan import Settings
from hotplate.bench.timing import Entrant, Measurement, interval_between, measure
from hotplate.load import StateBlock, library_report

if TYPE_CHECKING:
    from collections.abc import Callable

    import hotplate


def entrant(call: Callable[..., Any]) -> Entrant:
    return Entrant((call,), ())


def test_every_block_has_a_time_of_each_version_and_every_round_a_sample() -> None:
    made = measure([entrant(int), entrant(float)], [(0, 1)], Settings(seconds=0.02, least_blocks=6))
    assert len(made.blocks[0]) == len(made.blocks[1]) == made.complete >= 6
    assert {len(samples) for samples in made.samples} == {made.complete * made.sampling.rounds}
    assert interval_between(made, (0, 1), seed=0) is not None


def test_however_little_time_there_is_an_interval_can_be_told() -> None:
    made = measure([entrant(int), entrant(int)], [(0, 1)], Settings(seconds=1e-9), now=count().__next__)
    assert made.complete == 6


def test_what_was_measured_before_an_interrupt_can_be_read() -> None:
    kept: list[Measurement] = []
    calls = count()

    def interrupted() -> None:
        if kept and kept[0].complete >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure([entrant(calls.__next__), entrant(interrupted)], [(0, 1)], Settings(), keep=kept.append)
    assert kept[0].complete >= 2
    assert gc.isenabled()


@pytest.mark.skipif(PROCESSOR is WALL, reason="there is no processor time of a thread")
def test_the_clock_is_that_of_the_thread_unless_a_cell_waits_or_has_threads() -> None:
    def threads() -> None:
        busy = threading.Thread(target=lambda: sum(range(200_000)))
        busy.start()
        busy.join()

    assert choose_clock(lambda: sum(range(1000))) is PROCESSOR
    assert choose_clock(lambda: time.sleep(0.001)) is WALL
    assert choose_clock(threads) is WALL


def test_one_version_that_waits_puts_all_on_the_clock_on_the_wall() -> None:
    entrants = [entrant(int), entrant(lambda: time.sleep(0.001))]
    made = measure(entrants, [(0, 1)], Settings(seconds=0.01, least_blocks=6))
    assert made.clock is WALL
    assert min(made.blocks[1]) > 0.001 > max(made.blocks[0])


@pytest.mark.skipif(sys.platform != "linux", reason="processors are chosen on Linux")
def test_it_stays_on_one_processor_and_gives_the_others_back() -> None:
    import os

    allowed = os.sched_getaffinity(0)
    with quiet(alone=True):
        assert len(os.sched_getaffinity(0)) == 1
        assert not gc.isenabled()
    assert os.sched_getaffinity(0) == allowed
    assert gc.isenabled()


def test_where_it_may_not_choose_a_processor_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(clock.os, "sched_setaffinity", refuse, raising=False)
    with quiet(alone=True):
        pass


def test_memory_of_results_is_used_again_when_nobody_has_it() -> None:
    memory, shape, dtype = ResultMemory(), (100, 100), np.dtype(np.float64)
    first, second = memory.empty(shape, dtype), memory.empty(shape, dtype)
    assert not np.shares_memory(first, second)
    where, view = first.ctypes.data, first[1:]
    del first
    third = memory.empty(shape, dtype)
    assert not np.shares_memory(third, view)
    del view
    assert memory.empty(shape, dtype).ctypes.data == where


def test_memory_of_results_moves_within_a_page() -> None:
    memory, chosen = ResultMemory(), random.Random(0)
    places = set()
    for _ in range(20):
        memory.move(chosen)
        places.add(memory.empty((10_000,), np.dtype(np.float64)).ctypes.data)
    assert len(places) > 10
    assert max(places) - min(places) < 4096
    assert {place % 8 for place in places} == {0}


C = """
#include <hotplate.h>
void x(int64_t n, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = (double)i; }
int64_t calls(hp_ctx *ctx) { int64_t *count = hp_state(ctx, sizeof *count, 1); return ++*count; }
"""


@pytest.fixture(scope="module")
def notebook(compiled: Callable[..., hotplate.Notebook]) -> hotplate.Notebook:
    return compiled(C)


def test_copies_of_a_library_lie_at_places_of_their_own_and_are_gone_afterwards(notebook: hotplate.Notebook) -> None:
    library = notebook.load("x").path
    before = library_report().in_use
    with Copies() as copies:
        calls = [copies.load(library, StateBlock(), np.empty) for _ in range(3)]
        assert library_report().in_use == before + 3
        assert all((call(5) == np.arange(5.0)).all() for call in calls)
        folder = Path(copies.folder)
        del calls
    assert library_report().in_use == before
    assert not folder.exists()


def test_all_places_of_a_version_share_one_memory(notebook: hotplate.Notebook) -> None:
    library, state = notebook.load("calls").path, StateBlock()
    with Copies() as copies:
        assert [copies.load(library, state, np.empty)() for _ in range(3)] == [1, 2, 3]
