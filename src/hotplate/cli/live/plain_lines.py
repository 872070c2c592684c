"""A watch for people who read a log: what happened, with the time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate.events import Event, Kind
from hotplate.reload.board import Board
from hotplate.show.words import milliseconds, parts, preview, retry_words, type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hotplate.diagnostic import Diagnostic
    from hotplate.reload import LiveStatus
    from hotplate.run import CellResult

PROGRESS = 1.0
"""Seconds between two lines about the progress of a cell."""


class PlainLines:
    """One line for each happening; diagnostics as `check` prints them."""

    def __init__(self, notebook: str) -> None:
        self._notebook = notebook
        self._board = Board()
        self._told: dict[str, float] = {}
        """When a cell's progress was told last."""

    def hello(self) -> Iterable[str]:
        """Says what is watched."""
        yield f"{_clock(time.time())} watching {self._notebook}; Ctrl-C ends it"

    def message(self, text: str) -> Iterable[str]:
        """A message with the time."""
        yield f"{_clock(time.time())} {text}"

    def status(self, before: LiveStatus | None, now: LiveStatus) -> Iterable[str]:
        """What has come, and what has gone, of diagnostics, the mark on old results, and trouble with the file."""
        clock = _clock(time.time())
        yield from _changed(clock, before.trouble if before else "", now.trouble, "that is over")
        if now.diagnostics != (before.diagnostics if before else ()):
            yield from _findings(now.diagnostics)
        yield from _changed(clock, before.notice if before else "", now.notice, f"running v{now.version}, the newest")

    def event(self, event: Event) -> Iterable[str]:
        """What happened."""
        self._board.take(event)
        clock = _clock(event.time)
        return (f"{clock} {words}" for words in self._words(event) if words)

    def _words(self, event: Event) -> Iterator[str]:
        data = event.data
        match event.kind:
            case Kind.RELOAD_STARTED:
                yield f"reading {', '.join(Path(file).name for file in data['files'])}"
            case Kind.RUN_STARTED:
                yield f"running {len(data['cells'])} cells"
            case Kind.CELL_BUILDING:
                yield f"{event.cell} building"
            case Kind.CELL_BUILT:
                yield f"{event.cell} {_built(event)}"
            case Kind.CELL_STARTED:
                yield f"{event.cell} running" + (f", attempt {event.attempt}" if event.attempt > 1 else "")
            case Kind.CELL_PROGRESS if event.time - self._told.get(event.cell, 0.0) >= PROGRESS:
                self._told[event.cell] = event.time
                yield f"{event.cell} {_progress(event)}"
            case Kind.CELL_RETRYING:
                yield f"{event.cell} {retry_words(event, event.time)}"
            case Kind.CELL_RELOADED:
                yield f"{event.cell} loaded for v{data['version']}"
            case Kind.CELL_DONE | Kind.CELL_FAILED | Kind.CELL_SKIPPED:
                yield from _result(data["result"])
            case Kind.RELOAD_DONE if (error := data["reload"].error) and not getattr(error, "diagnostics", ()):
                yield str(error)
            case Kind.RELOAD_DONE | Kind.RUN_DONE:
                yield self._board.last


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds)) + f".{int(seconds * 1000) % 1000:03}"


def _built(event: Event) -> str:
    if not event.data["ok"]:
        return "does not compile"
    return "in the cache" if event.data["cached"] else f"built in {milliseconds(event.data['seconds'])}"


def _progress(event: Event) -> str:
    done, total = event.data["done"], event.data["total"]
    return f"at {done} of {total} ({100 * done // total}%)" if total else f"at {done}"


def _result(cell: CellResult) -> Iterator[str]:
    if not cell.outcome.ok:
        yield f"{cell.name} {cell.status.replace('_', ' ')}: {cell.outcome.error or cell.outcome.reason}"
        return
    reason = f" ({cell.reason})" if cell.reason else ""
    took = "" if cell.kept or cell.given else f" in {milliseconds(cell.outcome.seconds)}"
    for field, value in parts(cell.value):
        name = f"{cell.name}.{field}" if field else cell.name
        shown = f": {type_of(value)} {preview(value)}" if value is not None else ""
        yield f"{name} {cell.status}{took}{reason}{shown}"


def _changed(clock: str, before: str, now: str, gone: str) -> Iterator[str]:
    if before != now:
        yield f"{clock} {now or gone}"


def _findings(findings: Iterable[Diagnostic]) -> Iterator[str]:
    for found in findings:
        yield found.render()
