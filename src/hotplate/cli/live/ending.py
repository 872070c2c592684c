"""How a watch ends: by a key, by Ctrl-C, by another signal, or because nobody reads its output any more."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotplate.reload import Live

_LOOK = 0.05  # seconds between two looks whether the last cell has ended
_TWICE = 0.1
"""Seconds within which a second signal is the same one, which a child of a cell has got as well."""


class Ending:
    """Asks a `Live` to stop, once; a second request ends the process. `stop` may be called from any thread.

    A thread of its own hears signals: one that arrives just before the main thread begins to wait for a lock would
    else be noticed only after the wait, and on Windows any would.
    """

    def __init__(self) -> None:
        self.signal = 0
        """The signal that ended it; 0: none did."""
        self.tell: Callable[[str], None] = _ignore
        self.leave: Callable[[], None] = _nothing
        """Puts the terminal in order, just before the process ends at once."""
        self._live: Live | None = None
        self._lock = threading.Lock()
        self._asked_at = 0.0

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Inside the block signals end the watch instead of the process. Signals that are ignored stay so."""
        names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
        numbers = [number for name in names if (number := getattr(signal, name, None)) is not None]
        usual = {n: signal.signal(n, _heard) for n in numbers if signal.getsignal(n) != signal.SIG_IGN}
        ear, mouth = socket.socketpair()
        mouth.setblocking(False)
        before = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
        thread = threading.Thread(
            target=self._listen, args=(ear, frozenset(usual)), name="hotplate-signals", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            mouth.close()
            thread.join()
            ear.close()
            for number, handler in usual.items():
                signal.signal(number, handler)

    def attach(self, live: Live) -> None:
        """From here on this is what is stopped."""
        with self._lock:
            self._live = live
            asked = self._asked_at
        if asked:
            self._stop(live)

    def stop(self) -> None:
        """Asks for the end. Does not wait for it."""
        with self._lock:
            live, first = self._live, not self._asked_at
            self._asked_at = self._asked_at or time.monotonic()
        if first:
            self.tell("stopping")
            if live is not None:
                self._stop(live)

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

    def _stop(self, live: Live) -> None:
        threading.Thread(target=live.stop, name="hotplate-stop", daemon=True).start()

    def _listen(self, ear: socket.socket, numbers: frozenset[int]) -> None:
        while heard := ear.recv(64):
            for number in numbers.intersection(heard):
                self._signalled(number)

    def _signalled(self, number: int) -> None:
        if not self._asked_at:
            self.signal = number
            self.stop()
        elif time.monotonic() - self._asked_at > _TWICE:
            self._end_at_once(number)

    def _end_at_once(self, number: int) -> None:
        self.leave()
        os._exit(128 + number)


def _heard(*_: object) -> None:
    """The main thread has nothing to do with signals."""


def _ignore(_message: str) -> None:
    """What `tell` is before there is a view."""


def _nothing() -> None:
    """What `leave` is before there is a view."""
