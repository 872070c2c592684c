"""CellContext: one attempt at a cell, as lifecycles see it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotplate.events import Emitter
    from hotplate.execute import AbortHandle, Request
    from hotplate.run.task import Task


class CellContext:
    """One attempt at a cell. It belongs to the thread that makes the attempt, and ends with it."""

    __slots__ = (
        "abort", "arguments", "attempt", "cell", "cleanups", "echo", "emitter", "last", "output", "request", "results",
        "task",
    )  # fmt: skip

    def __init__(self, task: Task, attempt: int, abort: AbortHandle, emitter: Emitter, *, last: bool = True) -> None:
        """Attempt number `attempt`, from 1. `last`: no other follows, whatever this one ends in."""
        self.cell = task.name
        self.task = task
        self.attempt = attempt
        self.last = last
        self.abort = abort
        self.emitter = emitter
        self.arguments: Mapping[str, Any] | None = None
        """What the cell is called with, by parameter; None: not collected yet."""
        self.results: frozenset[str] = frozenset()
        """The arguments among them that are results of other cells."""
        self.output: Callable[[int, bytes], None] | None = None
        """Gets what the call writes in a worker; see Request, and `hear`."""
        self.echo = True
        """Whether that goes on to this process's own streams; see Request."""
        self.request: Request | None = None
        """What the backend was asked; None: nothing yet."""
        self.cleanups: list[Callable[[], object]] | None = None
        """What `on_exit` was given."""

    @property
    def run(self) -> str:
        """The run's id."""
        return self.emitter.run

    def hear(self, listener: Callable[[int, bytes], None]) -> None:
        """Has one more function get what the call writes in a worker; for setups. Request says what it gets."""
        first = self.output
        self.output = listener if first is None else partial(_both, first, listener)

    def on_exit(self, cleanup: Callable[[], object]) -> None:
        """Has something done at the very end, after all teardowns. The cleanup that was added last comes first.

        What one raises is kept as an exception of a teardown is; the others run all the same.
        """
        if self.cleanups is None:
            self.cleanups = []
        self.cleanups.append(cleanup)


def _both(first: Callable[[int, bytes], None], second: Callable[[int, bytes], None], stream: int, data: bytes) -> None:
    try:
        first(stream, data)
    finally:
        second(stream, data)
