"""Keys on Windows, and a console that understands escape sequences."""

from __future__ import annotations

import ctypes
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_VIRTUAL_TERMINAL = 0x0004  # ENABLE_VIRTUAL_TERMINAL_PROCESSING
_POLL = 0.05  # seconds; msvcrt has no wait that could be ended


class WindowsKeyboard:
    """The console's keys, one at a time."""

    def __init__(self, screen: int, give: Callable[[str], None]) -> None:
        self._give = give
        self._closed = threading.Event()
        self._mode = _enable_sequences(screen)
        self._screen = screen
        self._taken = False
        self._thread = threading.Thread(target=self._read, name="hotplate-keys", daemon=True)

    def take(self) -> None:
        """Gives keys from here on."""
        self._taken = True
        if not self._thread.is_alive():
            self._thread.start()

    def give_back(self) -> None:
        """Stops giving keys."""
        self._taken = False

    def close(self) -> None:
        """Ends the thread and puts the console's mode back."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        _set_mode(self._screen, self._mode)

    def _read(self) -> None:
        if sys.platform != "win32":
            return
        import msvcrt

        while not self._closed.wait(_POLL):
            while self._taken and msvcrt.kbhit():
                key = msvcrt.getwch()
                if key in ("\x00", "\xe0"):  # a function key: its code follows
                    msvcrt.getwch()
                else:
                    self._give(key)


def _enable_sequences(descriptor: int) -> int | None:
    if sys.platform != "win32":
        return None
    import msvcrt

    mode = ctypes.c_uint32()
    if not ctypes.windll.kernel32.GetConsoleMode(msvcrt.get_osfhandle(descriptor), ctypes.byref(mode)):
        return None
    _set_mode(descriptor, mode.value | _VIRTUAL_TERMINAL)
    return mode.value


def _set_mode(descriptor: int, mode: int | None) -> None:
    if sys.platform != "win32" or mode is None:
        return
    import msvcrt

    ctypes.windll.kernel32.SetConsoleMode(msvcrt.get_osfhandle(descriptor), mode)
