"""Puts the terminal in order when hotplate dies without a chance to: a cell that crashes takes the process with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Its stdin ends without a word only when the process has died. Shells with an editable prompt mend the terminal's modes
# themselves and may be quicker; theirs differ from ours in icrnl, and are left alone. stderr is where the last output
# of the cells still waits to be read: what was printed just before the crash matters most.
_SCRIPT = r"""
trap '' HUP INT QUIT TERM TSTP TTIN TTOU
read -r word && exit
printf '\033[?7h\033[?25h\033[m'
cat <&2
modes=" $(stty -a <&1) "
case $modes in *' -icanon'*) case $modes in *' -icrnl'*) ;; *) stty icanon echo <&1 ;; esac ;; esac
"""


@contextlib.contextmanager
def guard(screen: int, output: int) -> Iterator[Callable[[], object]]:
    """While the block runs, a small process watches over the terminal `screen` and the pipe `output`.

    Gives what dismisses it before its time. It takes 1 MB, and is not there where there is no shell (Windows).
    """
    shell = shutil.which("sh") if os.name == "posix" else None
    if shell is None:
        yield list
        return
    process = subprocess.Popen(
        [shell, "-c", _SCRIPT], stdin=subprocess.PIPE, stdout=screen, stderr=output, start_new_session=True
    )
    try:
        yield lambda: _dismiss(process)
    finally:
        _dismiss(process)
        process.wait()


def _dismiss(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    with contextlib.suppress(OSError, ValueError):  # somebody may have ended it; it may have been dismissed
        process.stdin.write(b"done\n")
        process.stdin.close()
