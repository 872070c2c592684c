"""File names as compilers give them back, which on Windows may be spelled otherwise than they were given."""

from __future__ import annotations

import re

_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_MARKER = re.compile(r'\s*#\s*(?:line\s+)?(\d+)\s+"((?:[^"\\]|\\.)*)"')


def spelling(path: str) -> str:
    """A text that is equal for names of the same file: a path of Windows with a drive has no case and two slashes."""
    return re.sub(r"[\\/]+", "/", path).casefold() if _WINDOWS.match(path) else path


def line_marker(line: str) -> tuple[int, str] | None:
    """The number and the file name in a #line directive or in a line marker of a preprocessor; None: it is neither."""
    marker = _MARKER.match(line)
    return (int(marker[1]), re.sub(r"\\(.)", r"\1", marker[2])) if marker else None
