"""Files of results: what is said where one can't be written."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Around the writing of a file: its OSErrors become InputErrors that say what to do."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise InputError(f"can't write {path}: there is no folder {folder}; make it, or give another path")
    try:
        yield
    except OSError as error:
        raise InputError(f"can't write {path}: {error.strerror or error}; the results were not saved") from error
