"""The C tests of the core, built by mingw."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

PROGRAMS = sorted(path.stem for path in (Path(__file__).parents[1] / "native").glob("*.c"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_passes_on_windows(program: str, tools: Path) -> None:
    command = [str(tools / f"{program}.exe")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
