"""What several commands share: options, value parsing, consoles."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hotplate.errors import SettingError

if TYPE_CHECKING:
    from rich.console import Console

file_argument = click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
compiler_option = click.option("--compiler", metavar="NAME", help="gcc, clang, zig, tcc, or a command.")
flags_option = click.option("--flags", default="", metavar="WORDS", help="More compiler arguments for every cell.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")


def words(flags: str) -> list[str]:
    """The value of --flags, split as a shell splits words."""
    try:
        return shlex.split(flags)
    except ValueError as error:
        message = f"--flags {flags!r} can't be split into words: {error}"
        raise SettingError(message) from error


def interruptible() -> None:
    """From here on Ctrl-C is an exception: compilers have to be stopped, cells told, the terminal put in order."""
    import signal

    from hotplate.execute.interrupt import watch

    watch.end = _end_at_once
    if callable(signal.getsignal(signal.SIGINT)):  # else it is ignored, as behind nohup
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end_at_once() -> None:
    """Ends past a cell that can't be stopped; nobody else will show the cursor that a live display has hidden."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), b"\x1b[?25h\n")
    os._exit(130)


def console(stream: Any) -> Console:
    """A console for tables on a stream."""
    from rich.console import Console

    # A pipe has no width; tables for another program should not be cut at 80 columns.
    return Console(file=stream, highlight=False, width=None if stream.isatty() else 160)


def flush() -> None:
    """Writes out what Python and the cells' printf have buffered."""
    import ctypes

    with contextlib.suppress(OSError, ValueError):  # a closed pipe, a full disk: too late to tell
        sys.stdout.flush()
        sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)
