"""Executors with real notebooks: the same bytes in any order, and calls that overlap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL: dict[str, dict[str, Any]] = {"heat.c": {"n": 65}, "heat2d.c": {}, "nbody.c": {}}


def bytes_of(run: hotplate.Run) -> dict[str, Any]:
    return {name: as_bytes(value) for name, value in run.items()}


def as_bytes(value: Any) -> Any:
    if hasattr(value, "_fields"):
        return [as_bytes(part) for part in value]
    return value if isinstance(value, str) else np.asarray(value).tobytes()


@pytest.mark.parametrize("name", SMALL)
def test_every_executor_computes_the_same_bytes(name: str) -> None:
    linear = bytes_of(hotplate.open(EXAMPLES / name).run(**SMALL[name]))
    for jobs in (1, 2, 8):
        run = hotplate.open(EXAMPLES / name).run(executor="parallel", jobs=jobs, **SMALL[name])
        assert list(run.cells) == list(linear), "cells are listed in dependency order"
        assert bytes_of(run) == linear


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
