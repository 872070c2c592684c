"""Isolated cells on Windows: a worker in a job, calls through shared memory, and every way to die, which costs the call."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import numpy as np
import pytest

import hotplate

if TYPE_CHECKING:
    from pathlib import Path


CELLS = """
    #include <hotplate.h>
    #include <stdint.h>
    #include <stdio.h>
    #include <stdlib.h>

    void ramp(int64_t n, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = (double)i / 3; }
    double total(int64_t n, const double ramp[n]) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += ramp[i];
        return sum;
    }
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("größe") / "cells.c"
    path.write_text(dedent(CELLS), "utf-8")
    return path


def test_isolated_cells_give_the_same_bytes(cells: Path) -> None:
    nb = hotplate.open(cells)
    here, there = nb.run(n=1000), nb.run(n=1000, executor="process")
    np.testing.assert_array_equal(here["ramp"], there["ramp"])
    assert there["total"] == here["total"]
