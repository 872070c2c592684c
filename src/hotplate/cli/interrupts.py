"""Ctrl-C in commands that have something to undo."""

from __future__ import annotations

import _thread
import functools
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def interruptible() -> None:
    """From here on Ctrl-C is an exception: compilers have to be stopped, cells told, the terminal put in order."""
    from hotplate.execute.interrupt import watch

    watch.end = _end_at_once
    sys.unraisablehook = functools.partial(_keep_interrupt, sys.unraisablehook)
    if callable(signal.getsignal(signal.SIGINT)):  # else it is ignored, as behind nohup
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _keep_interrupt(hook: Callable[[sys.UnraisableHookArgs], object], unraisable: sys.UnraisableHookArgs) -> None:
    """One that strikes inside a finalizer, where Python would only print it, strikes again right behind that.

    All others go to `hook`.
    """
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        del unraisable  # or what was finalized would go with the frame, on the other thread
        threading.Thread(target=_strike_outside, args=[sys._getframe()], name="hotplate-interrupt-again").start()
    else:
        hook(unraisable)


def _strike_outside(hook: FrameType) -> None:
    """Interrupts the main thread when it has left the frame."""
    main = threading.main_thread().ident or 0
    while _is_below(sys._current_frames().get(main), hook):
        time.sleep(0.001)
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(main, signal.SIGINT)  # which also reaches cells, and ends waits of the system


def _is_below(frame: FrameType | None, caller: FrameType) -> bool:
    while frame is not None and frame is not caller:
        frame = frame.f_back
    return frame is caller


def _end_at_once() -> None:
    """Ends past a cell that can't be stopped; nobody else will show the cursor that a live display has hidden."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), b"\x1b[?25h\n")
    os._exit(130)
