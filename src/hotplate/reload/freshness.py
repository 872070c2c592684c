"""Whether what was read and built is still what lies on the disk, also where no event has told of a change yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xxhash

from hotplate.errors import NotebookError
from hotplate.notebook.decode import decode
from hotplate.toolchain import Artifact

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from hotplate.reload.builds import Built
    from hotplate.reload.watcher import Watcher
    from hotplate.toolchain.cache import Cache


class Freshness:
    """The files that a notebook is made of. Each check also tells the watcher what was used of them."""

    def __init__(self, notebook: Path, watcher: Watcher, cache: Cache) -> None:
        self._notebook = notebook
        self._watcher = watcher
        self._hashes = cache.hashes

    def changed_headers(self, built: Collection[Built], begun: int) -> frozenset[Path]:
        """The headers that are not what was compiled, by builds that began at `begun` (ns since the epoch)."""
        headers = {path for result in built for path in result.headers}
        self._watcher.watch({self._notebook, *headers})  # what changes from here on will be told
        used = {
            path: digest for result in built if isinstance(result, Artifact) for path, digest in result.headers.items()
        }
        self._watcher.used({path: digest or None for path, digest in used.items()})
        hash_of = self._hashes.at_once()
        changed = {path for path, digest in used.items() if digest != (hash_of(str(path)) or "")}
        # Which content made a build fail is not known, so what is younger than the build is taken for changed.
        return frozenset(changed | {path for path in headers - used.keys() if _changed_at(path) >= begun})

    def changed_text(self, read: str | None) -> frozenset[Path]:
        """The notebook, if it is not the text that was read. None: what was read was no text."""
        try:
            data = self._notebook.read_bytes()
        except OSError:  # gone, or in the middle of a save: the watcher tells which
            return frozenset()
        self._watcher.used({self._notebook: xxhash.xxh3_128_hexdigest(data)})
        return frozenset() if _text(self._notebook, data) == read else frozenset({self._notebook})


def _text(path: Path, data: bytes) -> str | None:
    try:
        return decode(path, data)
    except NotebookError:
        return None


def _changed_at(path: Path) -> int:
    """When a file's content or place changed last, in ns since the epoch; 0 when it is not there."""
    try:
        return path.stat().st_ctime_ns
    except OSError:
        return 0
