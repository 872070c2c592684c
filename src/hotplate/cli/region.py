"""Lines in a terminal that are drawn over again, with ordinary output going past above them.

The cursor rests, hidden, at the first of the lines, not below the last as rich.live has it: terminals that fold long
lines anew when their width changes take the cursor along, so the top is found again after any resize.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

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
    """The lines, written through `write`. For one thread."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._lines: list[bytes] = []

    def draw(self, lines: Sequence[bytes], above: bytes = b"") -> None:
        """Replaces the lines, after `above` has gone past them; the same lines once more cost nothing.

        No line may be as wide as the terminal, and there must be fewer than it has.
        """
        if list(lines) == self._lines and not above:
            return
        up = b"\x1b[%dA" % (len(lines) - 1) if len(lines) > 1 else b""
        body = b"\r\n".join(line + _ERASE_LINE for line in lines)
        self._write(
            _TOGETHER + _HIDE_CURSOR + self._past(above) + _CUT + body + _ERASE_BELOW + _FOLD + b"\r" + up + _SHOW
        )
        self._lines = list(lines)

    def put(self, text: bytes) -> None:
        """Takes the lines down and writes text in their place."""
        if text:
            self._write(self._past(text))
            self._lines = []

    def _past(self, text: bytes) -> bytes:
        if not text:
            return b""
        erase = _ERASE_BELOW if self._lines else b""
        return erase + text + _PLAIN + (b"" if text.endswith(b"\n") else b"\r\n")

    def clear(self) -> None:
        """Clears the whole screen."""
        self._write(b"\x1b[H" + _ERASE_BELOW)
        self._lines = []

    def leave(self) -> None:
        """Leaves the lines where they are and goes below them, with the cursor shown."""
        down = b"\x1b[%dB" % (len(self._lines) - 1) if len(self._lines) > 1 else b""
        self._write(down + (b"\r\n" if self._lines else b"") + RESTORE)
        self._lines = []


_UNSAFE = re.compile(
    rb"\x1b\[[0-9;:]*m"  # colours may stay
    rb"|(\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])?"
    rb"|[\x00-\x06\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f])"
)


def harmless(text: bytes) -> bytes:
    """Output of cells without what would move the lines below it: cursor movements, screen switches, form feeds."""
    return _UNSAFE.sub(lambda match: b"" if match[1] is not None else match[0], text)
