"""A C++ cell that mingw's g++ built: vectors, exceptions, and what it takes along when it is unloaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from hotplate.errors import CellFailed
from hotplate.load import LoadedCell


@pytest.fixture
def library(tools: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(tools / "roots.dll", tmp_path))


def test_it_returns_a_vector(library: Path) -> None:
    np.testing.assert_array_equal(LoadedCell(library)(x=np.array([1.0, 4.0, 9.0])), [0, 1, 2, 3])


def test_its_exception_becomes_an_error(library: Path) -> None:
    with pytest.raises(CellFailed, match="domain_error: a negative number has no root"):
        LoadedCell(library)(x=np.array([-1.0]))


def test_it_is_unloaded_after_it_threw(library: Path) -> None:
    cell = LoadedCell(library)
    with pytest.raises(CellFailed):
        cell(x=np.array([-1.0]))
    cell.close()
    library.unlink()
