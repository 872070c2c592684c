"""Attempts at a cell that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hotplate.events import Emitter, Event
from hotplate.execute import AbortHandle
from hotplate.notebook import Attributes
from hotplate.run import Task
from hotplate.run.lifecycles import CellContext

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def events() -> list[Event]:
    """Those of the run that `attempt` makes attempts in."""
    return []


@pytest.fixture
def attempt(events: list[Event]) -> Callable[..., CellContext]:
    """Begins an attempt at the cell u1, which runs in a worker."""
    emitter = Emitter("r1", (events.append,))

    def begin(number: int = 1, *, cell: str = "u1", last: bool = True, isolated: bool = True) -> CellContext:
        return CellContext(task(cell, isolated=isolated), number, AbortHandle(), emitter, last=last)

    return begin


def task(cell: str, *, isolated: bool) -> Task:
    return Task(cell, "c", _never, "key", Attributes(), isolated=isolated)


def _never(**_: Any) -> None:
    pytest.fail("lifecycles call no cell")
