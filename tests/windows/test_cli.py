"""The command line, as other programs start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPEAKING = """
    #include <stdio.h>
    double loud(double x) { printf("größe from the cell\\n"); return 2 * x; }
"""


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "hotplate", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environ, check=False)


def test_the_document_on_stdout_is_free_of_what_cells_print(notebook: Callable[..., Path]) -> None:
    done = run("run", str(notebook(SPEAKING)), "--set", "x=21", "--json")
    assert done.returncode == 0, done.stderr
    [cell] = json.loads(done.stdout)["cells"]
    assert cell["results"][0]["value"] == 42.0
    assert "größe from the cell".encode() in done.stderr


def test_a_notebook_that_does_not_compile_ends_with_its_code_and_line(notebook: Callable[..., Path]) -> None:
    path = notebook("double broken(void) { return größe; }")
    done = run("run", str(path))
    assert done.returncode == 3
    assert f"{path}:1" in done.stderr.decode("utf-8")


def test_what_it_prints_to_a_pipe_is_utf_8(notebook: Callable[..., Path]) -> None:
    done = run("run", str(notebook('const char *word(void) { return "größe 大小"; }')))
    assert done.returncode == 0, done.stderr
    assert "größe 大小" in done.stdout.decode("utf-8")


@pytest.mark.parametrize("command", ["doctor", "cache"])
def test_it_tells_what_there_is(command: str) -> None:
    done = run(command, "--json")
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)


def test_results_are_saved_over_earlier_ones(notebook: Callable[..., Path], tmp_path: Path) -> None:
    path, target = notebook("double half(double x) { return x / 2; }"), tmp_path / "out.npz"
    for _ in range(2):
        done = run("run", str(path), "--set", "x=3", "--save", str(target))
        assert done.returncode == 0, done.stderr
    assert target.stat().st_size > 0
