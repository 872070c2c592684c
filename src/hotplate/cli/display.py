"""What people see of a run in the terminal while it goes on."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from hotplate.events import Event, Kind
from hotplate.show.words import retry_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console, Group

    from hotplate.cli.above import Above

DELAY = 0.2
"""Seconds before the live display appears: what is over by then needs none."""

PERIOD = 0.1
"""Seconds between two pictures of it."""

SHOWN = 8
"""Cells of one kind that are shown while a run goes on."""


class LiveProgress:
    """A sink that draws what is being built and run, with bars for cells that report progress.

    A context manager; leaves the terminal as it was. `progress` is asked for (done, total) of running cells, and
    `points` takes events and tells how much of a sweep is done. What cells print goes past `above`.
    """

    def __init__(
        self,
        console: Console,
        progress: Callable[[], Mapping[str, tuple[int, int]]],
        points: Callable[[Event], str] = lambda _event: "",
        above: Above | None = None,
    ) -> None:
        self._console = console
        self._progress = progress
        self._points = points
        self._building: dict[str, None] = {}
        self._running: dict[str, int] = {}
        """The attempt that is under way."""
        self._retrying: dict[str, Event] = {}
        self._reports: dict[str, tuple[int, int]] = {}
        """What events have told of progress: some executors run cells where nobody here can ask them."""
        self._swept = ""
        self._done = self._total = 0
        self._asked: Mapping[str, tuple[int, int]] = {}
        self._above = above
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="hotplate-progress", daemon=True)

    def __call__(self, event: Event) -> None:
        """Takes note of an event; drawing happens elsewhere."""
        match event.kind:
            case Kind.RUN_STARTED:
                self._total = len(event.data["cells"])
            case Kind.CELL_BUILDING:
                self._building[event.cell] = None
            case Kind.CELL_BUILT:
                self._building.pop(event.cell, None)
            case Kind.CELL_STARTED:
                self._retrying.pop(event.cell, None)
                self._running[event.cell] = event.attempt
            case Kind.CELL_PROGRESS:
                self._reports[event.cell] = event.data["done"], event.data["total"]
            case Kind.CELL_RETRYING:
                self._forget(event.cell)
                self._retrying[event.cell] = event
            case Kind.CELL_DONE | Kind.CELL_FAILED | Kind.CELL_SKIPPED:
                self._forget(event.cell)
                self._done += 1
        self._swept = self._points(event)

    def _forget(self, cell: str) -> None:
        for known in (self._running, self._reports, self._retrying):
            known.pop(cell, None)

    def __enter__(self) -> LiveProgress:
        if self._above is not None:
            self._above.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *told: object) -> None:
        self._over.set()
        self._thread.join()
        if self._above is not None:
            self._above.__exit__(*told)

    def _draw(self) -> None:
        if self._over.wait(DELAY):
            return
        from rich.live import Live

        if self._above is not None:
            self._above.begin()
        with Live(console=self._console, get_renderable=self._render, auto_refresh=False, transient=True) as live:
            while True:
                # Not while the display is held: who prints above it may hold what this waits for.
                self._asked = dict(self._progress())
                live.refresh()
                if self._over.wait(PERIOD):
                    break
        if self._above is not None:
            self._above.end()

    def _render(self) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        rows = Table.grid(padding=(0, 1))
        reports = {**self._reports, **self._asked}
        for name, attempt in tuple(self._running.items())[:SHOWN]:
            done, total = reports.get(name, (0, 0))
            bar = ProgressBar(total=total or None, completed=done, width=30, pulse=not total)
            again = Text(f"attempt {attempt}" if attempt > 1 else "", "yellow")
            rows.add_row("running", Text(name, "bold"), bar, f"{done}/{total}" if total else str(done or ""), again)
        for name, event in tuple(self._retrying.items())[:SHOWN]:
            rows.add_row("waiting", Text(name, "bold"), Text(retry_words(event, time.time()), "yellow"))
        if self._building:
            rows.add_row("building", Text(", ".join(tuple(self._building)[:6]), "bold"))
        tail = () if self._above is None or not (text := self._above.tail) else (text,)
        counts = [self._swept, f"{self._done} of {self._total} cells"]
        return Group(*tail, rows, Text(", ".join(filter(None, counts)), "dim"))
