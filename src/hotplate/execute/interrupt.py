"""Ctrl-C while cells run: native code is told at once, and so is the user about what can't be stopped.

Python's own signal handler only runs between bytecodes, so it waits for the cell. The core's handler sets the abort
words of the running calls first; a thread that waits for it says what goes on while the main thread is inside a cell.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.abi import lib
from hotplate.load.library import running_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotplate.execute.abort import AbortHandle

GRACE = 0.25
"""Seconds that a cell which can see the request gets before the user is told that it has not answered."""


@dataclass(eq=False, slots=True)
class _Call:
    cell: str
    polls: bool


class _Watch:
    """The calls under way on the main thread, and who hears about interrupts."""

    def __init__(self) -> None:
        self.calls: list[_Call] = []
        self.tell: Callable[[str], None] = _print
        self.end: Callable[[], None] | None = None
        """Ends the process, when Ctrl-C comes again and the cell still runs."""
        self._thread: threading.Thread | None = None

    def arm(self) -> None:
        """Makes Ctrl-C reach native code. Only the main thread can; anywhere else it does nothing."""
        if threading.current_thread() is not threading.main_thread() or _is_unwanted() or lib.hp_interrupt_arm() != 0:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="hotplate-interrupt", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        while lib.hp_interrupt_wait() >= 0:
            if call := self._current():
                self._explain(call)

    def _explain(self, call: _Call) -> None:
        if call.polls:
            time.sleep(GRACE)
            if self._current() != call:
                return
            self.tell(f"{call.cell} was asked to stop and has not answered yet: it polls hp_check too seldom")
        else:
            self.tell(
                f"{call.cell} can't be stopped: it runs in this process and never calls hp_check. It goes on until it "
                f"returns, then the run ends. To stop such a cell, mark it `isolate`, or poll hp_check in its loop"
            )
        if self.end is not None:
            self.tell("press Ctrl-C again to end hotplate at once")
            lib.hp_interrupt_wait()
            if self._current() == call:
                self.end()

    def _current(self) -> _Call | None:
        if self.calls:
            return self.calls[-1]
        direct = running_cell()
        return _Direct(direct[0], direct[2], direct[1]) if direct else None


@dataclass(slots=True)
class _Direct(_Call):
    serial: int = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Direct) and other.serial == self.serial

    __hash__ = None  # type: ignore[assignment]  # compared, never hashed


def _is_unwanted() -> bool:
    """Whether Ctrl-C is ignored or kills the process: somebody's wish. On Windows the core can't see it."""
    return sys.platform == "win32" and not callable(signal.getsignal(signal.SIGINT))


def _print(message: str) -> None:
    print(f"hotplate: {message}", file=sys.stderr, flush=True)


watch = _Watch()


@contextmanager
def foreground(abort: AbortHandle, cell: str, polls: bool) -> Iterator[None]:
    """Brackets a native call: on the main thread, Ctrl-C sets the handle's word while the block runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    call = _Call(cell, polls)
    try:  # an interrupt may strike between any two statements
        lib.hp_interrupt_watch(abort.word)
        watch.calls.append(call)
        yield
    finally:
        try:
            lib.hp_interrupt_unwatch(abort.word)
        finally:
            if call in watch.calls:
                watch.calls.remove(call)


@contextmanager
def hearing(abort: AbortHandle) -> Iterator[None]:
    """On the main thread, Ctrl-C sets the handle's word while the block runs, which waits for a call elsewhere."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        lib.hp_interrupt_watch(abort.word)
        yield
    finally:
        lib.hp_interrupt_unwatch(abort.word)
