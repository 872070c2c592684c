"""Where code and results lie in memory while they are timed.

The same machine code can run some per cent faster or slower at another address. So each version is loaded several
times, from copies of its library, and results lie at another place in each block: at the same one for all versions.
"""

from __future__ import annotations

import math
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.load import LoadedCell, StateBlock, reclaim

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Copies", "ResultMemory"]

_SMALL = 1 << 15
"""Bytes below which NumPy's own memory is at hand and warm."""
_PAGE = 4096
_LINE = 64


class ResultMemory:
    """Memory for results, used again and again, so that what is timed is the cell and not the system's page faults.

    Its `empty` is what `numpy.empty` is, for one thread. A piece is free when the array over it is gone.
    """

    def __init__(self) -> None:
        self._pieces: dict[int, list[np.ndarray[Any, Any]]] = {}
        self._offset = 0

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        """An array with whatever is in its memory."""
        size = math.prod(shape) * dtype.itemsize
        if size < _SMALL:
            return np.empty(shape, dtype)
        pieces = self._pieces.setdefault(size, [])
        free = next((i for i in range(len(pieces)) if _references(pieces, i) == _UNUSED), len(pieces))
        if free == len(pieces):
            pieces.append(np.zeros(size + _PAGE, np.uint8))
        return np.ndarray(shape, dtype, pieces[free].data, self._offset)

    def move(self, random: random.Random) -> None:
        """Puts the results that come at another distance from the beginning of a page."""
        self._offset = random.randrange(0, _PAGE, _LINE)


def _references(pieces: list[np.ndarray[Any, Any]], i: int) -> int:
    """How many there are to a piece. NumPy bases a view of a view on the piece itself, so arrays can't be followed."""
    return sys.getrefcount(pieces[i])


_UNUSED = _references([np.zeros(1, np.uint8)], 0)
"""What it says of a piece that no array lies over; versions of Python count differently."""


class Copies:
    """The copies of libraries, in a folder that is gone when the context is left, and the libraries with it.

    Whoever holds a callable beyond that keeps its library loaded.
    """

    def __init__(self) -> None:
        # A library that stays loaded can't be removed on Windows.
        self._folder = TemporaryDirectory(prefix="hotplate-bench-", ignore_cleanup_errors=True)
        self.folder = self._folder.name
        self._count = 0

    def load(self, library: Path, memory: StateBlock, empty: Callable[..., Any]) -> LoadedCell:
        """The cell in one more copy of a library. `memory` is its hp_state; `empty` makes the arrays of its results."""
        self._count += 1
        copy = Path(self.folder, f"{self._count}-{library.name}")
        shutil.copyfile(library, copy)
        return LoadedCell(copy, state=memory, empty=empty)

    def __enter__(self) -> Copies:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        reclaim()
        self._folder.cleanup()
