"""Where recorded runs are kept, and how much they may take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate._platform.filesystems import Mounts
from hotplate.errors import StoreError
from hotplate.toolchain import size_setting

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_CAP = 10 << 30
ELSEWHERE = "set HOTPLATE_RUNS_DIR to a directory elsewhere"


def default_folder(environ: Mapping[str, str]) -> Path:
    """The directory of recorded runs: HOTPLATE_RUNS_DIR, or else the platform's place for what programs remember."""
    chosen = environ.get("HOTPLATE_RUNS_DIR")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs  # 15 ms, which a run with HOTPLATE_RUNS_DIR does not have to spend

    return Path(platformdirs.user_state_dir("hotplate", appauthor=False)) / "runs"


def default_cap(environ: Mapping[str, str]) -> int:
    """How many bytes the results of recorded runs may take: HOTPLATE_RUNS_SIZE as in 500M or 20G, or else 10 GiB."""
    return size_setting("HOTPLATE_RUNS_SIZE", DEFAULT_CAP, environ)


def prepare(folder: Path, mounts: Mounts | None = None) -> None:
    """Makes the directory, which nobody else may look into.

    Raises StoreError where it can't be made, or must not be used.
    """
    refuse_shared(folder, mounts or Mounts.read())
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("artifacts", "logs", "tallies", "tmp"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error


def refuse_missing(folder: Path) -> None:
    """Raises StoreError where nothing was ever recorded."""
    try:
        (folder / "runs.db").lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(
            f"there are no recorded runs in {folder}; `hotplate run FILE` records one there, "
            "and HOTPLATE_RUNS_DIR names another directory"
        ) from None
    except OSError as error:
        raise unusable(folder, error) from error


def refuse_shared(folder: Path, mounts: Mounts) -> None:
    """Raises StoreError for a directory that other machines write to as well.

    SQLite's journal is shared memory (sqlite.org/wal.html: "WAL does not work over a network filesystem").
    """
    real = os.path.realpath(folder)
    if mounts.silent(real):
        raise StoreError(
            f"the run store {folder} is on a file system that other machines share ({mounts.kind(real)}), where a "
            f"database of several processes gets damaged; {ELSEWHERE}, on a local disk"
        )


def unusable(folder: Path, error: OSError) -> StoreError:
    """The error for a store whose files can't be made."""
    return StoreError(
        f"the run store {folder} can't be written: {error.strerror or error}; make it writable, or {ELSEWHERE}"
    )
