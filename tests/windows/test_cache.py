"""One cache for several processes, some of which die."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import hotplate
from hotplate.toolchain.cache import Cache

if TYPE_CHECKING:
    from pathlib import Path

SLOW = "double slow(double x) { return x + 1; }"


def start(code: str, **variables: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **variables}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code], env=environ, **pipes)


def products(cache: Path) -> list[Path]:
    return sorted((cache / "artifacts").glob("*/*/*.dll"))


def test_two_processes_at_once_build_a_cell_once(empty_cache: Path) -> None:
    code = (
        "import sys, hotplate\nfrom hotplate import _platform\n"
        "built, spawn = [], _platform.spawn\n"
        "def counting(argv, *rest):\n"
        "    built.extend(word for word in argv if word.endswith('.dll'))\n"
        "    return spawn(argv, *rest)\n"
        "_platform.spawn = counting\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        f"print(hotplate.inline({SLOW!r})(1.0), len(built))"
    )
    both = [start(code, HOTPLATE_CACHE_DIR=str(empty_cache)) for _ in range(2)]
    for process in both:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    told = sorted(process.communicate(timeout=100)[0].strip() for process in both)
    assert told == ["2.0 0", "2.0 1"]
    assert len(products(empty_cache)) == 1


def test_what_a_killed_process_leaves_is_swept(empty_cache: Path) -> None:
    code = (
        "import os, pathlib, time\nfrom hotplate.toolchain.cache import Cache\n"
        "with Cache(pathlib.Path(os.environ['HOTPLATE_CACHE_DIR'])).workspace() as folder:\n"
        "    (folder / 'half').write_text('written'); print(folder, flush=True); time.sleep(600)"
    )
    later = Cache(empty_cache, clock=lambda: 2e10)
    with start(code, HOTPLATE_CACHE_DIR=str(empty_cache)) as process:
        assert process.stdout
        process.stdout.readline()
        later.trim()
        left = list((empty_cache / "tmp").glob("*/half"))
        process.kill()
    assert len(left) == 1
    Cache(empty_cache, clock=lambda: 3e10).trim()
    assert list((empty_cache / "tmp").iterdir()) == []


def test_a_cache_in_use_can_be_cleared(empty_cache: Path) -> None:
    cell = hotplate.inline(SLOW)
    cache = Cache(empty_cache)
    assert cache.clear() > 0
    assert products(empty_cache) == []
    assert cell(1.0) == 2.0
    assert hotplate.inline(SLOW)(2.0) == 3.0
    assert len(products(empty_cache)) == 1


def test_what_was_in_use_when_it_was_cleared_is_swept_later(empty_cache: Path) -> None:
    cell = hotplate.inline(SLOW)
    Cache(empty_cache).clear()
    stale = list((empty_cache / "tmp").glob("*.stale"))
    assert len(stale) == 1
    Cache(empty_cache).trim()
    assert stale[0].exists()
    cell.close()
    Cache(empty_cache, clock=lambda: 2e10).trim()
    assert not stale[0].exists()


def test_eviction_passes_over_what_is_in_use_without_an_error(empty_cache: Path) -> None:
    cell = hotplate.inline(SLOW)
    Cache(empty_cache, cap_bytes=0, clock=lambda: 2e10).trim()
    assert cell(1.0) == 2.0
    assert products(empty_cache) == []


@pytest.mark.parametrize("damage", [b"", b"MZ damaged"])
def test_a_product_that_was_cut_short_is_built_again(empty_cache: Path, damage: bytes) -> None:
    hotplate.inline(SLOW).close()
    [product] = products(empty_cache)
    product.write_bytes(damage)
    assert hotplate.inline(SLOW)(1.0) == 2.0
