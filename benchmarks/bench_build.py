"""From an edit to a loaded cell: beside the compiler call alone, and beside other tools that compile while Python runs.

A round changes a constant in the text, so nothing is found in a cache. "The compiler alone" is the call that hotplate
makes, taken down in a build of its own: the same arguments, the same generated text, but nothing before and after it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from benchmarks.contest import Contender, Contest, Sample, at_most, command, everyone_in, timed, within
from hotplate.toolchain import compile as compilation
from hotplate.toolchain.process import compiler_environment
from hotplate.toolchain.toolchain import include_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.contest import Entrant, Sampler

X = np.arange(8.0)
MANY = 100
# From the clock: a tool that keeps what it built on disk would else find there what an earlier run of this file built.
_constants = itertools.count(time.time_ns() // 1_000 % 1_000_000_000)

C_TEXT = """\
#include <stdint.h>

double dot(int64_t n, const double x[n], const double y[n]) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * y[i];
    return CONSTANT * sum;
}
"""

CPP_TEXT = """\
#include <algorithm>
#include <hotplate.hpp>
#include <map>
#include <numeric>
#include <string>
#include <vector>

double dot(hp::in<double, "n"> x, hp::in<double, "n"> y) {
    std::vector<double> products(x.begin(), x.end());
    std::transform(products.begin(), products.end(), y.begin(), products.begin(), std::multiplies<>());
    std::sort(products.begin(), products.end());
    std::map<std::string, double> sums;
    for (double product : products) sums[product < 0 ? "negative" : "positive"] += product;
    return CONSTANT * std::accumulate(sums.begin(), sums.end(), 0.0,
                                      [](double sum, const auto &entry) { return sum + entry.second; });
}
"""


def fresh(text: str) -> str:
    """The text with a constant that no earlier one had."""
    return text.replace("CONSTANT", f"{next(_constants)}.0")


def checked(dot: Any) -> Any:
    """The function, after a call of it."""
    assert dot(X, X) % (X @ X) == 0
    return dot


# ---- hotplate ----


def edited(suffix: str, text: str, after: Callable[[hotplate.Notebook], Any]) -> Callable[[Path], Sampler]:
    """An open notebook whose file was just saved with another constant."""

    def prepare(folder: Path) -> Sampler:
        path = folder / f"notebook{suffix}"
        path.write_text(fresh(text), "utf-8")
        notebook = hotplate.open(path)
        libraries = {checked(notebook.load("dot")).path}

        def edit() -> None:
            path.write_text(fresh(text), "utf-8")

        take = timed(lambda: after(notebook), before=edit)

        def sample() -> Sample:
            taken = take()
            library = notebook.load("dot").path
            assert library not in libraries, "nothing was compiled"
            libraries.add(library)
            return taken

        return sample

    return prepare


def load(notebook: hotplate.Notebook) -> None:
    notebook.load("dot")


def run(notebook: hotplate.Notebook) -> None:
    notebook.run(x=X, y=X)


def reverted(folder: Path) -> Sampler:
    """Goes back and forth between two texts that were built before."""
    path = folder / "notebook.c"
    first = fresh(C_TEXT)
    texts = itertools.cycle([first, f"{first}\n// another size\n".replace(".0 *", ".5 *")])
    path.write_text(next(texts), "utf-8")
    notebook = hotplate.open(path)
    for _ in range(2):
        path.write_text(next(texts), "utf-8")
        notebook.load("dot")
    return timed(lambda: notebook.load("dot"), before=lambda: path.write_text(next(texts), "utf-8"))


# ---- the compiler alone ----


def bare(suffix: str, text: str) -> Callable[[Path], Sampler]:
    def prepare(folder: Path) -> Sampler:
        path = folder / f"notebook{suffix}"
        path.write_text(fresh(text), "utf-8")
        argv = recorded_call(hotplate.open(path), "dot", folder / "unit")
        return timed(command(argv, folder, compiler_environment(os.environ)))

    return prepare


def recorded_call(notebook: hotplate.Notebook, cell: str, copy: Path) -> list[str]:
    """How hotplate calls the compiler for a cell, with the files copied to a folder that stays."""
    calls: list[list[str]] = []
    original = compilation.run_compiler

    def take_down(argv: Sequence[str], *rest: Any) -> tuple[int, str]:
        workspace = Path(argv[list(argv).index("-o") + 1]).parent
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(workspace, copy)
        calls.append([word.replace(str(workspace), str(copy)) for word in argv])
        return original(argv, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compilation, "run_compiler", take_down)
        notebook.load(cell)
    return calls[-1]  # before it comes the one that precompiles the includes


def plain(compiler: str, suffix: str, text: str, *flags: str) -> Callable[[Path], Sampler]:
    """The cell as it is in the file, with nothing generated and no warnings."""

    def prepare(folder: Path) -> Sampler:
        if shutil.which(compiler) is None:
            pytest.skip(f"there is no {compiler}")
        path = folder / f"plain{suffix}"
        path.write_text(fresh(text), "utf-8")
        own = ("-I", str(include_directory()))
        argv = [compiler, *flags, "-O2", "-shared", "-fPIC", *own, str(path), "-o", str(folder / "plain.so")]
        return timed(command(argv, folder))

    return prepare


# ---- others that compile while Python runs ----


def numba(_: Path) -> Sampler:
    module = pytest.importorskip("numba")

    def build() -> None:
        constant = float(next(_constants))

        def dot(x: Any, y: Any) -> float:
            total = 0.0
            for i in range(x.shape[0]):
                total += x[i] * y[i]
            return constant * total

        module.njit("float64(float64[::1], float64[::1])")(dot)

    build()
    return timed(build)


CYTHON_TEXT = """\
def dot(const double[::1] x, const double[::1] y):
    cdef Py_ssize_t i
    cdef double total = 0.0
    for i in range(x.shape[0]):
        total += x[i] * y[i]
    return CONSTANT * total
