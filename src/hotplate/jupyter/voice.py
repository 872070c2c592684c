"""Voice: what cells print, and how far they are, in the output of the Jupyter cell that runs them."""

from __future__ import annotations

import sys
from contextvars import copy_context
from html import escape
from typing import TYPE_CHECKING, Any

from IPython.display import display

from hotplate.events import Event, Kind
from hotplate.run.lifecycles.texts import TextCutter

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.jupyter.places import Places

_WIDTH = 30

show: Callable[..., Any] = display
"""Shows an object; with `display_id` it returns a handle that can replace what is shown."""


class Voice:
    """A sink of one run. Events come on several threads, one at a time.

    ipykernel tells by the context in which something is written which Jupyter cell it belongs to. A thread of the
    run's has that of whoever started it first, so everything is written in a copy of the context that this was made in.
    """

    def __init__(self, places: Places, *, rich: bool) -> None:
        """`rich`: outputs can be replaced, as in Jupyter; a terminal has lines."""
        self._context = copy_context()
        self._places = places
        self._bar: _Bar = _RichBar() if rich else _LineBar()
        self.running: set[str] = set()
        """The cells that are being computed."""

    def __call__(self, event: Event) -> None:
        """Takes an event."""
        if event.kind is Kind.CELL_OUTPUT:
            self._in_context(self._write, event)
        elif event.kind is Kind.CELL_PROGRESS:
            done, total = event.data["done"], event.data["total"]
            self._in_context(self._bar.show, event.cell, done, total)
        elif event.kind is Kind.CELL_STARTED:
            self.running.add(event.cell)
        elif event.kind in (Kind.CELL_DONE, Kind.CELL_FAILED, Kind.CELL_SKIPPED):
            self.running.discard(event.cell)
            how = "done" if event.kind is Kind.CELL_DONE else event.data["result"].status.replace("_", " ")
            self._in_context(self._bar.end, event.cell, how)

    def _in_context(self, function: Callable[..., None], *arguments: Any) -> None:
        self._context.copy().run(function, *arguments)

    def _write(self, event: Event) -> None:
        if dropped := event.data["dropped"]:
            _write(event.data["stream"], f"\n[{dropped:,} bytes left out]\n")
        _write(event.data["stream"], self._places.text(event.data["text"]))


def teller() -> Callable[[str], None]:
    """Says things in the output of the Jupyter cell that runs now, from any thread, later too."""
    context = copy_context()
    return lambda words: context.copy().run(_write, "stderr", f"hotplate: {words}\n")


class Echo:
    """What a direct call writes in a worker, in the output of the Jupyter cell that makes it; on any thread."""

    def __init__(self, places: Places) -> None:
        self._context = copy_context()
        self._places = places
        self._cutters = {1: TextCutter(), 2: TextCutter()}

    def __call__(self, stream: int, data: bytes) -> None:
        """Takes what was written to stdout (1) or stderr (2)."""
        for text in self._cutters[stream].add(data):
            self._tell(stream, text)

    def close(self) -> None:
        """Nothing comes any more."""
        for stream, cutter in self._cutters.items():
            if text := cutter.end():
                self._tell(stream, text)

    def _tell(self, stream: int, text: str) -> None:
        self._context.copy().run(_write, "stderr" if stream == 2 else "stdout", self._places.text(text))


def _write(stream: str, text: str) -> None:
    target = sys.stderr if stream == "stderr" else sys.stdout
    target.write(text)
    target.flush()


class _Bar:
    """A bar for each cell that tells how far it is."""

    def __init__(self) -> None:
        self._shown: dict[str, tuple[int, int]] = {}
        self._handles: dict[str, Any] = {}

    def show(self, cell: str, done: int, total: int) -> None:
        """The cell is so far. Called ten times a second at most."""
        self._shown[cell] = (done, total)
        self._draw(cell, done, total)

    def end(self, cell: str, how: str) -> None:
        """The cell is over: `done`, `failed`, `cancelled`."""
        if cell in self._shown:
            done, total = self._shown.pop(cell)
            self._draw(cell, (total or done) if how == "done" else done, total, how)

    def _draw(self, cell: str, done: int, total: int, over: str = "") -> None:
        """`over`: how it ended, if it did."""
        raise NotImplementedError


class _LineBar(_Bar):
    """On one line of a terminal, which is written again."""

    def _draw(self, cell: str, done: int, total: int, over: str = "") -> None:
        clear, end = "\x1b[K" if sys.stderr.isatty() else "", "\n" if over else ""
        sys.stderr.write(f"\r{_text(cell, done, total, over)}{clear}{end}")
        sys.stderr.flush()


class _RichBar(_Bar):
    """An output that is replaced, and stays when the cell is over."""

    def _draw(self, cell: str, done: int, total: int, over: str = "") -> None:
        bundle = _bundle(cell, done, total, over)
        if cell in self._handles:
            self._handles[cell].update(bundle, raw=True)
        else:
            self._handles[cell] = show(bundle, raw=True, display_id=True)
        if over:
            del self._handles[cell]


def _bundle(cell: str, done: int, total: int, over: str) -> dict[str, str]:
    value = f' value="{done}" max="{total}"' if total else ' value="1"' if over else ""
    # Half a bar would look as if the cell still ran.
    bar = f"<progress{value}></progress> " if over in ("", "done") else ""
    html = f'<div class="hotplate-progress">{escape(cell)} {bar}{_words(done, total, over)}</div>'
    return {"text/plain": _text(cell, done, total, over), "text/html": html}


def _text(cell: str, done: int, total: int, over: str) -> str:
    return f"{cell}: {_words(done, total, over)} {_blocks(done, total) if over in ('', 'done') else ''}".rstrip()


def _words(done: int, total: int, over: str) -> str:
    far = f"{done / total:4.0%} ({done:,} of {total:,})" if total else f"{done:,}"
    return f"{far}, {over}" if over else far


def _blocks(done: int, total: int) -> str:
    if not total:
        return ""
    full = min(max(round(_WIDTH * done / total), 0), _WIDTH)
    return f"[{'#' * full}{'.' * (_WIDTH - full)}]"
