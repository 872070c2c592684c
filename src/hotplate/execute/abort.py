"""AbortHandle: the request to stop, shared by everyone who may make it and everyone who should heed it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from hotplate.abi import ffi

if TYPE_CHECKING:
    from collections.abc import Callable


class AbortHandle:
    """A request to stop that reaches into native code. Thread-safe and idempotent; it can't be taken back.

    Cells see it through `hp_check`, which reads the word that lies behind `word`.
    """

    def __init__(self, parent: AbortHandle | None = None, on_abort: Callable[[], None] | None = None) -> None:
        """A handle of its own, or one under `parent`, which hears what the parent hears.

        `on_abort` is called once, by whoever asks to stop, a Python signal handler too: it must neither block nor
        raise. Once `parent.release(child)` has returned, it is neither under way nor called any more. A word that
        native code sets does not call it.
        """
        self.word: Any = ffi.new("int32_t *")
        """The memory that native code reads: nonzero means stop."""
        self.when: float | None = None
        """When somebody first asked, by time.perf_counter; None: nobody has, or native code set the word."""
        self._reason = ""
        self._children: list[AbortHandle] = []
        self._on_abort = on_abort
        # Re-entrant: a signal handler may abort while the main thread is in here.
        self._lock = threading.RLock()
        if parent is not None:
            parent.adopt(self)

    def abort(self, reason: str = "cancelled") -> None:
        """Asks everything that runs under this handle to stop. The first reason is kept."""
        with self._lock:
            self._reason = self._reason or reason
            if self.when is None:
                self.when = time.perf_counter()
            self.word[0] = 1
            children = tuple(self._children)
            tell, self._on_abort = self._on_abort, None
            if tell is not None:
                tell()
        for child in children:
            child.abort(reason)

    @property
    def aborted(self) -> bool:
        """Whether somebody asked to stop."""
        return bool(self.word[0])

    @property
    def reason(self) -> str:
        """Why, once `aborted`; a Ctrl-C leaves no words behind."""
        return self._reason or ("interrupted" if self.aborted else "")

    def adopt(self, child: AbortHandle) -> None:
        """Has a child hear what this one hears, until `release`."""
        with self._lock:
            self._children.append(child)
            aborted = self.aborted
        if aborted:
            child.abort(self._reason)

    def release(self, child: AbortHandle) -> None:
        """Forgets a child whose work is done."""
        with self._lock:
            if child in self._children:
                self._children.remove(child)
        with child._lock:  # waits for who is telling it right now
            child._on_abort = None
