"""How a watch ends: by a key, by Ctrl-C, by another signal, or because nobody reads its output any more."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotplate.reload import Live

_LOOK = 0.05  # seconds between two looks whether the last cell has ended


class Ending:
    """Asks a `Live` to stop, once; a second request ends the process. `stop` may be called from any thread."""

    def __init__(self) -> None:
        self.signal = 0
        """The signal that ended it; 0: none did."""
        self.tell: Callable[[str], None] = _ignore
        self.leave: Callable[[], None] = _nothing
        """Puts the terminal in order, just before the process ends at once."""
        self._live: Live | None = None
        self._asked = threading.Event()

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Inside the block signals end the watch instead of the process. Signals that are ignored stay so."""
        usual = {}
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                usual[number] = signal.signal(number, self._signalled)
        try:
            yield
        finally:
            for number, handler in usual.items():
                signal.signal(number, handler)

    def attach(self, live: Live) -> None:
        """From here on this is what is stopped."""
        self._live = live
        if self._asked.is_set():
            self._stop()

    def stop(self) -> None:
        """Asks for the end. Does not wait for it."""
        if not self._asked.is_set():
            self._asked.set()
            self._stop()

    def outlast(self, live: Live) -> None:
        """Waits for the cells that a stopped `live` could not stop, and says which. SIGTERM and SIGHUP do not wait."""
        if not live.running:
            return
        if self.signal not in (0, signal.SIGINT):
            self._end_at_once(self.signal)
        self.tell(
            f"{', '.join(live.running)} can't be stopped; it goes on until it returns. Ctrl-C ends hotplate at once"
        )
        while live.running:
            time.sleep(_LOOK)

    def _stop(self) -> None:
        self.tell("stopping")
        if self._live is not None:
            threading.Thread(target=self._live.stop, name="hotplate-stop", daemon=True).start()

    def _signalled(self, number: int, _: object) -> None:
        if self._asked.is_set():
            self._end_at_once(number)
        self.signal = number
        if self._live is None:
            self._asked.set()
            raise KeyboardInterrupt
        self.stop()

    def _end_at_once(self, number: int) -> None:
        self.leave()
        os._exit(128 + number)


def _ignore(_message: str) -> None:
    """What `tell` is before there is a view."""


def _nothing() -> None:
    """What `leave` is before there is a view."""
