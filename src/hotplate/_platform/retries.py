"""Windows lets one program keep others from a file; most let go within moments, so what fails is done again.

Scanners and indexers open a new file without sharing it, and a writer may not have closed it yet. Plain Python without
Windows' functions, so that it can be tried anywhere.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

ACCESS_DENIED, SHARING_VIOLATION, LOCK_VIOLATION = 5, 32, 33
DIRECTORY_NOT_EMPTY, BAD_EXE_FORMAT = 145, 193
BUSY = frozenset({ACCESS_DENIED, SHARING_VIOLATION, LOCK_VIOLATION})
"""What Windows says when another program is in the way."""

_FOR = 5.0  # seconds until it is an error: longer than a scanner takes for a library, shorter than a user's patience
_BRIEFLY = 0.5  # seconds: a library that is still being written looks damaged, one that is damaged stays so
_SHORTEST, _LONGEST = 0.01, 0.1  # seconds between two attempts


def patiently(
    operation: Callable[[], T],
    path: Path,
    *,
    holder: Callable[[Path], str] = lambda _: "",
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """What `operation` returns, once no other program is in its way; for about five seconds.

    Then raises an OSError with the file and who probably holds it: `holder` names the programs, "" where it can't.
    """
    began, pause = clock(), _SHORTEST
    while True:
        try:
            return operation()
        except OSError as error:
            waited = clock() - began
            if not _may_pass(error, waited):
                raise
            if waited >= _FOR:
                raise _held(error, path, holder(path)) from error
        sleep(pause)
        pause = min(2 * pause, _LONGEST)


def is_busy(error: OSError) -> bool:
    """Whether another program is in the way."""
    return getattr(error, "winerror", None) in BUSY


def _may_pass(error: OSError, waited: float) -> bool:
    code = getattr(error, "winerror", None)
    # A directory counts as not empty until the last handle of a file that was deleted in it is closed.
    return code in BUSY or code == DIRECTORY_NOT_EMPTY or (code == BAD_EXE_FORMAT and waited < _BRIEFLY)


def _held(error: OSError, path: Path, programs: str) -> OSError:
    if programs:
        told = f"{programs} holds {path} open; close it there and try again"
    else:
        told = (
            f"{path} is still held open by another program after {_FOR:g} s: a virus scanner, an indexer, a backup or "
            "sync program, or a debugger; close it, or exclude the folder from it"
        )
    code: int = getattr(error, "winerror", 0) or 0
    # Python on Windows makes the class and errno from the fourth value, and elsewhere ignores it.
    return OSError(error.errno, told, None, code)
