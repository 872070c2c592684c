"""A thread that lasts as long as the process, for starting what must not end with a shorter one.

A child that asks the kernel to go with its parent (PR_SET_PDEATHSIG, which is bubblewrap's --die-with-parent) is killed
when the *thread* that started it ends. Workers outlive the threads of runs, and that which starts the spare.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

_T = TypeVar("_T")


def on_lasting_thread(function: Callable[[], _T]) -> _T:
    """What `function` returns or raises, called on that thread. Thread-safe; one call at a time.

    An interrupt waits until it is done, for what it uses has to last until then.
    """
    from concurrent.futures import Future  # only where there is bubblewrap

    future: Future[_T] = Future()
    _thread.put(lambda: _fulfil(future, function))
    try:
        return future.result()
    except BaseException:
        future.exception()
        raise


def _fulfil(future: Future[_T], function: Callable[[], _T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:  # raised again where it was asked for
        future.set_exception(error)


class _Thread:
    """It starts with the first call, and is a daemon."""

    def __init__(self) -> None:
        self.forget_parent()

    def forget_parent(self) -> None:
        """In a child that was forked: there is no such thread."""
        self._lock = threading.Lock()
        self._calls: queue.SimpleQueue[Callable[[], None]] | None = None

    def put(self, call: Callable[[], None]) -> None:
        with self._lock:
            if self._calls is None:
                self._calls = queue.SimpleQueue()
                threading.Thread(target=self._serve, args=(self._calls,), name="hotplate-start", daemon=True).start()
            self._calls.put(call)

    @staticmethod
    def _serve(calls: queue.SimpleQueue[Callable[[], Any]]) -> None:
        while True:
            calls.get()()


_thread = _Thread()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_thread.forget_parent)
