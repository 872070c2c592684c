"""What all tests share: a cache and a store of runs of their own, plain output, and notebooks on disk."""

from __future__ import annotations

import signal
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

import hotplate
from tests import pooled_executor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def pytest_configure() -> None:
    """Makes Ctrl-C work as in a terminal: what a shell starts in the background ignores it, and so do its children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of this session. Tests share it, so a cell that many of them use is compiled once.

    The store of runs is new as well: no test may add to the runs of who starts it.
    """
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOTPLATE_CACHE_DIR", str(folder))
        patch.setenv("HOTPLATE_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        patch.setenv("NO_COLOR", "1")
        yield folder


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with nothing in it, for the tests that look at what is built and when."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("HOTPLATE_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[..., Path]:
    """Writes a notebook: `notebook(text)`, or `notebook(text, ".cpp")`."""

    def write(text: str, suffix: str = ".c") -> Path:
        path = tmp_path / f"notebook{suffix}"
        path.write_text(dedent(text), "utf-8")
        return path

    return write


_INCLUDES = "hotplate.hpp array complex ctime stdexcept string string_view vector"


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., hotplate.Notebook]:
    """Opens a notebook whose cells are all built, in parallel, for the tests of a module to share:
    `compiled(text)`, or `compiled(text, ".cpp")`, which puts the usual includes before it.

    All have one path and one block of includes, so that these are precompiled once (2 s).
    """
    folder = tmp_path_factory.mktemp("cells")

    def build(text: str, suffix: str = ".c") -> hotplate.Notebook:
        includes = "".join(f"#include <{header}>\n" for header in _INCLUDES.split()) if suffix == ".cpp" else ""
        opened = hotplate.Notebook(folder / f"cells{suffix}", text=includes + dedent(text))
        assert opened.check() == ()
        return opened

    return build


@pytest.fixture(scope="module")
def notebooks(request: pytest.FixtureRequest, compiled: Callable[..., Any]) -> dict[str, Any]:
    """The cells of a test file: those of its text `C` and of its text `CPP`."""
    return {"c": compiled(request.module.C), "c++": compiled(request.module.CPP, ".cpp")}


@pytest.fixture
def c(notebooks: dict[str, Any]) -> Callable[[str], Any]:
    """Loads a cell of the file's text `C`."""
    return notebooks["c"].load


@pytest.fixture(params=["c", "c++"])
def load(request: pytest.FixtureRequest, notebooks: dict[str, Any]) -> Callable[[str], Any]:
    """Loads a cell of `C`, then of `CPP`."""
    return notebooks[request.param].load


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Makes `executor="pooled"` work, which another distribution registers."""
    folder = tmp_path_factory.mktemp("pooled")
    pooled_executor.install(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield
