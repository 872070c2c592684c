"""Interrupts while cells run: they become a request to stop, so that what was computed and how it ended is known."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hotplate.execute import AbortHandle
from hotplate.execute.cooperation import Answer
from hotplate.execute.interrupt import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotplate.execute import Outcome
    from hotplate.run import CellResult

REASON = "interrupted"


@contextmanager
def interruptible(is_running: Callable[[], bool]) -> Iterator[AbortHandle]:
    """While the block runs, Ctrl-C and the stop button set the handle if cells are running.

    A second one, and one while nothing runs, raise KeyboardInterrupt as ever. Elsewhere than in the main thread the
    handle is nobody's.
    """
    abort = AbortHandle()
    if threading.current_thread() is not threading.main_thread():
        yield abort
        return
    before = signal.getsignal(signal.SIGINT)

    def interrupt(number: int, frame: Any) -> None:
        if is_running() and abort.when is None:
            abort.abort(REASON)
        else:
            signal.default_int_handler(number, frame)

    if not callable(before):  # Ctrl-C is ignored or kills the process: somebody's wish
        yield abort
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield abort
    finally:
        signal.signal(signal.SIGINT, before)
        watch.arm()


def listen(tell: Callable[[str], None] | None) -> None:
    """Has interrupts reach the cells that a Jupyter cell calls directly, and `tell` said what can't be stopped.

    For each Jupyter cell anew: ipykernel installs a handler of its own before each. None: as without a shell.
    """
    watch.tell = tell or _untold
    if tell is not None:
        watch.arm()


_untold = watch.tell


def was_stopped(result: CellResult) -> bool:
    """Whether a cell was asked to stop while it ran."""
    return result.outcome.cooperation.answer is not Answer.NOT_APPLICABLE


def stopped_words(name: str, outcome: Outcome) -> str:
    """How a cell answered, in words."""
    answer = outcome.cooperation
    if answer.answer is not Answer.UNCOOPERATIVE:
        took = f" {answer.returned * 1e3:.0f} ms later" if answer.returned is not None else ""
        return f"{name} was asked to stop, and returned{took}"
    if outcome.unkillable:
        return f"{name} was asked to stop and goes on in this process, where nothing can end it"
    return f"{name} was asked to stop, did not answer in time, and its worker was ended; nothing else is lost"
