"""Tally: how many attempts of each cell have begun and ended, in a file that outlives the process.

It is written before an attempt begins and after it, without a transaction: about 100 ns. Pages of a mapped file belong
to the system, so they survive the end of the process, however it ends; only a power cut may take the last ones back.
What it counts beyond the attempts that were recorded is what got lost; the process ended in those that have not.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MOST = 0xFFFF
"""A cell with more attempts stays at that number."""

_COUNTS = struct.Struct("=HH")  # begun and ended, as a cast of the mapped memory has them


class Counts(NamedTuple):
    """How many attempts of a cell have begun, and how many of those ended."""

    begun: int
    ended: int


class Tally:
    """The counts of one run that goes on. Threads may count at once, as long as no two count the same cell."""

    def __init__(self, path: Path, cells: Sequence[str], begun: Mapping[str, int] | None = None) -> None:
        """Makes the file, with the counts that are known already. Raises OSError."""
        self.path = path
        self.cells: dict[str, int] = {}
        """Where the counts of each are."""
        known = [min((begun or {}).get(cell, 0), MOST) for cell in cells]
        try:
            self._map(
                os.O_CREAT | os.O_EXCL, b"".join(_COUNTS.pack(n, n) for n in known) or _COUNTS.pack(0, 0)
            )  # an empty file can't be mapped
        except OSError:
            path.unlink(missing_ok=True)
            raise
        self.cells = {cell: 2 * i for i, cell in enumerate(cells)}

    def begun(self, cell: str, attempt: int) -> None:
        """Says that an attempt of a cell begins. Raises KeyError for one that has no count."""
        self._counts[self.cells[cell]] = attempt if attempt < MOST else MOST

    def ended(self, cell: str, attempt: int) -> None:
        """Says that it has ended. One that has no count is none."""
        if cell in self.cells:
            self._counts[self.cells[cell] + 1] = attempt if attempt < MOST else MOST

    def grow(self, cells: Sequence[str]) -> None:
        """Adds cells. Others may be counted meanwhile: the memory that was mapped before is the same file's."""
        at = len(self.cells)
        self._map(os.O_APPEND, _COUNTS.pack(0, 0) * len(cells))
        self.cells |= {cell: 2 * i for i, cell in enumerate(cells, at)}

    def close(self) -> None:
        """Lets go of the file, which stays. Again does nothing."""
        self._counts.release()
        self._file.close()

    def _map(self, flags: int, added: bytes) -> None:
        descriptor = os.open(self.path, os.O_RDWR | flags | getattr(os, "O_BINARY", 0), 0o600)
        try:
            _fill(descriptor, added)
            self._file = mmap.mmap(descriptor, 0)
        finally:
            os.close(descriptor)
        self._counts = memoryview(self._file).cast("H")


def _fill(descriptor: int, counts: bytes) -> None:
    """Writes, where growing the file would do: memory over a hole, on a disk that is full, ends the process."""
    if os.write(descriptor, counts) != len(counts):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read_tally(path: Path, cells: Sequence[str]) -> dict[str, Counts]:
    """The counts of each cell of which an attempt has begun; nothing where there is no such file."""
    try:
        content = path.read_bytes()
    except OSError:
        return {}
    whole = len(content) // _COUNTS.size * _COUNTS.size
    counts = map(Counts._make, _COUNTS.iter_unpack(content[:whole]))
    return {cell: count for cell, count in zip(cells, counts, strict=False) if count.begun}
