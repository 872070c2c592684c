"""The examples for Jupyter and marimo run in these, and their numbers agree with an independent formulation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import laplace

from tests import optional

optional.module("matplotlib")
optional.module("marimo")

EXAMPLES = Path(__file__).parents[2] / "examples"

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
