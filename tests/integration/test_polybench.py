"""The PolyBench kernels as cells, half of them in C and half in C++, against NumPy and SciPy."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hotplate
from hotplate.errors import CellFailed, InputError

POLYBENCH = Path(__file__).parent / "polybench"
KERNELS = runpy.run_path(str(POLYBENCH / "reference.py"))["KERNELS"]


@pytest.fixture(scope="module")
def notebooks() -> dict[str, Any]:
    return {name: hotplate.open(POLYBENCH / name) for name in {kernel.notebook for kernel in KERNELS}}


def same(actual: Any, expected: np.ndarray[Any, Any]) -> None:
    """Equal for integers; to ten digits of the largest number for floating point."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())
    else:
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_kernel_computes_what_numpy_and_scipy_do(kernel: Any, notebooks: dict[str, Any]) -> None:
    arguments = kernel.arguments(np.random.default_rng(sum(kernel.name.encode())))
    before = {name: np.copy(value) for name, value in arguments.items()}

    result = notebooks[kernel.notebook].load(kernel.name)(**arguments)

    expected = kernel.expected(**arguments)
    if isinstance(expected, Mapping):
        assert result._fields == tuple(expected)
        for field in expected:
            same(getattr(result, field), expected[field])
    else:
        same(result, expected)
    for name, value in arguments.items():
        np.testing.assert_array_equal(value, before[name], err_msg=f"{kernel.name} changed its argument {name}")


def test_every_cell_of_the_notebooks_has_a_reference() -> None:
    names = {kernel.name for kernel in KERNELS}
    assert len(names) == len(KERNELS) == 30


def test_a_kernel_reports_what_it_cannot_factor(notebooks: dict[str, Any]) -> None:
    with pytest.raises(CellFailed, match="not positive definite: pivot 1 is -3"):
        notebooks["solvers.c"].load("cholesky")(A=np.array([[1.0, 2.0], [2.0, 1.0]]))


def test_a_kernel_throws_what_it_cannot_factor(notebooks: dict[str, Any]) -> None:
    with pytest.raises(CellFailed, match="pivot 0 is zero: permute the rows first"):
        notebooks["solvers.cpp"].load("lu")(A=np.array([[0.0, 1.0], [1.0, 0.0]]))


@pytest.mark.parametrize(("notebook", "name"), [("linear_algebra.c", "gemm"), ("linear_algebra.cpp", "mvt")])
def test_disagreeing_dimensions_are_refused_with_both_sides_named(
    notebooks: dict[str, Any], notebook: str, name: str
) -> None:
    kernel = next(kernel for kernel in KERNELS if kernel.name == name)
    arguments = kernel.arguments(np.random.default_rng(0))
    arguments["A"] = arguments["A"][:-1].copy()
    with pytest.raises(InputError, match=rf"{name}: n is .* in A but .* in"):
        notebooks[notebook].load(name)(**arguments)


def test_cpp_views_take_strided_arguments(notebooks: dict[str, Any]) -> None:
    kernel = next(kernel for kernel in KERNELS if kernel.name == "mvt")
    arguments = kernel.arguments(np.random.default_rng(1))
    arguments["A"] = np.asfortranarray(arguments["A"])
    arguments["y1"] = np.repeat(arguments["y1"], 2)[::2]
    result = notebooks["linear_algebra.cpp"].load("mvt")(**arguments)
    expected = kernel.expected(**arguments)
    for field in expected:
        same(getattr(result, field), expected[field])
