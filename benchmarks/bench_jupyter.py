"""From an edited cell to its result in Jupyter, and what an endless loop or a crash costs there.

Everything goes the way of a frontend: a request to a kernel of its own by ZeroMQ, and the clock runs until the kernel
says that it is idle again. Each edit has another constant, and the text that is shown is compared with what it must be.
"""

from __future__ import annotations

import atexit
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import hotplate
from benchmarks.bench_build import C_TEXT, CYTHON_TEXT, X, bare, fresh
from benchmarks.contest import Contender, Contest, Sample, at_most, everyone_in, within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.contest import Entrant, Sampler

PATIENCE = 120.0
INPUTS = "import numpy as np\nx = y = np.arange(8.0)\n"
NUMBA_TEXT = """\
@numba.njit("float64(float64[::1], float64[::1])")
def dot(x, y):
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i] * y[i]
    return CONSTANT * total
"""
ENDLESS = """\
#include <hotplate.h>
#include <stdio.h>

double endless(hp_ctx *ctx, int64_t n, const double x[n]) {
    volatile double sum = CONSTANT;
    puts("it runs");
    fflush(stdout);
    while (CONDITION) sum += x[0];
    return sum;
}
"""
CRASH = """\
#include <stdint.h>

double crash(int64_t n, const double x[n]) {
    volatile double *nowhere = 0;
    return CONSTANT * x[0] * *nowhere;
}
"""


class Kernel:
    """A kernel and its client, with folders of their own for what both keep."""

    def __init__(self, folder: Path, *setup: str) -> None:
        manager = pytest.importorskip("jupyter_client.manager")
        pytest.importorskip("ipykernel")
        own = {"IPYTHONDIR": "ipython", "JUPYTER_RUNTIME_DIR": "runtime", "XDG_CACHE_HOME": "cache"}
        environ = {**os.environ, **{name: str(folder / path) for name, path in own.items()}}
        environ["PYTHONPATH"] = str(Path(hotplate.__file__).parents[1])
        self._manager, self._client = manager.start_new_kernel(kernel_name="python3", env=environ, cwd=str(folder))
        atexit.register(self._stop)
        for code in setup:
            self.ask(code)

    def ask(self, code: str) -> str:
        """Runs code as one cell and returns all that the kernel shows for it, with the error if there is one."""
        return self._shown_by(self._client.execute(code))

    def interrupt(self, code: str) -> tuple[float, str]:
        """Interrupts code that has said that it runs; how many seconds until it is over, and what is shown then."""
        request = self._client.execute(code)
        shown = self._shown_by(request, until="it runs")
        assert "it runs" in shown, shown
        begin = time.perf_counter()
        self._manager.interrupt_kernel()
        shown = self._shown_by(request)
        return time.perf_counter() - begin, shown

    def _shown_by(self, request: str, until: str | None = None) -> str:
        """What a request shows until it is done, or until it shows a certain text."""
        shown = ""
        while until is None or until not in shown:
            message = self._client.get_iopub_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["content"].get("execution_state") == "idle":
                break
            shown += _text(message)
        return shown

    def _stop(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def _text(message: Mapping[str, Any]) -> str:
    content = message["content"]
    if message["msg_type"] in ("execute_result", "display_data"):
        return str(content["data"].get("text/plain", ""))
    if message["msg_type"] == "error":
        return f"{content['ename']}: {content['evalue']}"
    return str(content.get("text", ""))


# ---- from edit to result


def edited(text: str, *setup: str, head: str = "", tail: str = "") -> Callable[[Path], Sampler]:
    """A cell with another constant each time. `head` comes before it; `tail` is a cell that shows the result."""

    def prepare(folder: Path) -> Sampler:
        kernel = Kernel(folder, INPUTS, *setup)

        def sample() -> Sample:
            new = fresh(text)
            begin = time.perf_counter()
            shown = kernel.ask(head + new)
            if tail:
                shown = kernel.ask(tail)
            seconds = time.perf_counter() - begin
            expected = float(new.rpartition("return ")[2].partition(" ")[0]) * float(X @ X)
            assert repr(expected) in shown or f"{expected:.6g}" in shown, shown
            assert kernel.ask("float(dot(x, y))") == repr(expected), "that was an earlier version"
            return Sample(seconds)

        sample()
        return sample

    return prepare


def needing(module: str, prepare: Callable[[Path], Sampler]) -> Callable[[Path], Sampler]:
    def with_module(folder: Path) -> Sampler:
        pytest.importorskip(module)
        return prepare(folder)

    return with_module


EDIT = Contest(
    "Jupyter, one C cell from edit to result",
    rounds=25,
    contenders=(
        Contender("the compiler alone", bare(".c", C_TEXT)),
        Contender("%%hotplate", edited(C_TEXT, "%load_ext hotplate", head="%%hotplate\n"), at_most(1.5)),
        Contender("numba njit", needing("numba", edited(NUMBA_TEXT + "dot(x, y)", "import numba"))),
        Contender(
            "%%cython",
            needing("Cython", edited(CYTHON_TEXT, "%load_ext Cython", head="%%cython\n", tail="dot(x, y)")),
            rounds=3,
        ),
        Contender("Python, no compiler", edited("def dot(x, y):\n    return CONSTANT * (x @ y)\nfloat(dot(x, y))")),
    ),
)


@everyone_in(EDIT)
def test_edit_to_result(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


# ---- interrupts and crashes


def interrupted(code: Callable[[], str], says: str) -> Callable[[Path], Sampler]:
    """From the interrupt of an endless loop until the kernel is idle."""

    def prepare(folder: Path) -> Sampler:
        kernel = Kernel(folder, INPUTS, "%load_ext hotplate")

        def sample() -> Sample:
            seconds, shown = kernel.interrupt(code())
            assert says in shown, shown
            assert kernel.ask("float(x.sum())") == "28.0", "the kernel's variables are gone"
            return Sample(seconds)

        sample()
        return sample

    return prepare


def endless(condition: str) -> Callable[[Path], Sampler]:
    text = ENDLESS.replace("CONDITION", condition)
    return interrupted(lambda: f"%%hotplate\n{fresh(text)}", "interrupt")


def crashing(folder: Path) -> Sampler:
    """From the request for an edited cell that crashes until the kernel is idle."""
    kernel = Kernel(folder, INPUTS, "%load_ext hotplate")

    def sample() -> Sample:
        begin = time.perf_counter()
        shown = kernel.ask(f"%%hotplate\n{fresh(CRASH)}")
        seconds = time.perf_counter() - begin
        assert "SIGSEGV" in shown, shown
        assert kernel.ask("float(x.sum())") == "28.0", "the kernel's variables are gone"
        return Sample(seconds)

    sample()
    return sample


TROUBLE = Contest(
    "Jupyter, from an interrupt, or from the request for a cell that crashes, to an idle kernel",
    rounds=10,
    contenders=(
        Contender(
            "interrupt, Python",
            interrupted(lambda: "print('it runs', flush=True)\nwhile True: pass", "KeyboardInterrupt"),
        ),
        Contender("interrupt, a C loop that polls hp_check", endless("!hp_check(ctx)"), within(0.5)),
        Contender("interrupt, a C loop that does not", endless("ctx"), within(0.5)),
        Contender("compile, crash and report", crashing, within(0.5)),
    ),
)


@everyone_in(TROUBLE)
def test_trouble(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)
