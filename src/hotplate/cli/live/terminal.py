"""The terminal of the live view: its size, what is written to it, and how it was before."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Screen:
    """What is drawn on: stderr's terminal, on a descriptor of its own that no cell writes to."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = os.dup(descriptor)
        self.gone = False
        """Whether it was closed; then nothing is written any more."""
        self._undo = _prepared(self.descriptor)

    def close(self) -> None:
        """Puts a Windows console's settings back."""
        self._undo()
        os.close(self.descriptor)

    def size(self) -> tuple[int, int]:
        """Columns and lines, as they are now."""
        try:
            columns, lines = _size(self.descriptor)
        except OSError:
            return 80, 24
        return (columns or 80), (lines or 24)

    @property
    def foreground(self) -> bool:
        """Whether it is ours to draw on: not while the shell runs this process in the background."""
        if sys.platform == "win32":
            return True
        try:
            return os.tcgetpgrp(self.descriptor) == os.getpgrp()
        except OSError:  # a terminal that does not control this process knows no background
            return True

    def write(self, data: bytes) -> None:
        """Writes all of it, however long the terminal takes."""
        while data and not self.gone:
            try:
                data = data[os.write(self.descriptor, data) :]
            except OSError:
                self.gone = True


def _prepared(descriptor: int) -> Callable[[], None]:
    if sys.platform != "win32":
        return lambda: None
    from hotplate.cli.live import console_windows

    return console_windows.prepare(descriptor)


def _size(descriptor: int) -> tuple[int, int]:
    if sys.platform != "win32":
        return os.get_terminal_size(descriptor)
    from hotplate.cli.live import console_windows

    return console_windows.size(descriptor)


def writes_unicode() -> bool:
    """Whether the terminal shows more than ASCII, as far as the locale tells."""
    if sys.platform == "win32":
        return "utf" in (sys.stderr.encoding or "").lower()
    # Not the stream's encoding: Python writes UTF-8 in the C locale too.
    locale = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := os.environ.get(name))), "")
    return "utf" in locale.lower()


_ASCII = str.maketrans(
    {
        **dict(zip("▁▂▃▄▅▆▇█", "_.-~=+*#", strict=True)),
        **dict(zip("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\|/-\\|/", strict=True)),
        **{"✓": "+", "✗": "x", "·": "-", "…": "~", "µ": "u", "━": "=", "╸": "=", "╺": "-"},
    }
)


def ascii_only(text: str) -> bytes:
    """Text for a terminal that shows ASCII; every character keeps its column."""
    return text.translate(_ASCII).encode("ascii", "replace")
