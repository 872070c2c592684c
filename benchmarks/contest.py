"""Contests: contenders that are timed in turns, so that what disturbs the machine disturbs all of them alike."""

from __future__ import annotations

import random
import statistics
import subprocess
import time
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


class Sample(NamedTuple):
    """One measurement: seconds for one operation and, where it matters, how many processors were busy meanwhile."""

    seconds: float
    cores: float | None = None


Sampler = Callable[[], Sample]


@dataclass(frozen=True, slots=True)
class Aim:
    """What a contender should reach. `kept` is asked with its median and the baseline's."""

    text: str
    kept: Callable[[float, float], bool]


def at_most(ratio: float) -> Aim:
    """No more than so many times the baseline."""
    return Aim(f"≤ {ratio:g} x", lambda median, baseline: median <= ratio * baseline)


def within(seconds: float) -> Aim:
    """No more than so many seconds, whatever the baseline takes."""
    return Aim(f"≤ {duration(seconds)}", lambda median, _: median <= seconds)


def on_top(seconds: float) -> Aim:
    """No more than so many seconds above the baseline."""
    return Aim(f"≤ {duration(seconds)} on top", lambda median, baseline: median - baseline <= seconds)


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do what a contest is about.

    `prepare` gets a folder of its own and returns the function that takes one sample; it may skip, with the reason.
    """

    name: str
    prepare: Callable[[Path], Sampler]
    aim: Aim | None = None
    rounds: int | None = None
    """Fewer than the contest's, for what takes seconds."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Contest:
    """Contenders that do the same. The first is the baseline: ratios are against its median."""

    title: str
    rounds: int
    contenders: tuple[Contender, ...]

    @property
    def baseline(self) -> Contender:
        """What the others are compared with."""
        return self.contenders[0]


class Entrant(NamedTuple):
    """A contender in its contest: what one test is about."""

    contest: Contest
    contender: Contender


