"""What the kernels must compute, by other means: NumPy's and SciPy's own routines, or whole-array formulas.

The kernels are the thirty of the PolyBench suite (L.-N. Pouchet, T. Yuki), written anew from their mathematical
definitions. `KERNELS` lists each with its notebook, seeded arguments and the expected result: an array, or a mapping
from the fields of the cell's named tuple.
"""

# ruff: noqa: N803, N806 - matrices are called A and B in formulas, and a cell's arguments go by the names of its parameters.
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import scipy.linalg
import scipy.signal
import scipy.sparse.csgraph

Array = np.ndarray[Any, Any]
Arguments = Callable[[np.random.Generator], dict[str, Any]]
Expected = Callable[..., "Array | Mapping[str, Array]"]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A cell to test, how to call it, and what it must return."""

    name: str
    notebook: str
    arguments: Arguments
    expected: Expected


KERNELS: list[Kernel] = []


def kernel(notebook: str, arguments: Arguments) -> Callable[[Expected], Expected]:
    """Registers a reference formulation; the function's name is the cell's."""

    def register(expected: Expected) -> Expected:
        KERNELS.append(Kernel(expected.__name__, notebook, arguments, expected))
        return expected

    return register


def normal(**shapes: tuple[int, ...]) -> Arguments:
    """Arguments of normally distributed numbers; an empty shape gives a scalar."""

    def draw(random: np.random.Generator) -> dict[str, Any]:
        return {
            name: random.standard_normal(shape) if shape else float(random.normal()) for name, shape in shapes.items()
        }

    return draw


def dominant(n: int, **shapes: tuple[int, ...]) -> Arguments:
    """A diagonally dominant matrix A, which needs no pivoting, and normal numbers."""

    def draw(random: np.random.Generator) -> dict[str, Any]:
        return {"A": random.uniform(-1, 1, (n, n)) + n * np.eye(n), **normal(**shapes)(random)}

    return draw


def stepped(steps: int, arguments: Arguments, **scalars: float) -> Arguments:
    """Arguments of a kernel that takes a number of steps."""
    return lambda random: {**arguments(random), "steps": steps, **scalars}


@kernel("linear_algebra.c", normal(alpha=(), beta=(), A=(23, 31), B=(31, 17), C=(23, 17)))
def gemm(alpha: float, beta: float, A: Array, B: Array, C: Array) -> Array:
    return alpha * A @ B + beta * C


@kernel("linear_algebra.c", normal(alpha=(), beta=(), A=(23, 31), B=(31, 17), C=(17, 29), D=(23, 29)))
def two_mm(alpha: float, beta: float, A: Array, B: Array, C: Array, D: Array) -> Array:
    return alpha * np.linalg.multi_dot([A, B, C]) + beta * D


@kernel("linear_algebra.cpp", normal(A=(23, 31), B=(31, 17), C=(17, 29), D=(29, 13)))
def three_mm(A: Array, B: Array, C: Array, D: Array) -> Array:
    return np.linalg.multi_dot([A, B, C, D])


@kernel("linear_algebra.c", normal(alpha=(), beta=(), S=(25, 25), B=(25, 19), C=(25, 19)))
def symm(alpha: float, beta: float, S: Array, B: Array, C: Array) -> Array:
    return alpha * (np.tril(S) + np.tril(S, -1).T) @ B + beta * C


@kernel("linear_algebra.c", normal(alpha=(), beta=(), A=(25, 19), C=(25, 25)))
def syrk(alpha: float, beta: float, A: Array, C: Array) -> Array:
    return np.tril(alpha * A @ A.T + beta * C) + np.triu(C, 1)


@kernel("linear_algebra.cpp", normal(alpha=(), beta=(), A=(25, 19), B=(25, 19), C=(25, 25)))
def syr2k(alpha: float, beta: float, A: Array, B: Array, C: Array) -> Array:
    half = alpha * A @ B.T
    return np.tril(half + half.T + beta * C) + np.triu(C, 1)


@kernel("linear_algebra.cpp", normal(alpha=(), L=(25, 25), B=(25, 19)))
def trmm(alpha: float, L: Array, B: Array) -> Array:
    return alpha * (np.tril(L, -1) + np.eye(len(L))).T @ B


@kernel("linear_algebra.c", normal(A=(37, 29), x=(29,)))
def atax(A: Array, x: Array) -> Array:
    return (A.T @ A) @ x


@kernel("linear_algebra.cpp", normal(A=(37, 29), p=(29,), r=(37,)))
def bicg(A: Array, p: Array, r: Array) -> Mapping[str, Array]:
    return {"q": A @ p, "s": r @ A}


@kernel("linear_algebra.cpp", normal(A=(31, 31), x1=(31,), x2=(31,), y1=(31,), y2=(31,)))
def mvt(A: Array, x1: Array, x2: Array, y1: Array, y2: Array) -> Mapping[str, Array]:
    return {"x1": x1 + A @ y1, "x2": x2 + A.T @ y2}


@kernel("linear_algebra.cpp", normal(alpha=(), beta=(), A=(31, 31), B=(31, 31), x=(31,)))
def gesummv(alpha: float, beta: float, A: Array, B: Array, x: Array) -> Array:
    return alpha * (A @ x) + beta * (B @ x)


@kernel(
    "linear_algebra.c",
    normal(alpha=(), beta=(), A=(31, 31), u1=(31,), v1=(31,), u2=(31,), v2=(31,), y=(31,), z=(31,)),
)
def gemver(alpha: float, beta: float, A: Array, y: Array, z: Array, **rank_one: Array) -> Mapping[str, Array]:
    left = np.column_stack([rank_one["u1"], rank_one["u2"]])
    B = A + left @ np.vstack([rank_one["v1"], rank_one["v2"]])
    x = beta * B.T @ y + z
    return {"B": B, "x": x, "w": alpha * B @ x}


@kernel("linear_algebra.c", normal(A=(9, 11, 13), C=(13, 13)))
def doitgen(A: Array, C: Array) -> Array:
    return np.einsum("rqs,sp->rqp", A, C)


def positive_definite(random: np.random.Generator) -> dict[str, Any]:
    factor = random.standard_normal((24, 24))
    return {"A": factor @ factor.T + 24 * np.eye(24)}


@kernel("solvers.c", positive_definite)
def cholesky(A: Array) -> Array:
    return scipy.linalg.cholesky(A, lower=True)


@kernel("solvers.cpp", dominant(24))
def lu(A: Array) -> Array:
    left = A.copy()
    for k in range(len(left) - 1):
        left[k + 1 :, k] /= left[k, k]
        left[k + 1 :, k + 1 :] -= np.outer(left[k + 1 :, k], left[k, k + 1 :])
    return left


@kernel("solvers.c", dominant(24, b=(24,)))
def ludcmp(A: Array, b: Array) -> Array:
    return np.linalg.solve(A, b)


@kernel(
    "solvers.cpp", lambda random: {"L": random.uniform(-1, 1, (24, 24)) + 24 * np.eye(24), "b": random.normal(size=24)}
)
def trisolv(L: Array, b: Array) -> Array:
    return scipy.linalg.solve_triangular(L, b, lower=True)


@kernel("solvers.c", lambda random: {"r": 0.5 ** np.arange(1, 25) * random.uniform(-0.5, 0.5, 24)})
def durbin(r: Array) -> Array:
    return scipy.linalg.solve_toeplitz(np.concatenate([[1.0], r[:-1]]), -r)


@kernel("solvers.cpp", lambda random: {"A": random.standard_normal((29, 13))})
def gramschmidt(A: Array) -> Mapping[str, Array]:
    Q, R = np.linalg.qr(A)
    sign = np.sign(np.diag(R))  # LAPACK leaves the sign of each direction open
    return {"Q": Q * sign, "R": sign[:, None] * R}


@kernel("statistics.c", normal(data=(53, 17)))
def correlation(data: Array) -> Mapping[str, Array]:
    return {"mean": data.mean(axis=0), "deviation": data.std(axis=0), "matrix": np.corrcoef(data, rowvar=False)}


@kernel("statistics.cpp", normal(data=(53, 17)))
def covariance(data: Array) -> Mapping[str, Array]:
    return {"mean": data.mean(axis=0), "matrix": np.cov(data, rowvar=False)}


@kernel("stencils.c", stepped(20, normal(A=(67,))))
def jacobi_1d(A: Array, steps: int) -> Array:
    for _ in range(steps):
        A = np.concatenate([A[:1], np.convolve(A, np.full(3, 1 / 3), mode="valid"), A[-1:]])
    return A


@kernel("stencils.cpp", stepped(20, normal(A=(29, 37))))
def jacobi_2d(A: Array, steps: int) -> Array:
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]) / 5
    A = A.copy()
    for _ in range(steps):
        A[1:-1, 1:-1] = scipy.signal.convolve2d(A, cross, mode="valid")
    return A


@kernel("stencils.c", stepped(10, normal(A=(14, 14, 14)), r=0.125))
def heat_3d(A: Array, steps: int, r: float) -> Array:
    laplacian = np.zeros((3, 3, 3))
    laplacian[1, 1, :] = laplacian[1, :, 1] = laplacian[:, 1, 1] = 1
    laplacian[1, 1, 1] = -6
    A = A.copy()
    for _ in range(steps):
        A[1:-1, 1:-1, 1:-1] += r * scipy.signal.convolve(A, laplacian, mode="valid", method="direct")
    return A


@kernel("stencils.c", stepped(6, normal(A=(19, 23))))
def seidel_2d(A: Array, steps: int) -> Array:
    A = A.copy()
    for _ in range(steps):
        for i in range(1, len(A) - 1):
            # What is known of the sum before the row is swept; the left neighbour then enters as a linear recurrence.
            known = np.convolve(A[i - 1] + A[i + 1], np.ones(3), mode="valid") + A[i, 1:-1] + A[i, 2:]
            A[i, 1:-1] = scipy.signal.lfilter([1 / 9], [1, -1 / 9], known, zi=[A[i, 0] / 9])[0]
    return A


@kernel("stencils.cpp", normal(source=(15,), ex=(17, 21), ey=(17, 21), hz=(17, 21)))
def fdtd_2d(source: Array, ex: Array, ey: Array, hz: Array) -> Mapping[str, Array]:
    ex, ey, hz = ex.copy(), ey.copy(), hz.copy()
    for drive in source:
        ey[0] = drive
        ey[1:] -= 0.5 * np.diff(hz, axis=0)
        ex[:, 1:] -= 0.5 * np.diff(hz, axis=1)
        hz[:-1, :-1] -= 0.7 * (np.diff(ex, axis=1)[:-1] + np.diff(ey, axis=0)[:, :-1])
    return {"ex": ex, "ey": ey, "hz": hz}


@kernel("stencils.cpp", stepped(12, normal(u=(22, 22)), r=0.8))
def adi(u: Array, steps: int, r: float) -> Array:
    n = len(u)
    second = np.diff(np.eye(n), 2, axis=0)
    explicit = np.eye(n)
    explicit[1:-1] += r * second
    implicit = np.eye(n)
    implicit[1:-1] -= r * second
    for _ in range(steps):
        for _ in range(2):
            # The border is held. Transposing turns columns into rows for the second half.
            known = u @ explicit.T
            known[[0, -1]] = u[[0, -1]]
            renewed = np.linalg.solve(implicit, known)
            renewed[:, [0, -1]] = u[:, [0, -1]]
            u = renewed.T
    return u


@kernel("dynamic.c", lambda random: {"edges": random.integers(1, 1000, (40, 40), dtype=np.int32)})
def floyd_warshall(edges: Array) -> Array:
    # SciPy's diagonal is 0, as nothing is shorter than to stay; the cell's holds the shortest round trip.
    shortest = scipy.sparse.csgraph.floyd_warshall(edges.astype(float))
    round_trip = np.minimum(np.diag(edges), (edges + shortest.T).min(axis=1))
    np.fill_diagonal(shortest, round_trip)
    return shortest.astype(np.int32)


@kernel("dynamic.cpp", lambda random: {"strand": random.integers(0, 4, 48, dtype=np.uint8)})
def nussinov(strand: Array) -> Array:
    @cache
    def most(i: int, j: int) -> int:
        """The last base of i..j is single, or is paired with one that splits the rest into two."""
        if j <= i:
            return 0
        partners = (k for k in range(i, j - 1) if strand[k] + strand[j] == 3)
        return max([most(i, j - 1), *(most(i, k - 1) + 1 + most(k + 1, j - 1) for k in partners)])

    n = len(strand)
    return np.array([[most(i, j) for j in range(n)] for i in range(n)], dtype=np.int32)


@kernel("image.cpp", lambda random: {"alpha": 0.25, "image": random.random((33, 47))})
def deriche(alpha: float, image: Array) -> Array:
    decay = np.exp(-alpha)
    k = (1 - decay) ** 2 / (1 + 2 * alpha * decay - decay**2)

    def smooth(line: Array, size: int) -> Array:
        """The filter as the convolution that the recursion stands for."""
        away = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
        return k * (1 + alpha * away) * np.exp(-alpha * away) @ line

    return smooth(smooth(image.T, image.shape[1]).T, image.shape[0])
