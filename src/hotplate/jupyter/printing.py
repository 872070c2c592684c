"""What native code in this process prints, in order with what Python prints.

It goes to the process's own descriptors. In a terminal that is where Python writes, too. ipykernel has a pipe there
instead and a thread that reads it, so what a cell has printed may appear later than what Python prints after it.
"""

from __future__ import annotations

import re
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hotplate._platform import flush_c_streams, unread_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

_PRINTS = re.compile(r"\b(\w*printf|put[sc]|putchar|perror|fput\w+|fwrite|write|cout|cerr|clog|print|println|system)\b")
_PATIENCE = 0.2
"""Seconds that anybody waits for the thread that reads; it may be stopped, or look elsewhere."""
_STEP = 0.001


def may_print(text: str) -> bool:
    """Whether the text of native code names something that prints."""
    return _PRINTS.search(text) is not None


@contextmanager
def native_output() -> Iterator[None]:
    """Keeps what native code prints in the block between what Python prints before and after it."""
    _send_off()
    try:
        yield
    finally:
        flush_c_streams()
        if sys.stdout is not sys.__stdout__:
            _wait_for_the_reader()
            _send_off()


def _send_off() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # whatever stands there in place of a file
            stream.flush()


def _wait_for_the_reader() -> None:
    """Waits until whoever reads this process's descriptors has what was written to them."""
    deadline = time.monotonic() + _PATIENCE
    while any(map(unread_bytes, (1, 2))) and time.monotonic() < deadline:
        time.sleep(_STEP)
    time.sleep(_STEP)  # what has been read still has to be passed on
