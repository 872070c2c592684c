"""Threads for calls that have a time limit: who asked for such a call need not wait until it ends.

A thread can't be ended from outside. One whose call is left behind is not used any more; it ends with the call.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_LONGEST_SLEEP = 0.25
"""Seconds. Ctrl-C does not end a wait for a lock on Windows, nor anywhere one that is about to begin."""
_SHORTEST_SLEEP = 0.0005
"""Seconds: a wait may end a little early, and the clock may not have moved since."""


class ThreadedCall(Generic[T]):
    """A call under way on a thread of its own."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function: Callable[[], T] | None = function
        self._value: T
        self._error: BaseException | None = None
        self._begun = 0.0
        # A bare lock, not an Event: an interrupt that strikes inside Event.wait can leave its inner lock held for good.
        self._over = threading.Lock()
        self._over.acquire()

    def ends_within(self, seconds: float) -> bool:
        """Waits until it is over, or has taken longer than so many seconds; returns whether it is over.

        What it takes counts from when it began on its thread, which may lose the processor before that.
        """
        while not self._over.acquire(timeout=self._nap(seconds)):
            if self._begun and self.seconds > seconds:
                return False
        self._over.release()
        return True

    @property
    def is_over(self) -> bool:
        """Whether it is, by now."""
        return not self._over.locked()

    @property
    def seconds(self) -> float:
        """How long it has been under way."""
        return time.monotonic() - self._begun if self._begun else 0.0

    def result(self) -> T:
        """What it returned or raised, once it is over."""
        if self._error is not None:
            raise self._error
        return self._value

    def run(self) -> None:
        """Makes the call; for its thread."""
        function, self._function = self._function, None
        assert function is not None
        self._begun = time.monotonic()
        try:
            self._value = function()
        except BaseException as error:  # raised again where the result is asked for
            self._error = error
        self._over.release()

    def _nap(self, seconds: float) -> float:
        return max(min(seconds - self.seconds, _LONGEST_SLEEP), _SHORTEST_SLEEP)


class CallThread:
    """A thread that makes one call after another. It is a daemon: whatever runs on it does not keep the process."""

    def __init__(self) -> None:
        """Raises RuntimeError when no thread can be started."""
        self._calls: SimpleQueue[ThreadedCall[Any] | None] = SimpleQueue()
        # Not `hotplate-N`: threads of such names are inside a cell, and the command line does not wait for them.
        self._thread = threading.Thread(target=self._serve, name="hotplate-call", daemon=True)
        self._latest: ThreadedCall[Any] | None = None
        self._thread.start()

    @property
    def number(self) -> int:
        """What `threading.get_ident` is on it."""
        assert self._thread.ident is not None
        return self._thread.ident

    def call(self, function: Callable[[], T]) -> ThreadedCall[T]:
        """Begins a call. The one before must be over."""
        # Kept before it begins: an interrupt may strike between any two statements, and the thread is busy then.
        self._latest = call = ThreadedCall(function)
        self._calls.put(call)
        return call

    def is_free(self) -> bool:
        """Whether it has no call, and forgets the latest."""
        if self._latest is not None and not self._latest.is_over:
            return False
        self._latest = None
        return True

    def leave_behind(self) -> None:
        """Ends it with the call that is under way."""
        self._thread.name = f"hotplate-{next(_left_behind)}"
        self._calls.put(None)

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            call.run()
            del call  # with what it was given and returned, which may be large


_left_behind = itertools.count()


class CallThreads:
    """Threads that have no call now. Thread-safe; there are as many as there were calls at the same time."""

    def __init__(self) -> None:
        self._idle: list[CallThread] = []

    def take(self) -> CallThread:
        """One for the caller alone. Raises RuntimeError when no thread can be started."""
        try:
            return self._idle.pop()
        except IndexError:
            return CallThread()

    def give_back(self, thread: CallThread) -> bool:
        """For whoever needs one next. False: its call still runs, so it is left behind; a new one will replace it."""
        if not thread.is_free():
            thread.leave_behind()
            return False
        self._idle.append(thread)
        return True

    def forget_parent(self) -> None:
        """In a child that was forked: there are no such threads."""
        self._idle = []


call_threads = CallThreads()
"""Those of this process."""
if sys.platform != "win32":
    os.register_at_fork(after_in_child=call_threads.forget_parent)
