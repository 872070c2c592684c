"""Keys on Linux and macOS."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import threading
import tty
from typing import TYPE_CHECKING

assert sys.platform != "win32"

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.cli.live.terminal import Screen


class PosixKeyboard:
    """stdin's terminal, one key at a time. While it is open, cells that read stdin get the end of the file."""

    def __init__(self, screen: Screen, give: Callable[[str], None]) -> None:
        self._screen = screen
        self._give = give
        self._terminal = os.dup(0)
        self._usual = termios.tcgetattr(self._terminal)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        self._end, self._ending = os.pipe()
        self._taken = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._read, name="hotplate-keys", daemon=True)
        self._thread.start()

    def take(self) -> None:
        """Single keys, without echo; Ctrl-C and Ctrl-Z stay signals."""
        if not self._screen.foreground:
            return
        with contextlib.suppress(termios.error, OSError):
            tty.setcbreak(self._terminal, termios.TCSADRAIN)
            self._taken.set()

    def give_back(self) -> None:
        """Whole lines with echo, or whatever it was. Never blocks, and never stops a process in the background."""
        self._taken.clear()
        if self._screen.foreground:
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self._terminal, termios.TCSANOW, self._usual)

    def close(self) -> None:
        """Gives it back and ends the thread; stdin is the terminal again."""
        self.give_back()
        self._closed = True
        self._taken.set()
        os.close(self._ending)
        self._thread.join()
        os.dup2(self._terminal, 0)
        os.close(self._terminal)
        os.close(self._end)

    def _read(self) -> None:
        while self._taken.wait() and not self._closed:
            ready, _, _ = select.select([self._terminal, self._end], [], [])
            if self._end in ready:
                return
            if not self._taken.is_set() or not self._screen.foreground:
                self._taken.clear()  # what is typed now is the shell's; reading it would stop this process
                continue
            try:
                typed = os.read(self._terminal, 64)
            except OSError:
                return
            if not typed:
                return
            if not typed.startswith(b"\x1b"):  # an arrow or another key that means nothing here
                for key in typed.decode("utf-8", "replace"):
                    self._give(key)
