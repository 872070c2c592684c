"""Keys on Windows."""

from __future__ import annotations

import msvcrt
import sys
import threading
from typing import TYPE_CHECKING

assert sys.platform == "win32"

if TYPE_CHECKING:
    from collections.abc import Callable

_POLL = 0.05  # seconds; msvcrt has no wait that could be ended


class WindowsKeyboard:
    """The console's keys, one at a time."""

    def __init__(self, give: Callable[[str], None]) -> None:
        self._give = give
        self._taken = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._read, name="hotplate-keys", daemon=True)
        self._thread.start()

    def take(self) -> None:
        """Gives keys from here on."""
        self._taken = True

    def give_back(self) -> None:
        """Stops giving keys."""
        self._taken = False

    def close(self) -> None:
        """Ends the thread."""
        self._closed.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._closed.wait(_POLL):
            while self._taken and msvcrt.kbhit():
                key = msvcrt.getwch()
                if key in ("\x00", "\xe0"):  # a function key: its code follows
                    msvcrt.getwch()
                else:
                    self._give(key)
