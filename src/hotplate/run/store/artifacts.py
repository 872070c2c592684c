"""Artifacts: the files of large values, each named by a hash of what it holds, so that equal ones are one file.

A file has its name only when its bytes are on the disk, and gets its row in the database only when its name is. The
names of two runs' equal values are the same, so a file may be written while another process removes one of that name:
rows are therefore written, and files without a row removed, by whoever may write to the database at that time.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from hotplate import _platform
from hotplate.run.store.content import read_content
from hotplate.run.store.points import Point, reached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import numpy as np

    from hotplate.run.store.content import Content

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class Artifacts:
    """The files below a directory. `temporary` is one of this process's own, on the same disk.

    Reading may be done by several threads at once, writing by one. Raises OSError where files can't be written.
    """

    def __init__(self, folder: Path, temporary: Path) -> None:
        self._folder = folder
        self._temporary = temporary
        self._verified: set[str] = set()
        """What this process has compared. Not what it has written: somebody may have written to the array before."""

    def write(self, contents: Iterable[Content], alive: Callable[[], None]) -> None:
        """Makes the contents' files, unless they are there and whole. All of them are on the disk when it returns.

        `alive` is called every now and then.
        """
        moves: dict[Path, Path] = {}
        try:
            for content in contents:
                if not self._is_whole(content.name):
                    moves[self._write_temporary(content, alive)] = self.path(content.name)
            self._publish(moves)
        except BaseException:
            for temporary in moves:  # the disk may be full: nothing that is of no use stays on it
                with contextlib.suppress(OSError):
                    temporary.unlink()
            raise

    def read(self, name: str) -> np.ndarray[Any, Any] | bytes | None:
        """What an artifact holds; None when it is missing or damaged. Arrays are read-only. Raises OSError."""
        data = read_content(self.path(name))
        if data is not None:
            self._verified.add(name)
        return data

    def path(self, name: str) -> Path:
        """Where the artifact of a name is, or would be."""
        return self._folder / name[:2] / name

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return self.path(name).exists()

    def size(self, name: str) -> int:
        """The bytes that its file takes."""
        return self.path(name).stat().st_size

    def remove(self, name: str) -> bool:
        """Removes a file. False where another program has it open, which Windows minds."""
        self._verified.discard(name)
        try:
            self.path(name).unlink(missing_ok=True)
        except OSError:
            return False
        reached(Point.ARTIFACT_DELETED)
        return True

    def names(self) -> list[str]:
        """The names of all files."""
        found = []
        with contextlib.suppress(OSError):
            for folder in self._folder.iterdir():
                found += [path.name for path in folder.iterdir()]
        return found

    def _is_whole(self, name: str) -> bool:
        if not self.exists(name):
            return False
        with contextlib.suppress(OSError):  # what can't be read is written again
            if name not in self._verified:
                self.read(name)
        return name in self._verified

    def _write_temporary(self, content: Content, alive: Callable[[], None]) -> Path:
        temporary = self._temporary / f"{os.urandom(6).hex()}-{content.name}"
        try:
            with os.fdopen(os.open(temporary, _NEW, 0o600), "wb") as file:
                reached(Point.TEMPORARY_OPENED)
                for piece in content.pieces():
                    file.write(piece)
                    alive()
                file.flush()
                reached(Point.TEMPORARY_WRITTEN)
                os.fsync(file.fileno())
        except BaseException as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            if isinstance(error, OSError):
                error.filename = os.fspath(self.path(content.name))
            raise
        reached(Point.TEMPORARY_SYNCED)
        return temporary

    def _publish(self, moves: Mapping[Path, Path]) -> None:
        folders = {path.parent for path in moves.values()}
        for folder in folders:
            if not folder.is_dir():
                folder.mkdir(mode=0o700, exist_ok=True)
                _platform.fsync_directory(folder.parent)
        for temporary, path in moves.items():
            _platform.replace_file(temporary, path)
            reached(Point.ARTIFACT_RENAMED)
        for folder in folders:
            _platform.fsync_directory(folder)
        if moves:
            reached(Point.ARTIFACT_SYNCED)
