"""Panel: how a watched file stands, as an output that is replaced whenever that changes."""

from __future__ import annotations

import threading
import time
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from hotplate.jupyter.summary import Row, Summary
from hotplate.jupyter.voice import show

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.jupyter.watching import Watched

_PERIOD = 0.1
"""Seconds between two pictures; what comes meanwhile is in the next."""


class Panel:
    """One output. `refresh` may be called from any thread, as often as one likes."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        # In which output of which Jupyter cell it is.
        self._context = copy_context()
        self._handle: Any = None
        self._due: threading.Timer | None = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Shows it for the first time."""
        self._handle = show(status_of(self._watched), display_id=True)

    def refresh(self) -> None:
        """Has it drawn again soon."""
        with self._lock:
            if self._handle is None or self._due is not None:
                return
            self._due = timer = threading.Timer(_PERIOD, self._draw)
            timer.daemon = True
            timer.start()

    def close(self) -> None:
        """Draws it for the last time."""
        with self._lock:
            if self._due is not None:
                self._due.cancel()
            self._due = None
        if self._handle is not None:
            self._in_context(lambda: self._handle.update(status_of(self._watched, over=True)))
            self._handle = None

    def _draw(self) -> None:
        with self._lock:
            self._due, handle = None, self._handle
        if handle is not None:
            self._in_context(lambda: handle.update(status_of(self._watched)))

    def _in_context(self, function: Callable[[], None]) -> None:
        self._context.copy().run(function)


def status_of(watched: Watched, *, over: bool = False) -> Summary:
    """How the file stands, as something to show."""
    status = watched.status
    if status is None:
        return Summary(notes=(f"{watched.path.name} is not being watched",))
    rows = tuple(Row.of(result) for result in status.run.cells.values()) if status.run is not None else ()
    phase = {"waiting": "saved at", "building": "building since", "running": "running since"}[status.phase]
    heading = f"{watched.path.name} v{status.version}: {phase} {time.strftime('%H:%M:%S')}"
    if over:
        heading = f"{watched.path.name} v{status.version}: not watched any more"
    problems = [str(cell.outcome.error) for cell in status.run.failures if cell.outcome.error] if status.run else []
    error = status.reload.error if status.reload is not None else None
    if error is not None and not status.diagnostics:
        problems.append(str(error))
    notes = tuple(filter(None, (status.notice, status.trouble, heading)))
    return Summary(rows, notes, tuple(problems), status.diagnostics)
