"""What people see of a benchmark: times with their spread, the verdicts, and what is to be known about both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.bench.statistics import Verdict
from hotplate.bench.words import verdict
from hotplate.show.tables import print_table
from hotplate.show.words import milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console
    from rich.text import Text

    from hotplate.bench import Case, Report, Timing

_LEAST_RATE = 0.01
_COLOURS = {Verdict.FASTER: "green", Verdict.SLOWER: "bold red", Verdict.UNDECIDED: "yellow", Verdict.SAME: ""}


def print_report(console: Console, report: Report) -> None:
    """Prints a row for each version of each cell, a line for each comparison, and notes."""
    from rich.text import Text

    if any(case.timings for case in report.cases):
        _print_times(console, report)
    lines = [line for case in report.cases for line in _verdicts(case)]
    if lines:
        console.print()
    for line in lines:
        console.print(line, soft_wrap=True)
    for found in report.remarks:
        console.print(Text(f"\n{found.render()}"), soft_wrap=True)
    console.print()
    for note in _notes(report):
        console.print(Text(note, "dim"), soft_wrap=True)


def _print_times(console: Console, report: Report) -> None:
    names = list(dict.fromkeys(name for case in report.cases for name in case.point))
    timed = [(case, timing) for case in report.cases for timing in case.timings]
    columns = [(heading, show) for heading, show in _MEASURES if any(show(timing) for _, timing in timed)]
    several = any(timing.version for _, timing in timed)
    headings = ["cell", *names, *(["version"] if several else []), "median", "spread", *(it for it, _ in columns)]
    rows: list[Sequence[str | Text]] = [
        [
            case.cell,
            *(str(case.point.get(name, "")) for name in names),
            *([timing.version] if several else []),
            _duration(timing.spread.median),
            f"±{100 * timing.spread.mad / timing.spread.median:.1f} %",
            *(show(timing) for _, show in columns),
        ]
        for case, timing in timed
    ]
    left = {0, len(names) + 1} if several else {0}
    print_table(console, headings, rows, right=[i for i in range(len(headings)) if i not in left])


def _duration(seconds: float) -> str:
    return f"{seconds * 1e9:.3g} ns" if seconds < 0.9995e-6 else milliseconds(seconds)


def _rate(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if value >= _LEAST_RATE else f"<{_LEAST_RATE}"


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _bandwidth(timing: Timing) -> str:
    text = _rate(timing.gbytes)
    return f"{text}*" if text and not timing.work.declared else text


_MEASURES: list[tuple[str, Callable[[Timing], str]]] = [
    ("GFLOP/s", lambda timing: _rate(timing.gflops)),
    ("GB/s", _bandwidth),
    ("instructions", lambda timing: _count(timing.counts.instructions) if timing.counts else ""),
    ("cache misses", lambda timing: _count(timing.counts.cache_misses) if timing.counts else ""),
]


def _verdicts(case: Case) -> list[Text]:
    from rich.text import Text

    if case.problem:
        return [Text.assemble((f"{case.name}: not timed: {case.problem}", "bold red"))]
    lines = []
    for made in case.comparisons:
        head = f"{case.name}: {made.version} against {made.baseline}: "
        lines.append(Text.assemble(head, (verdict(made), _COLOURS[made.verdict])))
    return lines


def _notes(report: Report) -> list[str]:
    timings = [timing for case in report.cases for timing in case.timings]
    notes = [f"{case.name}: {note}" for case in report.cases for note in case.notes]
    if any(timing.gbytes is not None and not timing.work.declared for timing in timings):
        notes.append('* bytes of the arrays that go in and come out; a section says better with bytes="..."')
    walls = dict.fromkeys(case.name for case in report.cases if case.timings and case.timings[0].clock == "wall clock")
    if walls and len(walls) < len(report.cases):
        notes.append(f"by the clock on the wall, for they wait or have threads: {', '.join(walls)}")
    samples = sum(timing.spread.count for timing in timings)
    machine = report.machine
    notes += [*report.notes, *machine.warnings]
    compilers = "".join(f"{it}; " for it in dict.fromkeys(timing.compiler for timing in timings))
    notes.append(f"{compilers}{machine.processor}, {machine.processors} processors, {machine.system}")
    notes.append(
        f"{samples} samples in {milliseconds(report.seconds)}" + ("; interrupted" if report.interrupted else "")
    )
    return notes
