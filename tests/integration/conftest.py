"""The command line, in this process where that is enough and in one of its own where it is not; and isolated cells."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import hotplate
from hotplate.cli import app
from hotplate.execute.interrupt import watch
from tests.integration.isolated_cells import CELLS, pool_of
from tests.integration.sessions import MODEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Result:
    """What a command returned and printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Result]]:
    """Runs `hotplate ARGUMENT...` in an empty directory, in this process: quick, and all that it does is undone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    usual = signal.getsignal(signal.SIGINT)

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["hotplate", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            app.main()
        signal.signal(signal.SIGINT, usual)
        printed = capsys.readouterr()
        return Result(int(str(left.value.code)), printed.out, printed.err)

    yield run
    signal.signal(signal.SIGINT, usual)
    watch.end = None


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `hotplate ARGUMENT...`, or with `code` a Python program, in a process that ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: object, code: str = "", **settings: Any) -> subprocess.Popen[str]:
        program = ["-c", code] if code else ["-m", "hotplate"]
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **settings.pop("env", {})}
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": tmp_path}
        process = subprocess.Popen(
            [sys.executable, *program, *map(str, arguments)], text=True, env=environ, **{**pipes, **settings}
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("session") / "model.c"
    path.write_text(MODEL)
    return path


@pytest.fixture
def model(model_path: Path) -> hotplate.Notebook:
    """A session of its own over a notebook that is compiled once."""
    return hotplate.open(model_path)


@pytest.fixture
def session(notebook: Callable[..., Path]) -> Callable[..., hotplate.Notebook]:
    return lambda text, suffix=".c": hotplate.open(notebook(text, suffix))


@pytest.fixture(scope="module")
def nb(compiled: Callable[..., hotplate.Notebook]) -> Iterator[hotplate.Notebook]:
    """The cells of isolated_cells, built, with workers that a module's tests share."""
    notebook = compiled(CELLS)
    yield notebook
    pool_of(notebook).close()


@pytest.fixture
def own(nb: hotplate.Notebook) -> Iterator[hotplate.Notebook]:
    """The same cells with workers of their own."""
    notebook = hotplate.Notebook(nb.path, text=CELLS)
    yield notebook
    pool_of(notebook).close()
