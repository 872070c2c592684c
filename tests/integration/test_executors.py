"""Executors with real cells: calls that overlap, and the same bytes from all. See also test_workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import hotplate
from hotplate.execute.conformance import SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_native_cells_run_at_the_same_time(notebook: Callable[..., Path]) -> None:
    meeting = """
        #include <hotplate.h>
        // %% Two that wait for each other  timeout=30
        static int meet(hp_ctx *ctx, const int32_t *mine, const int32_t *other) {
            *(volatile int32_t *)(uintptr_t)mine = 1;
            while (!*(const volatile int32_t *)other) if (hp_check(ctx)) return 0;
            return 1;
        }
        int left(hp_ctx *ctx, const int32_t a[1], const int32_t b[1]) { return meet(ctx, a, b); }
        int right(hp_ctx *ctx, const int32_t a[1], const int32_t b[1]) { return meet(ctx, b, a); }
    """
    flags = [np.zeros(1, np.int32) for _ in range(2)]
    run = hotplate.open(notebook(meeting)).run(executor="parallel", jobs=2, a=flags[0], b=flags[1])
    assert dict(run) == {"left": 1, "right": 1}


def notebook_of(shape: str) -> str:
    """A graph of the conformance suite as cells: each mixes the arrays that it takes, so that order counts."""
    cells = []
    for number, (name, needs) in enumerate(SHAPES[shape].items()):
        parameters = ", ".join([*(f"const double {need}[N]" for need in needs), "double out[N]"])
        mixed = "".join(f"; out[i] = out[i] / 3 + {need}[(7 * i + {number}) % N]" for need in needs)
        loop = f"for (int i = 0; i < N; i++) {{ out[i] = {number + 1} + 0.1 * i{mixed}; }}"
        cells.append(f"void {name}({parameters}) {{ {loop} }}\n")
    return "".join(["#define N 33\n", *cells])


@pytest.fixture(scope="module", params=["butterfly", "tree"])
def shape(request: pytest.FixtureRequest, compiled: Callable[[str], hotplate.Notebook]) -> hotplate.Notebook:
    return compiled(notebook_of(request.param))


@pytest.mark.usefixtures("pooled")
@pytest.mark.parametrize(("executor", "jobs"), [("parallel", 1), ("parallel", 8), ("process", 2), ("pooled", None)])
def test_all_executors_give_the_bytes_of_the_linear_one(
    shape: hotplate.Notebook, executor: str, jobs: int | None
) -> None:
    expected = {name: value.tobytes() for name, value in shape.run(fresh=True).items()}
    run = shape.run(executor=executor, jobs=jobs, fresh=True)
    assert {name: value.tobytes() for name, value in run.items()} == expected
    assert len(set(expected.values())) == len(expected)
