"""Times the versions of one cell against each other: rounds in which they take turns, in blocks."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from functools import partial
from itertools import cycle, repeat
from typing import TYPE_CHECKING, Any

from hotplate.bench.clock import PROCESSOR, choose_clock, quiet
from hotplate.bench.plan import Sampling, Settings, is_enough, plan_sampling
from hotplate.bench.statistics import Interval, block_time, ratio_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hotplate.bench.clock import Clock

__all__ = ["PLACES", "Entrant", "Measurement", "call_often", "interval_between", "measure"]

PLACES = 8
"""How often each version is loaded."""
_WARM = 0.05
"""Seconds of calls of each version before the first sample, less where there is little time: caches, branch predictors,
the processor's frequency."""
_LOOK = 8
"""Blocks between two looks at the intervals; a tenth of all when there are many, for a look takes longer then."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """One version of a cell."""

    calls: tuple[Callable[..., Any], ...]
    """Its cell, once for each place that it is loaded at."""
    arguments: tuple[Any, ...]


@dataclass(slots=True)
class Measurement:
    """What was measured so far. It can be read at any time."""

    clock: Clock
    sampling: Sampling
    samples: list[list[float]]
    """For each version, seconds per call."""
    blocks: list[list[float]]
    """For each version and block, the one time that stands for it."""
    seconds: float = 0.0

    @property
    def complete(self) -> int:
        """How many blocks all versions have; an interrupt may leave one with a block more."""
        return min(len(blocks) for blocks in self.blocks)


def measure(
    entrants: Sequence[Entrant],
    pairs: Sequence[tuple[int, int]],
    settings: Settings,
    *,
    shuffle: Callable[[random.Random], object] = lambda _: None,
    keep: Callable[[Measurement], object] = lambda _: None,
    now: Callable[[], float] = time.monotonic,
) -> Measurement:
    """Times the entrants until the intervals of the `pairs` (baseline, other) are narrow enough or time is spent.

    A block takes each version at one of its places, `shuffle`s what else has a place, and has rounds in which all take
    a sample, in a new order each time: what disturbs one disturbs the others alike. `keep` is given the measurement
    before the first block, so that it is there after an interrupt, which passes through.
    """
    chosen = random.Random(settings.seed)  # an order that can be had again, no secret
    clock = _clock_for(entrants)
    with quiet(alone=clock.alone):
        warm = min(_WARM, settings.seconds / 20)
        seconds = [_warm_up(entrant, clock, warm) for entrant in entrants]
        sampling = plan_sampling(seconds, settings.seconds, settings.least_blocks, clock.resolution)
        measured = Measurement(clock, sampling, [[] for _ in entrants], [[] for _ in entrants])
        keep(measured)
        begun = now()
        while not _is_over(measured, pairs, settings):
            shuffle(chosen)
            _add(measured, _block(entrants, measured, chosen))
            measured.seconds = now() - begun
    return measured


def interval_between(measured: Measurement, pair: tuple[int, int], seed: int) -> Interval | None:
    """The ratio of the times of a pair (baseline, other) so far; None while there are fewer than two blocks."""
    baseline, other = (measured.blocks[i][: measured.complete] for i in pair)
    return ratio_interval(baseline, other, seed) if len(baseline) > 1 else None


def _is_over(measured: Measurement, pairs: Sequence[tuple[int, int]], settings: Settings) -> bool:
    count = len(measured.blocks[0])
    if measured.seconds >= settings.seconds and count >= _LEAST:
        return True
    if count < settings.least_blocks or (count > settings.least_blocks and count % max(_LOOK, count // 10)):
        return False
    intervals = [it for pair in pairs if (it := interval_between(measured, pair, settings.seed))]
    return is_enough(count, intervals, settings)


_LEAST = 6
"""Blocks that there are however little time: of fewer, no 95 % interval of a median can be told."""


def _clock_for(entrants: Sequence[Entrant]) -> Clock:
    """The one clock for all: if any of them has threads or waits, that on the wall."""
    clocks = (choose_clock(partial(entrant.calls[0], *entrant.arguments)) for entrant in entrants)
    return next((clock for clock in clocks if not clock.alone), PROCESSOR)


def _warm_up(entrant: Entrant, clock: Clock, seconds: float) -> float:
    """Calls a version at all its places for a while; returns the seconds of a call."""
    best, end = float("inf"), time.monotonic() + seconds
    for call in cycle(entrant.calls):
        best = min(best, _sample(call, entrant.arguments, 1, clock) / 1e9)
        if time.monotonic() >= end:
            break
    call, inner = entrant.calls[0], max(1, min(100, int(1e-4 / max(best, 1e-9))))
    return min(_sample(call, entrant.arguments, inner, clock) / inner / 1e9 for _ in range(3)) if inner > 1 else best


def _block(entrants: Sequence[Entrant], measured: Measurement, chosen: random.Random) -> list[list[float]]:
    calls = [chosen.choice(entrant.calls) for entrant in entrants]
    inner, clock = measured.sampling.inner, measured.clock
    for i in (i for i, warms in enumerate(measured.sampling.warms) if warms):
        calls[i](*entrants[i].arguments)  # the first call at a place finds nothing of it in the caches
    samples: list[list[float]] = [[] for _ in entrants]
    order = list(range(len(entrants)))
    for _ in range(measured.sampling.rounds):
        chosen.shuffle(order)
        for i in order:
            samples[i].append(_sample(calls[i], entrants[i].arguments, inner[i], clock) / inner[i] / 1e9)
    return samples


def _sample(call: Callable[..., Any], arguments: tuple[Any, ...], inner: int, clock: Clock) -> int:
    """How many nanoseconds a number of calls take."""
    read = clock.read
    begin = read()
    call_often(call, arguments, inner)
    return read() - begin


def call_often(call: Callable[..., Any], arguments: tuple[Any, ...], times: int) -> None:
    """Calls with as little around it as Python has."""
    for _ in repeat(None, times):
        call(*arguments)


def _add(measured: Measurement, block: list[list[float]]) -> None:
    for i, samples in enumerate(block):
        measured.samples[i] += samples
        measured.blocks[i].append(block_time(samples))
