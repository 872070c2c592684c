"""A small version of benchmarks/kills.py, whose full one takes minutes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there are workers on Linux alone")
def test_kills_at_random_moments_cost_the_killed_call_alone_and_leave_nothing_behind() -> None:
    command = [sys.executable, "-m", "benchmarks.kills", "--kills", "200", "--sessions", "5"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
