"""What differs between operating systems: files that must appear at once, process trees, locks, the processor.

One module for each system, with the same functions; this package picks the right one. It knows nothing of notebooks
or compilers.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError(
        "hotplate needs Linux or macOS: this version can't load cells on Windows. WSL 2 runs it as Linux."
    )

from hotplate._platform.posix import (
    cpu_identity,
    fsync_directory,
    fsync_file,
    hold_directory,
    kill_tree,
    library_suffix,
    lock,
    publish_directory,
    remove_tree,
    replace_file,
    spawn,
)

__all__ = [
    "cpu_identity",
    "fsync_directory",
    "fsync_file",
    "hold_directory",
    "kill_tree",
    "library_suffix",
    "lock",
    "publish_directory",
    "remove_tree",
    "replace_file",
    "spawn",
]
