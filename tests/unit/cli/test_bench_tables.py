from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from hotplate.bench import Case, Comparison, Interval, Report, Timing, Work
from hotplate.bench.counters import Counts
from hotplate.bench.machine import Machine
from hotplate.cli.bench_tables import print_report

QUIET = Machine("A Chip", 8, "Linux 6", "performance", "off", 0.1)


def timing(version: str = "", **other: object) -> Timing:
    usual = Timing(version, (2e-6, 2e-6, 3e-6), 100, "processor time", "gcc 14", "k", Work(None, 0, False))
    return replace(usual, **other)  # type: ignore[arg-type]  # by name


def printed(*cases: Case, machine: Machine = QUIET) -> list[str]:
    out = io.StringIO()
    print_report(Console(file=out, width=200), Report("n.c", machine, cases, seconds=1.5))
    return out.getvalue().splitlines()


def test_rates_and_counts_are_columns_where_there_are_some() -> None:
    counted = timing(work=Work(4000, 16000, True), counts=Counts(1234567.8, 12.0))
    heading, row, *_ = printed(Case("u1", {"n": 64}, (counted,)))
    columns = ["cell", "n", "median", "spread", "GFLOP/s", "GB/s", "instructions", "cache misses"]
    assert heading.split() == " ".join(columns).split()
    assert row.split() == ["u1", "64", "2", "µs", "±0.0", "%", "2", "8", "1,234,568", "12"]


def test_what_there_is_nothing_of_has_no_column() -> None:
    heading, row, *_ = printed(Case("u1", {}, (timing(),)))
    assert heading.split() == ["cell", "median", "spread"]
    assert row.split() == ["u1", "2", "µs", "±0.0", "%"]


def test_a_rate_that_nobody_declared_has_a_star_and_a_note() -> None:
    lines = printed(Case("u1", {}, (timing(work=Work(None, 16000, False)),)))
    assert lines[1].endswith(" 8*")
    assert any(line.startswith("* bytes of the arrays") for line in lines)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(8.5e-8, "85 ns"), (9.999e-7, "1 µs"), (1.5e-6, "1.5 µs"), (0.25, "250 ms")]
)
def test_short_times_are_in_nanoseconds(seconds: float, shown: str) -> None:
    assert f" {shown} " in printed(Case("u1", {}, (timing(samples=(seconds,)),)))[1]


def test_a_comparison_is_a_line_of_its_own_and_so_is_what_was_not_timed() -> None:
    made = Comparison("HEAD~1", "now", Interval(1.051, 1.044, 1.058), 0.02, 20, False)
    lines = printed(
        Case("u1", {"n": 64}, (timing("now"), timing("HEAD~1")), (made,), ("a note",)), Case("u2", {}, problem="no")
    )
    assert "u1[n=64]: now against HEAD~1: slower by 5.1 % [4.4, 5.8]" in lines
    assert "u2: not timed: no" in lines
    assert "u1[n=64]: a note" in lines


def test_an_unsteady_machine_is_told_of() -> None:
    unsteady = Machine("A Chip", 2, "Linux 6", "powersave", "on", 3.0)
    assert len(printed(Case("u1", {}, (timing(),)), machine=unsteady)) == len(printed(Case("u1", {}, (timing(),)))) + 3
