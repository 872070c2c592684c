"""What is in a file: a hash of its content, read again only when the file may have changed."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

import xxhash

Stamp = tuple[int, int, int, int]
"""What the file system says of a file without reading it: times of content and status, size, number."""

EMPTY = xxhash.xxh3_128_hexdigest(b"")

# Seconds that a stamp may stay the same over a change: FAT keeps times to 2 s, others to 1 to 10 ms.
_TICK = 2.0


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a file. `digest` is None if it couldn't be read; its stamp is known `since` (monotonic)."""

    stamp: Stamp | None
    digest: str | None
    since: float

    def holds(self, stamp: Stamp | None) -> bool:
        """Whether a file with this stamp now surely has the content that was seen."""
        return stamp == self.stamp and time.monotonic() - self.since > _TICK


def first_look(path: str) -> Look:
    """Reads a file that was not seen before. Its stamp is as new as its times say."""
    stamp, digest = _read(path)
    age = time.time() - max(stamp[:2]) / 1e9 if stamp else 0.0
    return Look(stamp, digest, time.monotonic() - max(age, 0.0))


def look(path: str, before: Look) -> Look:
    """The file as it is now. Reads it only if its stamp differs from the last look's, or is too young to tell."""
    if before.holds(stamp_of(path)):
        return before
    stamp, digest = _read(path)
    # Not by the file's own times from here on: a server's clock may be wrong.
    return Look(stamp, digest, before.since if stamp == before.stamp else time.monotonic())


def stamp_of(path: str) -> Stamp | None:
    """The stamp of a regular file; None when there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - Path(path) alone costs more than the call
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None  # a pipe would block its reader
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def _read(path: str) -> tuple[Stamp | None, str | None]:
    stamp = stamp_of(path)  # first: if the file is written meanwhile, the next stamp differs
    if stamp is None:
        return None, None
    try:
        return stamp, xxhash.xxh3_128_hexdigest(Path(path).read_bytes())
    except OSError:
        return None, None  # no stamp either: it is read again until it can be
