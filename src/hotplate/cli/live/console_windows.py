"""What Windows' consoles need so that they can be drawn on like a terminal."""

from __future__ import annotations

import ctypes
import msvcrt
import sys
from typing import TYPE_CHECKING

assert sys.platform == "win32"

if TYPE_CHECKING:
    from collections.abc import Callable

_VIRTUAL_TERMINAL = 0x0004  # ENABLE_VIRTUAL_TERMINAL_PROCESSING
_UTF8 = 65001


class _ScreenBuffer(ctypes.Structure):
    """CONSOLE_SCREEN_BUFFER_INFO."""

    _fields_ = [  # ctypes wants a list
        *((name, ctypes.c_short) for name in ("width", "height", "column", "row")),
        ("attributes", ctypes.c_ushort),
        *((name, ctypes.c_short) for name in ("left", "top", "right", "bottom", "most_columns", "most_rows")),
    ]


def size(descriptor: int) -> tuple[int, int]:
    """Columns and lines of a console's window; os.get_terminal_size knows descriptors 0-2 only. Raises OSError."""
    buffer = _ScreenBuffer()
    if not ctypes.windll.kernel32.GetConsoleScreenBufferInfo(_handle(descriptor), ctypes.byref(buffer)):
        raise ctypes.WinError()
    return buffer.right - buffer.left + 1, buffer.bottom - buffer.top + 1


def prepare(descriptor: int) -> Callable[[], None]:
    """Makes a console understand escape sequences and UTF-8; returns what undoes it."""
    kernel, handle, mode = ctypes.windll.kernel32, _handle(descriptor), ctypes.c_uint32()
    page = kernel.GetConsoleOutputCP()
    kernel.GetConsoleMode(handle, ctypes.byref(mode))
    kernel.SetConsoleMode(handle, mode.value | _VIRTUAL_TERMINAL)
    kernel.SetConsoleOutputCP(_UTF8)

    def undo() -> None:
        kernel.SetConsoleMode(handle, mode.value)
        kernel.SetConsoleOutputCP(page)

    return undo


def _handle(descriptor: int) -> ctypes.c_void_p:
    return ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
