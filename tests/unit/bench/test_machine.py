from __future__ import annotations

import errno
import struct
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hotplate.bench import counters
from hotplate.bench.machine import read_machine

if TYPE_CHECKING:
    from pathlib import Path


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


CPU = "sys__devices__system__cpu__"


@pytest.mark.parametrize(
    ("files", "turbo"),
    [
        ({f"{CPU}intel_pstate__no_turbo": "0\n"}, "on"),
        ({f"{CPU}intel_pstate__no_turbo": "1\n"}, "off"),
        ({f"{CPU}cpufreq__boost": "1\n"}, "on"),
        ({f"{CPU}cpufreq__boost": "0\n"}, "off"),
        ({}, ""),
    ],
)
def test_turbo_is_read_where_the_system_tells(tmp_path: Path, files: dict[str, str], turbo: str) -> None:
    assert read_machine(write(tmp_path, **files)).turbo == turbo


def test_what_makes_times_unsteady_is_warned_of(tmp_path: Path) -> None:
    files = {"proc__cpuinfo": "model name\t: A Chip\n", f"{CPU}cpu0__cpufreq__scaling_governor": "powersave\n"}
    machine = replace(read_machine(write(tmp_path, **files)), load=3.0, processors=2)
    assert machine.processor == "A Chip"
    busy, governor = machine.warnings
    assert busy.startswith("3.0 processes")
    assert "powersave" in governor
    assert not replace(machine, load=0.5, governor="performance").warnings


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EACCES, "does not allow it"),
        (errno.EPERM, "does not allow it"),
        (errno.ENOENT, "virtual machines"),
        (errno.ENOSYS, "refuses it"),
    ],
)
def test_where_there_are_no_counters_it_says_why(monkeypatch: pytest.MonkeyPatch, code: int, reason: str) -> None:
    def refuse(kind: int, config: int) -> int:
        raise OSError(code, "refused")

    monkeypatch.setattr(counters, "_open", refuse)
    monkeypatch.setattr(counters.platform, "machine", lambda: "x86_64")
    opened = counters.open_counters()
    assert isinstance(opened, counters.Unavailable)
    assert (reason if sys.platform == "linux" else "Linux only") in opened.reason


@pytest.mark.parametrize(
    ("read", "count"), [((1000, 5, 5), 100.0), ((1000, 10, 5), 200.0), ((0, 10, 0), None), ((0, 5, 5), 0.0)]
)
def test_a_counter_that_had_its_turn_for_a_part_of_the_time_is_scaled(
    read: tuple[int, int, int], count: float | None
) -> None:
    assert counters.scaled(struct.pack("=QQQ", *read), calls=10) == count


def test_counts_are_of_one_call() -> None:
    software, task_clock = 1, 1  # PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK: virtual machines have these, too
    opened = counters.open_counters({"instructions": (software, task_clock)})
    if isinstance(opened, counters.Unavailable):
        pytest.skip(f"counters are not available: {opened.reason}")
    with opened:
        one = opened.count(lambda: sum(range(1_000_000)), 1)
        part = opened.count(lambda: None, 1_000_000)
    assert one.instructions is not None
    assert part.instructions is not None
    assert one.instructions > 1e6 > part.instructions  # ns: no processor makes a million additions in a millisecond
    assert one.cache_misses is None
