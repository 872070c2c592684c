"""Loads libraries in a process of their own first, because what a library does while it is loaded can't be undone.

A constructor of a global object, or a function with the attribute `constructor`, runs inside `dlopen`; if it crashes,
throws or exits, so does the process. Few cells have one, and only they are tried.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from hotplate import _platform
from hotplate.errors import LoadError
from hotplate.load.elf import read_library_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TIMEOUT = 10.0
"""Seconds that loading may take."""

_LOAD = """
import _ctypes, ctypes, os, sys
for path in sys.argv[1:]:
    print(end=f"load {path}\\n", flush=True)
    library = ctypes.CDLL(path)
    print(end=f"unload {path}\\n", flush=True)
    getattr(_ctypes, "dlclose" if hasattr(_ctypes, "dlclose") else "FreeLibrary")(library._handle)
print(end="survived\\n", flush=True)
os._exit(0)
"""


def try_loading(libraries: Iterable[Path]) -> None:
    """Loads and unloads those of the libraries that run code while they are loaded, in another process (10 ms).

    Raises LoadError for the first one that does not come through, and says how it ended.
    """
    risky = [path for path in libraries if has_initialisers(path)]
    if not risky:
        return
    try:
        process = _platform.spawn([sys.executable, "-I", "-S", "-c", _LOAD, *map(str, risky)])
    except OSError:  # a Python that is embedded somewhere: nothing can be tried
        return
    try:
        output, _ = process.communicate(timeout=TIMEOUT)
        ending = _ending(process.returncode)
    except subprocess.TimeoutExpired:
        _platform.kill_tree(process)
        output, ending = process.communicate()[0], f"it is not done after {TIMEOUT:g} s"
    lines = output.decode("utf-8", "replace").splitlines()
    if "survived" not in lines:
        raise LoadError(_explained(lines, ending))


def has_initialisers(path: Path) -> bool:
    """Whether a library runs code of its own when it is loaded or unloaded. True where its format does not tell."""
    file = read_library_file(path)
    return file is None or file.initialiser_bytes > _CRT


_CRT = 16  # bytes: the one initialiser and the one finaliser that the compiler's start-up code always has


def _ending(code: int) -> str:
    if code >= 0:
        return f"it ended the process with code {code}" if code < 1 << 31 else f"it crashed (0x{code:08X})"
    name = _platform.signal_name(-code)
    return f"it crashed ({name})" if name else f"it was killed by signal {-code}"


def _explained(lines: list[str], ending: str) -> str:
    steps = [line for line in lines if line.startswith(("load ", "unload "))]
    doing, _, path = (steps[-1] if steps else "load a library").partition(" ")
    said = "; ".join(line for line in lines if line not in steps)
    return (
        f"can't {doing} {path} safely: {ending}"
        + (f", and it said: {said}" if said else "")
        + "; look at the constructors and destructors of its global objects"
    )
