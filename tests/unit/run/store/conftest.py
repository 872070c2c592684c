"""Stores of a test's own, and what is recorded in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hotplate.run.store import RunDescription, RunState, RunStore
from tests.unit.run.store.samples import CELLS, compute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from hotplate.run.store import Recording


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore.open(tmp_path / "runs") as opened:
        yield opened


@pytest.fixture
def begin(store: RunStore) -> Callable[..., Recording]:
    """Begins a run of `CELLS`: `begin("a" * 12)`."""

    def begin(run: str = "a" * 12, cells: Sequence[str] = CELLS, **facts: Any) -> Recording:
        return store.begin(RunDescription(run, **{"notebook": "/home/ann/heat.c", **facts}), cells)

    return begin


@pytest.fixture
def recorded(begin: Callable[..., Recording]) -> Callable[..., str]:
    """Records a run that is over: `recorded("a" * 12, RunState.FAILED, u0=1.5)`. Returns its name."""

    def record(run: str = "a" * 12, state: RunState = RunState.DONE, **values: Any) -> str:
        recording = begin(run)
        for cell, value in values.items():
            compute(recording, cell, value)
        recording.end(state)
        assert recording.error is None
        return run

    return record
