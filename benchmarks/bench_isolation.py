"""What isolation costs: a call in another process, its result, the end of one that hangs, and the next worker.

The work itself is nothing, so these are the costs of crossing from one process to another and back. All pools have one
worker that has been used before.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from benchmarks.contest import Contender, Contest, Sample, everyone_in, timed, within
from hotplate.execute import OutcomeKind
from hotplate.execute.backend import GRACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.contest import Entrant, Sampler

MIB = 1 << 20
EACH = 50
"""Empty calls in a row: the first of them wakes a worker that has slept while others had their turn."""
DEADLINE = 0.1
CELLS = """
#include <stdint.h>

// %% Here
int64_t here(void) { return 1; }

// %% There isolate=yes
int64_t nothing(void) { return 1; }
int64_t large(int64_t n, double out[n]) {
    out[0] = out[n - 1] = 1;
    return n;
}
int64_t endless(void) {
    for (volatile int64_t i = 0;; i = i + 1) continue;
    return 1;
}
"""


def nothing() -> int:
    return 1


_kept: list[Any] = []


def large() -> Any:
    """As the cell, this one does not compute its result each time."""
    if not _kept:
        _kept.append(np.ones(64 * MIB // 8))
    return _kept[0]


def endless() -> None:
    while True:
        pass


def notebook(folder: Path) -> hotplate.Notebook:
    return hotplate.Notebook(folder / "cells.c", text=CELLS)


# ---- peers ----


def process_pool(_: Path) -> Any:
    return ProcessPoolExecutor(1)


def loky(_: Path) -> Any:
    return pytest.importorskip("loky").ProcessPoolExecutor(1)


def pebble(_: Path) -> Any:
    """With the names of the others."""
    pool = pytest.importorskip("pebble").ProcessPool(max_workers=1)
    pool.submit = pool.schedule
    return pool


def calling(executor: Callable[[Path], Any], function: Callable[[], Any], each: int = 1) -> Callable[[Path], Sampler]:
    def prepare(folder: Path) -> Sampler:
        pool = executor(folder)
        pool.submit(function).result()
        return timed(lambda: [pool.submit(function).result() for _ in range(each)], each=each)

    return prepare


# ---- a call and its result ----


def cell(name: str) -> Callable[[Path], Sampler]:
    def prepare(folder: Path) -> Sampler:
        function = notebook(folder).load(name)
        assert function() == 1
        return timed(lambda: [function() for _ in range(EACH)], each=EACH)

    return prepare


def large_cell(folder: Path) -> Sampler:
    function, size = notebook(folder).load("large"), 64 * MIB // 8

    def call() -> None:
        for _ in range(5):
            assert function(size).value == size  # the result goes at once, so its memory serves the next call

    call()
    return timed(call, each=5)


EMPTY = Contest(
    "isolation, an empty cell there and back",
    rounds=101,
    contenders=(
        Contender("ProcessPoolExecutor", calling(process_pool, nothing, EACH)),
        Contender("hotplate, isolated", cell("nothing"), aim=within(10e-6)),
        Contender("loky", calling(loky, nothing, EACH)),
        Contender("Pebble", calling(pebble, nothing, EACH)),
        Contender("hotplate, in this process", cell("here")),
    ),
)

LARGE = Contest(
    "isolation, a result of 64 MiB",
    rounds=15,
    contenders=(
        Contender("ProcessPoolExecutor", calling(process_pool, large)),
        Contender("hotplate, isolated", large_cell, aim=within(0.1e-3)),
        Contender("loky", calling(loky, large)),
        Contender("Pebble", calling(pebble, large)),
    ),
)


# ---- the end of a call that hangs ----


def overdue(folder: Path) -> Sampler:
    """How long after the deadline and the grace the call is over."""
    call: Any = notebook(folder).load("endless")

    def sample() -> Sample:
        begin = time.perf_counter()
        outcome = call.attempt((), {}, timeout=DEADLINE)
        end = time.perf_counter()
        assert outcome.kind is OutcomeKind.TIMED_OUT
        return Sample(end - begin - DEADLINE - GRACE)

    sample()
    return sample


def overdue_pebble(folder: Path) -> Sampler:
    pool = pebble(folder)
    pool.submit(nothing).result()

    def sample() -> Sample:
        begin = time.perf_counter()
        with pytest.raises(TimeoutError):
            pool.schedule(endless, timeout=DEADLINE).result()
        return Sample(time.perf_counter() - begin - DEADLINE)

    return sample


HANGS = Contest(
    "isolation, an endless loop after its deadline of 100 ms (and its grace)",
    rounds=15,
    contenders=(
        Contender("Pebble", overdue_pebble, rounds=3),
        Contender("hotplate, isolated", overdue, aim=within(5e-3)),
    ),
)


# ---- the next worker ----


def ready(*, spare: bool, knows: bool = False) -> Callable[[Path], Sampler]:
    """From the kill of a worker amid a call to the end of the next call, made at once.

    `knows`: the spare has loaded the library before, as when cells run at the same time; else that is part of the time.
    """

    def prepare(folder: Path) -> Sampler:
        nb = notebook(folder)
        loops, after = nb.load("endless"), nb.load("nothing")
        pool = loops._pool  # type: ignore[attr-defined]  # an isolated cell has one
        pool._size = 2

        def sample() -> Sample:
            after()
            _until(lambda: len(pool._idle) >= 2)
            if not spare:
                with pool._lock:
                    surplus, pool._idle[:] = pool._idle[:-1], pool._idle[-1:]
                for worker in surplus:
                    worker.bury()
            for worker in pool._idle:
                if knows and after._library.number not in worker.libraries:  # type: ignore[attr-defined]
                    worker.open(after._library.path, after._library.number)  # type: ignore[attr-defined]
            thread = threading.Thread(target=lambda: loops.attempt((), {}))  # type: ignore[attr-defined]
            thread.start()
            _until(lambda: any(worker.cell for worker in pool._busy.values()))
            time.sleep(0.002)
            begin = time.perf_counter()
            pool.kill()
            after()
            end = time.perf_counter()
            thread.join()
            return Sample(end - begin)

        return sample

    return prepare


def ready_process_pool(folder: Path) -> Sampler:
    """A broken pool makes no call any more, so there is a new one."""
    pools = [process_pool(folder)]

    def sample() -> Sample:
        (process,) = pools[0]._processes or [pools[0].submit(os.getpid).result()]
        begin = time.perf_counter()
        os.kill(process, signal.SIGKILL)
        pools[:] = [process_pool(folder)]
        pools[0].submit(nothing).result()
        return Sample(time.perf_counter() - begin)

    return sample


def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.001)


READY = Contest(
    "isolation, from a kill to the end of the next call",
    rounds=31,
    contenders=(
        Contender("ProcessPoolExecutor", ready_process_pool),
        Contender("hotplate, the spare has the library", ready(spare=True, knows=True), aim=within(0.3e-3)),
        Contender("hotplate, the spare loads the library", ready(spare=True)),
        Contender("hotplate, without a spare", ready(spare=False), aim=within(1e-3)),
    ),
)


@everyone_in(EMPTY)
def test_an_empty_cell(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(LARGE)
def test_a_large_result(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(HANGS)
def test_a_call_that_hangs(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(READY)
def test_the_next_worker(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


def test_the_memory_of_a_worker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gc.collect()
    function = notebook(tmp_path).load("nothing")
    function()
    with ProcessPoolExecutor(1) as peer:
        theirs = peer.submit(os.getpid).result()
        own = function._pool.workers[0]  # type: ignore[attr-defined]  # an isolated cell has one
        sizes = {"hotplate, isolated": _private_mib(own), "ProcessPoolExecutor": _private_mib(theirs)}
    with capsys.disabled():
        print("\nisolation, private memory of a worker; aim: ≤ 3 MiB")
        for name, size in sizes.items():
            print(f"  {name:19}  {size:.2f} MiB")


def _private_mib(process: int) -> float:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024
