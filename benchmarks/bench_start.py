"""How long `hotplate run` takes to its first cell, with everything built, on top of a Python that imports NumPy.

Every sample is a process of its own. The first cell reads the system's monotonic clock, which all processes share, and
returns it; `run --json` prints it. The other contenders are timed from start to exit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import hotplate
from benchmarks.contest import Contender, Contest, Sample, command, everyone_in, on_top, timed

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.contest import Entrant, Sampler

MANY = 100
CLI = [sys.executable, "-m", "hotplate"]
"""What the installed `hotplate` does, for the interpreter that is benchmarked."""

CLOCK = """\
#include <stdint.h>
#include <time.h>

int64_t started(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
"""


def notebook(folder: Path) -> Path:
    """A notebook whose first cell tells the time, with its cells built."""
    links = (f"double c{i}(double c{i - 1}) {{ return 0.5 * c{i - 1} + {i}.0; }}\n" for i in range(2, MANY))
    path = folder / "notebook.c"
    path.write_text("".join([CLOCK, "double c1(int64_t started) { return (double)started; }\n", *links]), "utf-8")
    assert next(iter(hotplate.open(path).run().cells)) == "started"
    return path


def first_cell(folder: Path) -> Sampler:
    argv, environ = [*CLI, "run", str(notebook(folder)), "--json"], environment()

    def sample() -> Sample:
        begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        done = subprocess.run(argv, env=environ, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True)
        started = json.loads(done.stdout)["cells"][0]["results"][0]["value"]
        return Sample((started - begin) * 1e-9)

    sample()  # compiles the modules
    return sample


def whole_run(folder: Path) -> Sampler:
    return whole(*CLI[1:], "run", str(notebook(folder)))(folder)


def whole(*arguments: str) -> Callable[[Path], Sampler]:
    def prepare(folder: Path) -> Sampler:
        run = command([sys.executable, *arguments], folder, environment())
        run()
        return timed(run)

    return prepare


def environment() -> dict[str, str]:
    """This process's, with the hotplate that is benchmarked, and its modules compiled as in an installation."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    own = {"PYTHONPATH": str(Path(hotplate.__file__).parents[1])}
    return {**kept, **own, "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "hotplate-benchmarks-bytecode")}


START = Contest(
    f"start, a warm notebook of {MANY} C cells",
    rounds=21,
    contenders=(
        Contender("python -c 'import numpy'", whole("-c", "import numpy")),
        Contender("hotplate run, until the first cell starts", first_cell, on_top(0.15)),
        Contender("hotplate run, until it has ended", whole_run),
        Contender("python -c pass", whole("-c", "pass")),
    ),
)


@everyone_in(START)
def test_start(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)
