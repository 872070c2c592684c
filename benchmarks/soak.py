"""Thousands of reloads in one process: does anything grow?

    python benchmarks/soak.py [RELOADS] [--json]

Every reload is a version of its own: a file with its own path, inode and content, which is what a build leaves. They
are made from one library that the compiler built, by writing the version's number over a constant in it, since 2,000
compiles would take two minutes and change nothing for the loader. Each is loaded, called and let go as a session does
it: the new version first, then the old one's reference goes, then reclaim. Results are checked by value.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hotplate
from hotplate.load import LoadedCell, StateBlock, library_report, reclaim

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = 0x51C0DE0FA5AFE11B
LENGTH = 256
CELL = f"""
#include <hotplate.hpp>
#include <string>
static const volatile std::int64_t version = {MARK};
static std::string label("constructed when the library is loaded, destructed when it goes");

std::int64_t soaked(hp_ctx *ctx, bool counts, hp::out<std::int64_t, {LENGTH}> out) {{
    for (std::int64_t i = 0; i < out.size(); ++i) out(i) = version;
    if (!counts || label.empty()) return version;
    auto *calls = static_cast<std::int64_t *>(hp_state(ctx, sizeof(std::int64_t), 1));
    return calls ? ++*calls : -1;
}}
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """What this process takes: resident memory in KiB, mappings, open descriptors, threads."""

    rss: int
    maps: int
    descriptors: int
    threads: int


@dataclass(slots=True)
class Soak:
    """One scenario: samples from after the warm-up to the end, and what it did."""

    name: str
    samples: list[Sample] = field(default_factory=list)
    reload_seconds: list[float] = field(default_factory=list)
    calls: int = 0
    wrong: int = 0
    kept: int = 0


def measure() -> Sample:
    gc.collect()
    proc = Path("/proc/self")
    pages = int((proc / "statm").read_text().split()[1])
    return Sample(
        pages * os.sysconf("SC_PAGESIZE") // 1024,
        (proc / "maps").read_text().count("\n"),
        len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - a Path would hold another descriptor open
        len(list((proc / "task").iterdir())),
    )


def versions(folder: Path, count: int) -> Iterator[tuple[int, Path]]:
    """Libraries that differ, each made when it is asked for."""
    content = hotplate.inline(CELL, language="c++").path.read_bytes()
    mark = MARK.to_bytes(8, "little")
    assert mark in content
    for number in range(1, count + 1):
        path = folder / f"soaked-{number}.so"
        path.write_bytes(content.replace(mark, number.to_bytes(8, "little")))
        yield number, path


def is_of(version: int, values: Any) -> bool:
    return bool((values == version).all())


def reload_alone(reloads: int, folder: Path) -> Soak:
    """One thread reloads and calls; the state counts the calls over all versions."""
    soak, state, cell = Soak("reload, call"), StateBlock(), None
    for number, path in versions(folder, reloads):
        start = time.perf_counter()
        cell = LoadedCell(path, state=state)
        unloaded = reclaim()
        soak.reload_seconds.append(time.perf_counter() - start)
        result = cell(True)
        soak.calls += 1
        soak.wrong += not (result.value == soak.calls and is_of(number, result.out))
        follow(soak, number, reloads, unloaded)
    del cell
    reclaim()
    return soak


def reload_under_calls(reloads: int, folder: Path) -> Soak:
    """Another thread calls the current version all the time: each result must be of exactly the version it called."""
    soak = Soak("reload under a calling thread")
    current: tuple[int, LoadedCell] | None = None  # None: stop

    def call() -> None:
        while (now := current) is not None:
            number, cell = now
            result = cell(False)
            soak.calls += 1
            soak.wrong += not (result.value == number and is_of(number, result.out))

    caller = threading.Thread(target=call)
    for number, path in versions(folder, reloads):
        start = time.perf_counter()
        current = (number, LoadedCell(path))
        unloaded = reclaim()
        soak.reload_seconds.append(time.perf_counter() - start)
        if number == 1:
            caller.start()
        seen = soak.calls
        while soak.calls < seen + 2:  # at least one call began in this version
            time.sleep(0)
        follow(soak, number, reloads, unloaded)
    current = None
    caller.join()
    reclaim()
    return soak


def follow(soak: Soak, number: int, reloads: int, unloaded: tuple[Path, ...]) -> None:
    """Removes the files of what is gone, and takes 20 samples after the first tenth."""
    for path in unloaded:
        path.unlink(missing_ok=True)
    if number > reloads // 10 and number % max(reloads // 20, 1) == 0:
        soak.samples.append(measure())
        soak.kept = max(soak.kept, len(library_report().kept))


def table(soaks: list[Soak], reloads: int) -> str:
    lines = [
        f"{reloads} reloads each",
        "",
        "| | RSS, KiB | maps | descriptors | threads | reload, median | calls | of a wrong version | kept at most |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for soak in soaks:
        first, last = soak.samples[0], soak.samples[-1]
        spans = [f"{getattr(first, name)} → {getattr(last, name)}" for name in Sample.__slots__]
        median = f"{statistics.median(soak.reload_seconds) * 1e3:.2f} ms"
        cells = [soak.name, *spans, median, str(soak.calls), str(soak.wrong), str(soak.kept)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="Thousands of reloads in one process: does anything grow?")
    parser.add_argument("reloads", nargs="?", type=int, default=2000)
    parser.add_argument("--json", action="store_true", help="print everything that was measured")
    options = parser.parse_args()
    soaks = []
    for scenario in (reload_alone, reload_under_calls):
        with tempfile.TemporaryDirectory() as folder:
            soaks.append(scenario(options.reloads, Path(folder)))
    print(json.dumps([asdict(soak) for soak in soaks]) if options.json else table(soaks, options.reloads))
    return int(any(soak.wrong for soak in soaks))


if __name__ == "__main__":
    sys.exit(main())
