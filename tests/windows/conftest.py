"""These tests need Windows, or Wine: `build.py windows` runs them there. Elsewhere they are not collected."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

collect_ignore_glob = [] if sys.platform == "win32" else ["test_*.py"]


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder of the programs that mingw built."""
    return Path(os.environ["HOTPLATE_TEST_TOOLS"])


@pytest.fixture
def held(tools: Path) -> Callable[..., object]:
    """Another program that has a file open: `with held("scan", path, milliseconds):`, see hold.c."""
    hold = tools / "hold.exe"

    @contextmanager
    def hold_open(how: str, path: Path, milliseconds: int) -> Iterator[subprocess.Popen[str]]:
        command = [str(hold), how, str(path), str(milliseconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            yield process
            process.kill()

    return hold_open