"""


def cython_magic(folder: Path) -> Sampler:
    pytest.importorskip("Cython")
    shells = pytest.importorskip("IPython.core.interactiveshell")

    @contextlib.contextmanager
    def own_folders() -> Iterator[None]:
        # The magic keeps its modules in the user's cache, and setuptools takes settings from where it is called.
        with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_CACHE_HOME", str(folder))
            patch.setenv("IPYTHONDIR", str(folder / "ipython"))
            yield

    def build() -> None:
        before = len(list(folder.rglob("*.so")))
        with own_folders():
            shell.run_cell_magic("cython", "", fresh(CYTHON_TEXT))
        assert len(list(folder.rglob("*.so"))) == before + 1, "nothing was compiled"

    with own_folders():
        shell = shells.InteractiveShell()
    shell.history_manager.enabled = False
    shell.run_line_magic("load_ext", "Cython")
    build()
    checked(shell.user_ns["dot"])
    return timed(build)


CPPIMPORT_TEXT = """\
// cppimport
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

static double dot(pybind11::array_t<double> x, pybind11::array_t<double> y) {
    double sum = 0.0;
    for (pybind11::ssize_t i = 0; i < x.size(); i++) sum += x.data()[i] * y.data()[i];
    return CONSTANT * sum;
}

PYBIND11_MODULE(NAME, module) { module.def("dot", &dot); }
/*
<%
import pybind11
cfg["include_dirs"] = [pybind11.get_include()]
%>
*/
"""


def cppimport(folder: Path) -> Sampler:
    pytest.importorskip("pybind11")
    module = pytest.importorskip("cppimport")
    numbers = itertools.count()

    def build() -> None:
        # A module of C can't be imported twice under one name, so a new version needs a new one.
        name = f"edited{next(numbers)}"
        path = folder / f"{name}.cpp"
        path.write_text(fresh(CPPIMPORT_TEXT).replace("NAME", name), "utf-8")
        with contextlib.chdir(folder):
            checked(module.imp_from_filepath(str(path), name).dot)

    return timed(build)


# ---- a notebook of many cells ----


def many_cells() -> str:
    """A chain of cells, none of which was built before."""
    constant = next(_constants)
    links = (f"double c{i}(double c{i - 1}) {{ return 0.5 * c{i - 1} + {i}.0; }}\n" for i in range(1, MANY))
    return "".join([f"double c0(void) {{ return {constant}.0; }}\n", *links])


def cold(jobs: int) -> Callable[[Path], Sampler]:
    """Opens, builds, loads and runs all cells with an empty cache."""

    def prepare(folder: Path) -> Sampler:
        numbers = itertools.count()

        def open_and_run() -> None:
            path = folder / f"notebook{next(numbers)}.c"
            path.write_text(many_cells(), "utf-8")
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("HOTPLATE_CACHE_DIR", str(path.with_suffix(".cache")))
                hotplate.open(path, jobs=jobs).run()

        return with_cores(open_and_run)

    return prepare


def warm(folder: Path) -> Sampler:
    path = folder / "notebook.c"
    path.write_text(many_cells(), "utf-8")
    hotplate.open(path).run()
    return timed(lambda: hotplate.open(path).run())


def many_bare_calls(jobs: int) -> Callable[[Path], Sampler]:
    def prepare(folder: Path) -> Sampler:
        path = folder / "notebook.c"
        path.write_text(many_cells(), "utf-8")
        notebook = hotplate.open(path)
        argvs = [recorded_call(notebook, f"c{i}", folder / f"unit{i}") for i in range(jobs)]
        calls = [command(argv, folder, compiler_environment(os.environ)) for argv in argvs]

        def build() -> None:
            with ThreadPoolExecutor(jobs) as pool:
                for done in [pool.submit(repeat, call, MANY // jobs) for call in calls]:
                    done.result()

        return with_cores(build)

    return prepare


def repeat(call: Callable[[], None], count: int) -> None:
    for _ in range(count):
        call()


def with_cores(operation: Callable[[], object]) -> Sampler:
    """Times a function, and also says how many processors it and its children kept busy."""

    def sample() -> Sample:
        before, begin = os.times(), time.perf_counter()
        operation()
        seconds, after = time.perf_counter() - begin, os.times()
        return Sample(seconds, (sum(after[:4]) - sum(before[:4])) / seconds)

    return sample


ONE_C = Contest(
    "build, one C cell after an edit",
    rounds=25,
    contenders=(
        Contender("the compiler alone", bare(".c", C_TEXT)),
        Contender("hotplate, edit to loaded", edited(".c", C_TEXT, load), at_most(1.25)),
        Contender("hotplate, edit to result", edited(".c", C_TEXT, run), at_most(1.25)),
        Contender("hotplate, edit reverted", reverted, within(5e-3)),
        Contender("gcc -O2 of the plain cell", plain("gcc", ".c", C_TEXT.replace("CONSTANT", "2.0"))),
        Contender("numba njit", numba),
        Contender("IPython %%cython", cython_magic, rounds=3),
        Contender("cppimport", cppimport, rounds=3),
    ),
)

ONE_CPP = Contest(
    "build, one C++ cell of the STL after an edit",
    rounds=15,
    contenders=(
        Contender("the compiler alone", bare(".cpp", CPP_TEXT)),
        Contender("hotplate, edit to loaded", edited(".cpp", CPP_TEXT, load), at_most(1.25)),
        Contender("g++ -O2 of the plain cell", plain("g++", ".cpp", CPP_TEXT, "-std=gnu++20")),
    ),
)

NOTEBOOK = Contest(
    f"build, a notebook of {MANY} C cells",
    rounds=3,
    contenders=(
        Contender(f"{MANY} bare compiles, 1 at a time", many_bare_calls(1)),
        Contender(f"{MANY} bare compiles, 2 at a time", many_bare_calls(2)),
        Contender("hotplate, cold, 1 job", cold(1), at_most(1.25)),
        Contender("hotplate, cold, 2 jobs", cold(2)),
        Contender("hotplate, warm", warm),
    ),
)


@everyone_in(ONE_C)
def test_one_c_cell(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(ONE_CPP)
def test_one_cpp_cell(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)


@everyone_in(NOTEBOOK)
def test_notebook_of_many_cells(entrant: Entrant, take_part: Callable[[Entrant], None]) -> None:
    take_part(entrant)
