"""StateManager: the results that a session keeps, and the memory of its cells."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from hotplate.load import new_state


@dataclass(frozen=True, slots=True)
class Stored:
    """A result and the trace it belongs to: a hash over the cell's build key and everything that went in."""

    trace: str
    value: Any
    seconds: float


class StateManager:
    """The latest result of each cell, and each cell's hp_state block. Thread-safe.

    A result is valid for exactly one trace, so whoever asks with another trace gets nothing: a stale result is never
    handed out as a current one.
    """

    def __init__(self) -> None:
        self._results: dict[str, Stored] = {}
        self._blocks: dict[str, Any] = {}
        self._lock = threading.Lock()

    def find(self, cell: str, trace: str) -> Stored | None:
        """The result of the cell if it was computed under this trace."""
        stored = self._results.get(cell)
        return stored if stored is not None and stored.trace == trace else None

    def latest(self, cell: str) -> Stored | None:
        """The last result of the cell, whatever it was computed from."""
        return self._results.get(cell)

    def keep(self, cell: str, stored: Stored) -> None:
        """Replaces the cell's result."""
        self._results[cell] = stored

    def drop(self, cell: str) -> None:
        """Forgets the cell's result and its hp_state block."""
        with self._lock:
            self._results.pop(cell, None)
            self._blocks.pop(cell, None)

    def block(self, cell: str) -> Any:
        """The cell's hp_state block; made when first asked for, freed with the last reference to it."""
        with self._lock:
            if cell not in self._blocks:
                self._blocks[cell] = new_state()
            return self._blocks[cell]