def everyone_in(contest: Contest) -> pytest.MarkDecorator:
    """Makes a test one for each contender."""
    entrants = [pytest.param(Entrant(contest, contender), id=contender.name) for contender in contest.contenders]
    return pytest.mark.parametrize("entrant", entrants)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All samples of one contender, or why there are none."""

    samples: tuple[Sample, ...] = ()
    skipped: str = ""

    @property
    def median(self) -> float:
        """Seconds for one operation."""
        return statistics.median(sample.seconds for sample in self.samples)

    @property
    def spread(self) -> float:
        """The distance between the quartiles, in seconds."""
        if len(self.samples) < 2:
            return 0.0
        low, _, high = statistics.quantiles((sample.seconds for sample in self.samples), n=4, method="inclusive")
        return high - low

    @property
    def cores(self) -> float | None:
        """The median of the busy processors, where they were measured."""
        known = [sample.cores for sample in self.samples if sample.cores is not None]
        return statistics.median(known) if known else None


def measure(contest: Contest, selected: Iterable[str], folder: Path) -> dict[str, Outcome]:
    """Times the baseline and the selected contenders, each after every other, in an order that changes each round."""
    wanted = {contest.baseline.name, *selected}
    outcomes: dict[str, Outcome] = {}
    samplers: dict[Contender, Sampler] = {}
    for number, contender in enumerate(c for c in contest.contenders if c.name in wanted):
        own = folder / str(number)
        own.mkdir(parents=True)
        try:
            samplers[contender] = contender.prepare(own)
        except pytest.skip.Exception as reason:
            outcomes[contender.name] = Outcome(skipped=str(reason))
    samples = take_turns(contest.rounds, samplers)
    return outcomes | {contender.name: Outcome(tuple(taken)) for contender, taken in samples.items()}


def take_turns(rounds: int, samplers: Mapping[Contender, Sampler]) -> dict[Contender, list[Sample]]:
    """The samples of each contender. One with fewer rounds takes part in rounds that lie evenly among the others."""
    samples: dict[Contender, list[Sample]] = {contender: [] for contender in samplers}
    shuffled, order = random.Random(0), list(samplers)
    for turn in range(rounds):
        shuffled.shuffle(order)  # who comes after the one that fills the caches must not be the same each time
        for contender in order:
            own = min(contender.rounds or rounds, rounds)
            if turn * own // rounds != (turn + 1) * own // rounds:
                samples[contender].append(samplers[contender]())
    return samples


# ---- samplers ----


def per_call(statement: str, names: Mapping[str, object]) -> Sampler:
    """Times a statement that takes nanoseconds. A sample lasts 0.2 ms, so most fall between two interruptions."""
    timer = timeit.Timer(statement, globals=dict(names))
    timer.timeit(1000)
    count = max(1, round(2e-4 / (timer.timeit(1000) / 1000)))
    return lambda: Sample(timer.timeit(count) / count)


def timed(operation: Callable[[], object], *, each: int = 1, before: Callable[[], object] | None = None) -> Sampler:
    """Times a function that does `each` operations; `before` runs ahead of it, outside the measured time."""

    def sample() -> Sample:
        if before is not None:
            before()
        begin = time.perf_counter()
        operation()
        return Sample((time.perf_counter() - begin) / each)

    return sample


def command(argv: Sequence[str], cwd: Path, environ: Mapping[str, str] | None = None) -> Callable[[], None]:
    """A function that runs a program to its end; it raises what the program printed when it fails."""

    def run() -> None:
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = subprocess.run(argv, cwd=cwd, env=environ, check=False, **streams)
        if done.returncode:
            raise RuntimeError(f"{argv[0]} ended with {done.returncode}:\n{done.stdout.decode(errors='replace')}")

    return run


# ---- the table ----


def table(contest: Contest, outcomes: Mapping[str, Outcome]) -> list[str]:
    """The lines that tell how a contest went."""
    rows = [_row(contender, outcomes, contest) for contender in contest.contenders if contender.name in outcomes]
    heading = ("", "median", "IQR", "ratio", "aim", "")
    widths = [max(len(row[column]) for row in (heading, *rows) if len(row) == len(heading)) for column in range(6)]
    title = f"{contest.title}; ratios to {contest.baseline.name}"
    return [title, *(f"  {_aligned(row, widths)}".rstrip() for row in (heading, *rows))]


def _row(contender: Contender, outcomes: Mapping[str, Outcome], contest: Contest) -> tuple[str, ...]:
    outcome = outcomes[contender.name]
    if outcome.skipped:
        return contender.name, f"skipped: {outcome.skipped}"
    facts = facts_of(contender, outcomes, contest)
    notes = [f"{outcome.cores:.2f} processors busy"] if outcome.cores is not None else []
    if contender.aim:
        notes.insert(0, {True: "kept", False: "MISSED", None: "no baseline"}[facts["kept"]])
    ratio = f"{facts['ratio']:.3g} x" if facts["ratio"] else ""
    aim = contender.aim.text if contender.aim else ""
    return contender.name, duration(outcome.median), duration(outcome.spread), ratio, aim, ", ".join(notes)


def facts_of(contender: Contender, outcomes: Mapping[str, Outcome], contest: Contest) -> dict[str, Any]:
    """What is told besides the times, also in pytest-benchmark's JSON: the ratio, and whether the aim is kept."""
    own, baseline = outcomes[contender.name], outcomes[contest.baseline.name]
    reference = baseline.median if baseline.samples else 0.0
    aim = contender.aim
    return {
        "baseline": contest.baseline.name,
        "ratio": own.median / reference if reference else None,
        "aim": aim.text if aim else None,
        "kept": aim.kept(own.median, reference) if aim and reference else None,
        "cores": own.cores,
    }


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    name, *cells = row
    if len(cells) == 1:
        return f"{name:{widths[0]}}  {cells[0]}"
    *numbers, last = cells
    return "  ".join([f"{name:{widths[0]}}", *(f"{n:>{w}}" for n, w in zip(numbers, widths[1:-1], strict=True)), last])


def duration(seconds: float) -> str:
    """Seconds with three digits and the unit that fits."""
    unit, size = next(((u, s) for u, s in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)) if seconds >= s), ("ns", 1e-9))
    value = seconds / size
    return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"
