"""The same three functions by other means, each compiled at first use, into a cache directory outside the repository.

The sources lie beside this file. They are compiled by direct calls with one level of optimisation for all, and again
only when a source, a package's version or the interpreter changes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

HERE = Path(__file__).parent
OPTIMISED = ("-O3", "-DNDEBUG", "-fPIC", "-shared", "-fvisibility=hidden")


def plain_library() -> Path:
    """A shared library of plain C functions, for ctypes and cffi."""
    return _built("plain.c", "plain.so", (), lambda out: [_command("gcc"), *OPTIMISED, _source("plain.c"), "-o", out])


def cython_module() -> ModuleType:
    """Typed memoryviews, compiled by Cython and gcc."""
    pytest.importorskip("Cython")

    def make(out: str) -> list[str]:
        c_file = str(Path(out).with_suffix(".c"))
        _run([sys.executable, "-m", "cython", "-3", _source("cython_peer.pyx"), "-o", c_file])
        return [_command("gcc"), *OPTIMISED, _python_headers(), c_file, "-o", out]

    return _extension("cython_peer", "cython_peer.pyx", "cython", make)


def pybind11_module() -> ModuleType:
    """py::array_t, compiled by g++."""
    pybind11 = pytest.importorskip("pybind11")

    def make(out: str) -> list[str]:
        headers = (_python_headers(), f"-I{pybind11.get_include()}")
        return [_command("g++"), "-std=c++17", *OPTIMISED, *headers, _source("pybind11_peer.cpp"), "-o", out]

    return _extension("pybind11_peer", "pybind11_peer.cpp", "pybind11", make)


def nanobind_module() -> ModuleType:
    """nb::ndarray, compiled by g++ together with nanobind's own library, which is one file."""
    nanobind = pytest.importorskip("nanobind")

    def make(out: str) -> list[str]:
        own = Path(nanobind.source_dir())
        robin_map = own.parent / "ext" / "robin_map" / "include"
        headers = (_python_headers(), f"-I{nanobind.include_dir()}", f"-I{robin_map}")
        sources = (_source("nanobind_peer.cpp"), str(own / "nb_combined.cpp"))
        # As nanobind's own build does: it breaks C++'s aliasing rules in its core.
        return [_command("g++"), "-std=c++17", *OPTIMISED, "-fno-strict-aliasing", *headers, *sources, "-o", out]

    return _extension("nanobind_peer", "nanobind_peer.cpp", "nanobind", make)


def _extension(name: str, source: str, package: str, make: Callable[[str], list[str]]) -> ModuleType:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    path = _built(source, f"{name}{suffix}", (package, version(package), sys.version), make)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _built(source: str, product: str, facts: Sequence[Any], make: Callable[[str], list[str]]) -> Path:
    digest = hashlib.sha256(repr((OPTIMISED, facts)).encode() + (HERE / source).read_bytes()).hexdigest()[:16]
    folder = platformdirs.user_cache_path("hotplate-benchmarks", appauthor=False) / digest
    finished = folder / product
    if not finished.exists():
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{os.getpid()}-{product}"
        _run(make(str(temporary)))
        temporary.replace(finished)
    return finished


def _run(argv: Sequence[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr}")


def _command(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}")
    return found


def _source(name: str) -> str:
    return str(HERE / name)


def _python_headers() -> str:
    return f"-I{sysconfig.get_path('include')}"
