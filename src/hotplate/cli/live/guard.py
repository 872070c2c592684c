"""Puts the terminal in order when hotplate dies without a chance to: a cell that crashes takes the process with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Its stdin has a line for every change of the cells that run; it ends without a last word only when the process has
# died. Shells with an editable prompt mend the terminal's modes themselves and may be quicker; theirs differ from ours
# in icrnl, and are left alone. stderr is where the last output of the cells still waits to be read: what was printed
# just before the crash matters most.
_SCRIPT = r"""
trap '' HUP INT QUIT TERM TSTP TTIN TTOU
while read -r word; do
  [ "$word" = / ] && exit
  cells=$word
done
printf '\033[?7h\033[?25h\033[m'
cat <&2
if [ -n "$cells" ]; then
  printf '\nhotplate died while it ran %s\n' "$cells"
  printf 'with --executor process, a crash costs the cell alone\n'
fi
modes=" $(stty -a <&1) "
case $modes in *' -icanon'*) case $modes in *' -icrnl'*) ;; *) stty icanon echo <&1 ;; esac ;; esac
"""


class Guard:
    """A small process that watches over the terminal `screen` and the pipe `output` until it is dismissed.

    It takes 1 MB, and is not there where there is no shell (Windows).
    """

    def __init__(self, screen: int, output: int) -> None:
        shell = shutil.which("sh") if os.name == "posix" else None
        self._process = shell and subprocess.Popen(
            [shell, "-c", _SCRIPT], stdin=subprocess.PIPE, stdout=screen, stderr=output, start_new_session=True
        )

    def running(self, cells: Iterable[str]) -> None:
        """Tells it which cells run, in case they are the last ones."""
        self._write(f"{', '.join(cells)}\n".encode())

    def dismiss(self) -> None:
        """Sends it away; the terminal is in order."""
        self._write(b"/\n")

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_: object) -> None:
        self.dismiss()
        if self._process:
            self._process.communicate()

    def _write(self, line: bytes) -> None:
        if self._process and self._process.stdin:
            with contextlib.suppress(OSError):  # somebody may have ended it
                os.write(self._process.stdin.fileno(), line)
