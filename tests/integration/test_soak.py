"""Hundreds of reloads leave a process as it was, and no call ever mixes versions.

benchmarks/soak.py does the work, in a process of its own so that nothing else is measured.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self")

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "soak.py"
RELOADS = 200


@pytest.fixture(scope="module")
def soaks() -> dict[str, dict[str, Any]]:
    command = [sys.executable, str(SCRIPT), str(RELOADS), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return {soak["name"]: soak for soak in json.loads(done.stdout)}


@pytest.fixture(params=["reload, call", "reload under a calling thread"])
def soak(request: pytest.FixtureRequest, soaks: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return soaks[request.param]


def growth(soak: dict[str, Any], what: str) -> int:
    return int(soak["samples"][-1][what] - soak["samples"][0][what])


def test_memory_is_flat(soak: dict[str, Any]) -> None:
    assert growth(soak, "rss") < 1500  # KiB; 3,500 without unloading


def test_mappings_are_flat(soak: dict[str, Any]) -> None:
    assert growth(soak, "maps") <= 5  # 900 without unloading


@pytest.mark.parametrize("what", ["descriptors", "threads"])
def test_descriptors_and_threads_are_as_before(soak: dict[str, Any], what: str) -> None:
    assert growth(soak, what) == 0


def test_every_result_is_of_exactly_the_version_that_was_called(soak: dict[str, Any]) -> None:
    assert soak["wrong"] == 0
    assert soak["calls"] >= RELOADS


def test_no_version_is_kept(soak: dict[str, Any]) -> None:
    assert soak["kept"] == 0
