"""Lines in a terminal that are drawn over again, with ordinary output going past above them.

The cursor rests, hidden, at the first of the lines, not below the last as rich.live has it: terminals that fold long
lines anew when their width changes take the cursor along, so the top is found again after a resize. Only while cells
run it rests below, so that what the shell says of a crash does not go over the lines.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TOGETHER, _SHOW = b"\x1b[?2026h", b"\x1b[?2026l"  # terminals that know them draw what is between at once
_HIDE_CURSOR, _SHOW_CURSOR = b"\x1b[?25l", b"\x1b[?25h"
_CUT, _FOLD = b"\x1b[?7l", b"\x1b[?7h"
_ERASE_LINE, _ERASE_BELOW = b"\x1b[K", b"\x1b[J"
_PLAIN = b"\x1b[m"

RESTORE = _FOLD + _SHOW_CURSOR + _PLAIN
"""What a terminal needs at least when nobody knows how far the last picture came."""


class Region:
    """The lines, written through `write`. Thread-safe: one thread may draw while another prints.

    `encode` makes bytes of text that the terminal shows.
    """

    def __init__(self, write: Callable[[bytes], None], encode: Callable[[str], bytes] = str.encode) -> None:
        self._write = write
        self._encode = encode
        self._lock = threading.RLock()
        self._lines: list[bytes] = []
        self._drawn = 0
        """How many lines stand there."""
        self._below = False
        """Whether the cursor rests below them."""
        self._visible = True
        self._width = 80
        self._unfinished = b""
        """The line that is still being printed; it stands above the others."""

    def draw(self, lines: Sequence[bytes], width: int, *, below: bool = False) -> None:
        """Replaces the lines; the same once more cost nothing. `below` says where the cursor rests.

        None may be wider than `width`, which is less than the terminal has, and two more must fit besides them.
        """
        with self._lock:
            if list(lines) != self._lines or below != self._below:
                self._lines, self._width = list(lines), width
                self._show(b"", below=below)

    def print(self, output: bytes) -> None:
        """Writes output above the lines. What follows its last newline is shown, and goes up when the rest has come."""
        with self._lock:
            if not self._visible:
                self._write(output)
                return
            whole, newline, rest = (self._unfinished + output).rpartition(b"\n")
            if len(rest) > LONG:
                whole, newline, rest = whole + newline + rest, b"\n", b""
            self._unfinished = rest
            self._show(harmless(whole + newline))

    def invalidate(self) -> None:
        """Has the lines drawn again, even if they are the same: the terminal may have lost some."""
        with self._lock:
            self._lines = []

    def finish(self) -> None:
        """Ends a line that was still being printed."""
        with self._lock:
            if self._unfinished:
                self.print(b"\n")

    def clear(self) -> None:
        """Clears the whole screen, and draws again."""
        with self._lock:
            self._write(b"\x1b[H" + _ERASE_BELOW)
            self._drawn = 0
            self._show(b"")

    def leave(self) -> None:
        """Leaves the lines where they are and goes below them, with the cursor shown. Nothing is drawn from here on."""
        with self._lock:
            if self._visible:
                self.finish()
                self._show(b"", below=True)
                self._write(RESTORE)
            self._visible = False
            self._forget()

    def enter(self) -> None:
        """Draws again from here on, from the line of the cursor."""
        with self._lock:
            self._visible = True
            self._forget()

    def _forget(self) -> None:
        self._lines, self._drawn, self._below = [], 0, False

    def _show(self, above: bytes, *, below: bool | None = None) -> None:
        if not self._visible:
            return
        begin = b"\x1b[%dA" % self._drawn if self._below and self._drawn else b""
        self._below = self._below if below is None else below
        lines = [*([self._tail()] if self._unfinished else []), *self._lines]
        erase = _ERASE_BELOW if above and self._drawn else b""
        body = b"".join(line + _ERASE_LINE + b"\r\n" for line in lines)
        up = b"\x1b[%dA" % len(lines) if lines and not self._below else b""
        picture = _CUT + body + _ERASE_BELOW + _FOLD + up
        self._write(_TOGETHER + _HIDE_CURSOR + begin + erase + above + _PLAIN + picture + _SHOW)
        self._drawn = len(lines)

    def _tail(self) -> bytes:
        text = self._unfinished.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]
        shown = "".join(character if character.isprintable() else " " for character in text)
        return self._encode(set_cell_size(shown, min(cell_len(shown), self._width)))


LONG = 4096
"""Bytes of a line without an end that are kept back; longer ones are ended."""

_UNSAFE = re.compile(
    rb"\x1b\[[0-9;:]*m"  # colours may stay
    rb"|(\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])?"
    rb"|[\x00-\x06\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f])"
)


def harmless(text: bytes) -> bytes:
    """Output of cells without what would move the lines below it: cursor movements, screen switches, form feeds."""
    return _UNSAFE.sub(lambda match: b"" if match[1] is not None else match[0], text)
