"""AbortHandle: the request to stop, shared by everyone who may make it and everyone who should heed it."""

from __future__ import annotations

import threading
from typing import Any

from hotplate.abi import ffi


class AbortHandle:
    """A request to stop that reaches into native code. Thread-safe and idempotent; it can't be taken back.

    Cells see it through `hp_check`, which reads the word that lies behind `word`.
    """

    def __init__(self, parent: AbortHandle | None = None) -> None:
        self.word: Any = ffi.new("int32_t *")
        """The memory that native code reads: nonzero means stop."""
        self._reason = ""
        self._children: list[AbortHandle] = []
        # Re-entrant: a signal handler may abort while the main thread is in here.
        self._lock = threading.RLock()
        if parent is not None:
            parent._adopt(self)

    def abort(self, reason: str = "cancelled") -> None:
        """Asks everything that runs under this handle to stop. The first reason is kept."""
        with self._lock:
            self._reason = self._reason or reason
            self.word[0] = 1
            children = tuple(self._children)
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

    def release(self, child: AbortHandle) -> None:
        """Forgets a child whose work is done."""
        with self._lock:
            if child in self._children:
                self._children.remove(child)

    def _adopt(self, child: AbortHandle) -> None:
        with self._lock:
            self._children.append(child)
            if self.aborted:
                child.word[0] = 1
                child._reason = self._reason
