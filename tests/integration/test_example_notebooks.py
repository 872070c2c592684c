"""The examples for Jupyter and marimo run in these, and their numbers agree with an independent formulation."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import laplace

from tests import optional

nbclient: Any = optional.module("nbclient")
nbformat: Any = optional.module("nbformat")
optional.module("marimo")
optional.module("matplotlib")

EXAMPLES = Path(__file__).parents[2] / "examples"
DURATION = re.compile(r"\b\d[\d.]* (?:µs|ms|s)\b")
BUILT = re.compile(rf", built in {DURATION.pattern}")  # unless an earlier run has built it

Array = np.ndarray[Any, Any]


def reaction(u: Array, v: Array, feed: float, kill: float, steps: int) -> tuple[Array, Array]:
    """Gray and Scott's steps as in the examples."""
    for _ in range(steps):
        eaten = u * v**2
        u, v = (
            u + 0.16 * laplace(u, mode="wrap") - eaten + feed * (1 - u),
            v + 0.08 * laplace(v, mode="wrap") + eaten - (feed + kill) * v,
        )
    return u, v


# ---- Jupyter


def cells(path: Path) -> list[Any]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def shown(cell: Any) -> list[tuple[str, str]]:
    """What a cell put out, times apart: the kind of each output, and its text unless it is said to vary."""
    varies = "varies" in cell.metadata.get("tags", [])
    return [
        (output.output_type, "" if varies else DURATION.sub("...", BUILT.sub("", text_of(output))))
        for output in cell.outputs
    ]


def text_of(output: Any) -> str:
    if output.output_type in ("display_data", "execute_result"):
        return str(output.data.get("text/plain", ""))
    return str(output.get("text", output.get("evalue", "")))


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, executed from its file in a kernel of its own."""
    folder = tmp_path_factory.mktemp("executed")
    notebook = nbformat.read(EXAMPLES / "gray_scott.ipynb", as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        client = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
        client.execute(env=dict(os.environ))
    nbformat.write(notebook, folder / "gray_scott.ipynb")
    return folder


def test_the_jupyter_example_gives_what_is_stored_in_it(executed: Path) -> None:
    for stored, new in zip(cells(EXAMPLES / "gray_scott.ipynb"), cells(executed / "gray_scott.ipynb"), strict=True):
        assert shown(new) == shown(stored), new.source


def test_the_jupyter_example_is_stored_as_it_was_executed_from_top_to_bottom() -> None:
    stored = cells(EXAMPLES / "gray_scott.ipynb")
    assert [cell.execution_count for cell in stored] == list(range(1, len(stored) + 1))
    assert (EXAMPLES / "gray_scott.ipynb").stat().st_size < 300_000


def test_the_jupyter_example_draws_what_the_documentation_shows(executed: Path) -> None:
    size = slice(16, 24)  # width and height, in the header of a PNG file
    pictures = [(folder / "gray_scott.png").read_bytes() for folder in (EXAMPLES, executed)]
    assert pictures[0].startswith(b"\x89PNG")
    assert pictures[0][size] == pictures[1][size]


# ---- marimo


def run(folder: Path, *arguments: str) -> str:
    """Runs a Python program beside nothing but its own files, and returns what it printed."""
    own = {"PYTHONPATH": os.pathsep.join(filter(None, [*sys.path, str(EXAMPLES)])), "MPLBACKEND": "agg"}
    environ = {**os.environ, **own, "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


VALUES = """\
import numpy
from gray_scott_marimo import app

_, names = app.run()
u, v = names["gray_scott"](names["u0"], names["v0"], 0.055, 0.062, 100)
numpy.savez("values.npz", u0=names["u0"], v0=names["v0"], u=u, v=v, dish=names["dish"].v)
"""


def test_the_marimo_example_runs_as_a_script_and_agrees_with_scipy(tmp_path: Path) -> None:
    printed = run(tmp_path, "-c", VALUES)
    assert "times as fast as NumPy" in printed
    assert float(printed.split()[-3]) < 1e-12, "C and NumPy differ"
    with np.load(tmp_path / "values.npz") as values:
        expected = reaction(values["u0"], values["v0"], 0.055, 0.062, 100)
        np.testing.assert_allclose((values["u"], values["v"]), expected, rtol=0, atol=1e-12)
        assert values["dish"].std() > 0.1, "there is a pattern"


def test_the_marimo_example_runs_in_marimo(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    run(tmp_path, "-m", "marimo", "-q", "export", "html", str(EXAMPLES / "gray_scott_marimo.py"), "-o", str(page))
    text = page.read_text("utf-8")
    assert "times as fast as NumPy" in text
    assert "data:image/png;base64," in text
