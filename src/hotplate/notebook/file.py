"""NotebookFile: a notebook's text, parsed, and read again when its file has changed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hotplate.notebook.parse import parse, read

if TYPE_CHECKING:
    from pathlib import Path

    from hotplate.notebook.model import NotebookModel

_RACY = 100_000_000  # ns: a file this young may be written again without a change of its times (ticks are 1 to 10 ms)


class NotebookFile:
    """What a notebook says now: `model`, which is replaced by another one, never changed."""

    def __init__(self, path: Path, text: str | None = None) -> None:
        """With `text` no file is read. Raises NotebookError when the file can't be."""
        self.path = path
        self.is_followed = text is None
        """Whether there is a file whose changes count."""
        self._stamp = self._look()
        self.model: NotebookModel = read(path) if text is None else parse(path, text)

    def refresh(self) -> bool:
        """Reads the file again if it looks changed; returns whether its text did. Raises NotebookError."""
        stamp = self._look()
        if not self.is_followed or (stamp is not None and stamp == self._stamp):
            return False
        changed = self.read()
        self._stamp = stamp
        return changed

    def read(self) -> bool:
        """Reads the file; returns whether its text changed. Raises NotebookError."""
        model = read(self.path)
        if model.text == self.model.text:
            return False
        self.model = model
        return True

    def replace(self, model: NotebookModel) -> None:
        """Makes `model` what the notebook says; for one whose file does not count."""
        self.model = model

    def _look(self) -> tuple[int, ...] | None:
        """What changes with the file; None when nothing can be told from it."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) < _RACY:
            return None
        return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
