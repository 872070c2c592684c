"""What native code in this process prints, in order with what Python prints.

It goes to the process's own descriptors. In a terminal that is where Python writes, too. ipykernel has a pipe there
instead and a thread that reads it, so what a cell has printed may appear later than what Python prints after it.
"""

from __future__ import annotations

import re
import sys
import time
from contextlib import suppress

from hotplate._platform import flush_c_streams, unread_bytes

_PRINTS = re.compile(r"\b(\w*printf|put[sc]|putchar|perror|fput\w+|fwrite|write|cout|cerr|clog|print|println|system)\b")
_PATIENCE = 0.2
"""Seconds that anybody waits for the thread that reads; it may be stopped, or look elsewhere."""
_STEP = 0.001


def may_print(text: str) -> bool:
    """Whether the text of native code names something that prints."""
    return _PRINTS.search(text) is not None


def before_native_output() -> None:
    """Sends off what Python has printed, so that it comes before what native code prints now."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # whatever stands there in place of a file
            stream.flush()


def after_native_output() -> None:
    """Sends off what native code has printed, and waits until whoever reads this process's descriptors has it."""
    flush_c_streams()
    if sys.stdout is sys.__stdout__:
        return
    deadline = time.monotonic() + _PATIENCE
    while any(map(unread_bytes, (1, 2))) and time.monotonic() < deadline:
        time.sleep(_STEP)
    time.sleep(_STEP)  # what has been read still has to be passed on
    before_native_output()
