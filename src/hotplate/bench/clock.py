"""Which clock tells how long a cell takes, and quiet for as long as it is asked."""

from __future__ import annotations

import gc
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["PROCESSOR", "WALL", "Clock", "choose_clock", "quiet"]

_PROBE = 0.02
"""Seconds of calls that tell what a cell does besides computing."""
_REST = 0.002
_PATIENCE = 100
_ELSEWHERE = 0.1
"""The part of its processor time that a cell may spend on other threads and still count as one that has none."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Something that counts nanoseconds."""

    name: str
    read: Callable[[], int]
    alone: bool
    """Whether what it times runs on the calling thread only, so that it may be kept on one processor."""
    resolution: float


WALL = Clock("wall clock", time.perf_counter_ns, False, time.get_clock_info("perf_counter").resolution)
PROCESSOR = (
    Clock("processor time", time.thread_time_ns, True, 1e-7)
    # Windows counts the processor time of threads in ticks of 15.6 ms.
    if sys.platform != "win32" and hasattr(time, "thread_time_ns")
    else WALL
)


def choose_clock(call: Callable[[], object]) -> Clock:
    """The clock for a cell: the processor time of the thread if that is all that the cell takes, else the wall clock.

    Processor time leaves out what other programs take meanwhile. It would also leave out the threads that a cell has,
    and what it waits for: a cell that does either is timed by the clock on the wall.
    """
    if sys.platform == "win32" or PROCESSOR is WALL:
        return WALL
    import resource  # not on Windows

    def waits() -> int:
        return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw if hasattr(resource, "RUSAGE_THREAD") else 0

    _settle()
    before, own, all_threads, end = waits(), time.thread_time(), time.process_time(), time.monotonic() + _PROBE
    calls = 0
    while not calls or time.monotonic() < end:
        call()
        calls += 1
    waited = waits() - before
    own, all_threads = time.thread_time() - own, time.process_time() - all_threads
    return WALL if 4 * waited >= calls or all_threads - own > _ELSEWHERE * own else PROCESSOR


def _settle() -> None:
    """Waits until threads of earlier calls are at rest: those of OpenMP spin for some milliseconds after each."""
    for _ in range(_PATIENCE):
        before = time.process_time()
        time.sleep(_REST)
        if time.process_time() - before < _REST / 2:
            return


@contextmanager
def quiet(*, alone: bool) -> Iterator[None]:
    """Keeps Python's garbage collector out, and the thread on one processor if it is `alone` and that is allowed."""
    collects = gc.isenabled()
    gc.collect()
    gc.disable()
    processors = _stay() if alone else frozenset()
    try:
        yield
    finally:
        if processors:
            os.sched_setaffinity(0, processors)  # type: ignore[attr-defined,unused-ignore]  # set by _stay only
        if collects:
            gc.enable()


def _stay() -> frozenset[int]:
    """Keeps this thread on one processor; returns those that it could run on, or nothing where that is not offered.

    It is the last one: the first one has the system's interrupts on most machines.
    """
    if sys.platform != "linux":
        return frozenset()
    allowed = frozenset(os.sched_getaffinity(0))
    try:
        os.sched_setaffinity(0, {max(allowed)})
    except OSError:  # a sandbox that forbids it
        return frozenset()
    return allowed
