"""Executors with real cells: calls that overlap. That all of them compute the same bytes: see test_examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import hotplate

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
