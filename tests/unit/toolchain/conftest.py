"""Real compilers, units of a few lines, and a builder over an empty cache."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hotplate.errors import ToolchainError
from hotplate.toolchain import Builder, Cache, Compiler, Unit, find_compiler

if TYPE_CHECKING:
    from collections.abc import Callable

COMPILERS = ("gcc", "clang", "clang-16", "zig", "tcc")
_INCLUDE = Path(__file__).resolve().parents[3] / "csrc" / "include"
_CXX = ("gcc", "clang-16")
_DESCRIPTOR = """
#line 1 "<entry>"
static double hp_entry_(double x) {{ return {cell}(x); }}
struct hp_test {{ double (*entry)(double); const char *key; const char *compiler; }};
#if defined(_WIN32)
__declspec(dllexport)
#else
__attribute__((visibility("default")))
#endif
extern const struct hp_test hotplate_cell;
const struct hp_test hotplate_cell =
    {{ hp_entry_, "@HP_UNIT_KEY@", "@HP_COMPILER@" }};
"""


@cache
def _found(name: str, language: str, root: Path) -> Compiler | str:
    environ = {k: v for k, v in os.environ.items() if k not in {"CC", "CXX", "HOTPLATE_CC", "HOTPLATE_CXX"}}
    try:
        return find_compiler(language, environ, root, name)
    except ToolchainError as error:
        return str(error)


def _compiler(name: str, language: str, root: Path) -> Compiler:
    found = _found(name, language, root)
    if isinstance(found, str):
        pytest.skip(f"{name} is not installed: {found}")
    return found


@pytest.fixture(params=COMPILERS)
def any_compiler(request: pytest.FixtureRequest, shared_cache: Path) -> Compiler:
    return _compiler(request.param, "c", shared_cache)


@pytest.fixture(params=_CXX)
def cxx_compiler(request: pytest.FixtureRequest, shared_cache: Path) -> Compiler:
    return _compiler(request.param, "c++", shared_cache)


@pytest.fixture
def compiler_named(shared_cache: Path) -> Callable[[str, str], Compiler]:
    """A compiler of this machine for a language; the test is skipped where it is missing."""
    return lambda name, language: _compiler(name, language, shared_cache)


@pytest.fixture
def gcc(shared_cache: Path) -> Compiler:
    return _compiler("gcc", "c", shared_cache)


@pytest.fixture
def mingw(shared_cache: Path) -> Compiler:
    """gcc for Windows, which makes DLLs here too."""
    return _compiler("x86_64-w64-mingw32-gcc", "c++", shared_cache)


@pytest.fixture
def include_dir() -> Path:
    """Where hotplate.h is."""
    return _INCLUDE


@pytest.fixture
def builder_for(tmp_path: Path) -> Callable[..., Builder]:
    def make(compiler: Compiler, root: Path | None = None, **settings: object) -> Builder:
        cache = Cache(root or tmp_path / "cache")
        return Builder(cache, lambda _: compiler, include_dir=_INCLUDE, abi_version=1, **settings)  # type: ignore[arg-type]  # settings are Builder's

    return make


@pytest.fixture
def make_unit(tmp_path: Path) -> Callable[..., Unit]:
    """A unit whose cell is `double NAME(double)`, written at line 1 of a notebook of its own."""

    def make(text: str, cell: str = "cell", *, language: str = "c", prelude: str = "", **options: object) -> Unit:
        notebook = tmp_path / "notebook" / ("n.cpp" if language == "c++" else "n.c")
        notebook.parent.mkdir(exist_ok=True)
        notebook.write_text(text, "utf-8")
        linkage = ('extern "C" {', "}") if language == "c++" else ("", "")
        entry = f"{linkage[0]}{_DESCRIPTOR.format(cell=cell)}{linkage[1]}\n"
        source = f'#line 1 "{notebook}"\n{text}\n{entry}'
        return Unit(cell, language, lambda: source, prelude, text, notebook, **options)  # type: ignore[arg-type]  # options are Unit's

    return make


@pytest.fixture
def value_of() -> Callable[[Path, float], float]:
    """What a library's cell returns, called in a process of its own."""

    def call(library: Path, x: float) -> float:
        code = (
            "import ctypes, sys\n"
            "f = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)\n"
            "print(f.in_dll(ctypes.CDLL(sys.argv[1]), 'hotplate_cell')(float(sys.argv[2])))"
        )
        # The math library comes first, as in a process that has NumPy: its names are taken when the cell arrives.
        done = subprocess.run(
            [sys.executable, "-c", f"import math\n{code}", str(library), str(x)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return float(done.stdout)

    return call
