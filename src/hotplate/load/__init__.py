"""Loaded cells: the lifetime of shared libraries, and the callable that runs one cell.

What lives here turns an artifact's path into a LoadedCell. Compiling is `toolchain`'s, deciding when to run is
`execute`'s.
"""

from hotplate.load.cell import LoadedCell
from hotplate.load.kept import KeptLibrary, KeptLimit
from hotplate.load.library import Library, LibraryReport, library_report, reclaim
from hotplate.load.state import StateBlock

__all__ = [
    "KeptLibrary",
    "KeptLimit",
    "Library",
    "LibraryReport",
    "LoadedCell",
    "StateBlock",
    "library_report",
    "reclaim",
]
