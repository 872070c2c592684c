"""StateBlock: the memory of a cell between its calls, copied and put back."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.errors import CellFailed
from hotplate.load import LoadedCell, StateBlock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

C = """
    #include <hotplate.h>
    int64_t counts(hp_ctx *ctx, int64_t step) {
        int64_t *n = hp_state(ctx, sizeof *n, 1);
        if (!n) return -1;
        *n += step;
        if (step < 0) hp_fail(ctx, "backwards");
        return *n;
    }
    static int widen(void *now, size_t bytes, const void *before, size_t bytes_before, uint32_t version_before) {
        if (bytes < bytes_before || version_before != 1) return 1;
        *(int64_t *)now = *(const int64_t *)before;
        return 0;
    }
    int64_t counts_wide(hp_ctx *ctx, int64_t step) {
        int64_t *n = hp_state_migrate(ctx, 4096 * sizeof *n, 2, widen);
        if (!n) return -1;
        *n += step;
        n[4095] = *n;
        if (step < 0) hp_fail(ctx, "backwards");
        return n[4095];
    }
    int64_t address(hp_ctx *ctx) { return (int64_t)(intptr_t)hp_state(ctx, 8, 1); }
    int64_t holds(hp_ctx *ctx, int64_t n, const int32_t flags[n]) {
        volatile int32_t *flag = (volatile int32_t *)(uintptr_t)flags;
        int64_t *state = hp_state(ctx, sizeof *state, 1);
        if (!state) return -1;
        for (flag[0] = 1; !flag[1];) *state += 1;
        return 0;
    }
"""


@pytest.fixture(scope="module")
def libraries(compiled: Callable[..., Any]) -> dict[str, Path]:
    notebook = compiled(C)
    return {name: notebook.load(name).path for name in notebook.model.cells}


@pytest.fixture
def block() -> StateBlock:
    return StateBlock()


@pytest.fixture
def load(libraries: dict[str, Path], block: StateBlock) -> Callable[[str], LoadedCell]:
    """A cell whose state is `block`."""
    return lambda name: LoadedCell(libraries[name], state=block)


def test_it_is_empty_until_a_cell_asks_for_it(load: Callable[[str], LoadedCell], block: StateBlock) -> None:
    assert (block.size, block.version) == (0, 0)
    load("counts")(1)
    assert (block.size, block.version) == (8, 1)
    assert repr(block) == "<StateBlock of 8 bytes, version 1>"


def test_loading_a_cell_again_keeps_its_state(load: Callable[[str], LoadedCell]) -> None:
    assert [load("counts")(1) for _ in range(3)] == [1, 2, 3]


def test_restoring_puts_back_what_calls_changed(load: Callable[[str], LoadedCell], block: StateBlock) -> None:
    counts = load("counts")
    counts(5)
    snapshot = block.snapshot()
    assert snapshot is not None
    with pytest.raises(CellFailed, match="backwards"):
        counts(-3)
    assert block.restore(snapshot)
    assert counts(1) == 6


def test_a_snapshot_can_be_restored_any_number_of_times(load: Callable[[str], LoadedCell], block: StateBlock) -> None:
    counts = load("counts")
    counts(5)
    snapshot = block.snapshot()
    assert snapshot is not None
    assert [(block.restore(snapshot), counts(1)) for _ in range(3)] == [(True, 6)] * 3
    assert (snapshot.size, snapshot.version) == (8, 1)


def test_restoring_undoes_a_migration(load: Callable[[str], LoadedCell], block: StateBlock) -> None:
    load("counts")(5)
    snapshot = block.snapshot()
    assert snapshot is not None
    assert load("counts_wide")(1) == 6
    assert (block.size, block.version) == (8 * 4096, 2)
    assert block.restore(snapshot)
    assert (block.size, block.version) == (8, 1)
    assert load("counts")(1) == 6


def test_a_call_that_migrates_and_fails_leaves_the_state_as_it_was(
    load: Callable[[str], LoadedCell], block: StateBlock
) -> None:
    load("counts")(5)
    with pytest.raises(CellFailed, match="backwards"):
        load("counts_wide")(-1)
    assert (block.size, block.version) == (8, 1)
    assert load("counts_wide")(1) == 6


def test_restoring_a_snapshot_of_nothing_empties_it(load: Callable[[str], LoadedCell], block: StateBlock) -> None:
    snapshot = block.snapshot()
    assert snapshot is not None
    load("counts")(5)
    assert block.restore(snapshot)
    assert (block.size, block.version) == (0, 0)
    assert load("counts")(1) == 1


def test_what_is_restored_is_as_aligned_as_before(load: Callable[[str], LoadedCell], block: StateBlock) -> None:
    load("address")()
    snapshot = block.snapshot()
    assert snapshot is not None
    load("counts_wide")(1)
    assert block.restore(snapshot)
    assert load("address")() % 64 == 0


def test_it_is_neither_copied_nor_restored_while_a_call_uses_it(
    load: Callable[[str], LoadedCell], block: StateBlock
) -> None:
    before = block.snapshot()
    assert before is not None
    flags = np.zeros(2, np.int32)
    thread = threading.Thread(target=load("holds"), args=(flags,))
    thread.start()
    while not flags[0]:
        pass
    during = block.snapshot(), block.restore(before)
    flags[1] = 1
    thread.join()
    assert during == (None, False)
    assert block.restore(before)


def test_copying_in_one_thread_disturbs_no_call_in_another(
    load: Callable[[str], LoadedCell], block: StateBlock
) -> None:
    wide, stop = load("counts_wide"), threading.Event()
    taken: list[StateBlock | None] = []

    def copy() -> None:
        while not stop.is_set():
            taken.append(block.snapshot())

    thread = threading.Thread(target=copy)
    thread.start()
    got = [wide(1) for _ in range(2000)]
    patience = time.monotonic() + 30
    while not any(taken) and time.monotonic() < patience:  # a busy machine may let no copy in between 2,000 calls
        got.append(wide(1))
    stop.set()
    thread.join()
    assert got == list(range(1, len(got) + 1))
    assert any(taken)
