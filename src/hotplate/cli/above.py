"""What isolated cells print while a live display is drawn: it goes past above the display, and none of it is lost."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from hotplate.cli.live.region import LONG, harmless
from hotplate.execute.captured import diverted, write_directly

if TYPE_CHECKING:
    from collections.abc import Collection

    from rich.console import Console


class Above:
    """Prints to `console`, which a rich.live display may be drawn on, what isolated cells write to `streams`.

    Those are the descriptors (1, 2) that lead to the console's terminal; the others get everything as it comes. A
    context manager. Thread-safe.
    """

    def __init__(self, console: Console, streams: Collection[int]) -> None:
        self._console = console
        self._streams = streams
        self._lock = threading.RLock()
        self._drawn = False
        self._unfinished: dict[int, bytes] = {}
        """By stream the line that is still being printed."""
        self._owned = ExitStack()

    @property
    def tail(self) -> Text:
        """The line that is still being printed, for the display to show; "" without one."""
        text = _text(b"".join(tuple(self._unfinished.values())))
        text.truncate(max(self._console.width - 1, 1))
        return text

    def begin(self) -> None:
        """From here on there is a display, which begins at the line of the cursor."""
        with self._lock:
            if cell_len(_text(b"".join(self._unfinished.values())).plain) >= self._console.width:
                write_directly(2, b"\n")  # it has more than one line, of which one could be erased
                self._unfinished = {}
            elif self._unfinished:
                write_directly(2, b"\r\x1b[K")
            self._drawn = True

    def end(self) -> None:
        """The display is gone. What was still being printed is, with the end of its line."""
        with self._lock:
            self._drawn, held, self._unfinished = False, self._unfinished, {}
            for stream, rest in held.items():
                write_directly(stream, rest + b"\n")

    def __enter__(self) -> Above:
        self._owned.enter_context(diverted(self._take))
        return self

    def __exit__(self, *_: object) -> None:
        self._owned.close()

    def _take(self, stream: int, data: bytes) -> None:
        if stream not in self._streams:
            write_directly(stream, data)
            return
        with self._lock:
            whole, newline, rest = (self._unfinished.pop(stream, b"") + data).rpartition(b"\n")
            if len(rest) > LONG:
                whole, newline, rest = whole + newline + rest, b"\n", b""
            if rest:
                self._unfinished[stream] = rest
            if not self._drawn:
                write_directly(stream, data)
            elif newline:
                self._console.print(_text(whole), soft_wrap=True)


def _text(output: bytes) -> Text:
    return Text.from_ansi(harmless(output).decode("utf-8", "replace"))
