"""Confinement: compilers that work on a stranger's text have no network, and one directory to write to.

A compiler is a program that its input can steer: `-fplugin` loads code, `.incbin` reads any file. So its environment
holds no secrets (`confined_environment`), it can open no socket and signal no other process, and all that it can
change is the directory of its build. It can still read files, which it can send nowhere. A small program of hotplate's
own (csrc/confine) puts that in force and becomes the compiler. Where the kernel has no Landlock, what can be written
is not limited; where the network can't be closed, nothing is compiled.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate.errors import ToolchainError
from hotplate.toolchain.compiler import Family
from hotplate.toolchain.model import Recipe
from hotplate.toolchain.process import confined_environment, run_compiler

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotplate.toolchain.cache import Cache
    from hotplate.toolchain.model import Program
    from hotplate.toolchain.program import Programs

_PARTS = ("confine/confine.c", "worker/sandbox.c", "worker/limits.c", "worker/landlock.c", "worker/seccomp.c")


class Confinement:
    """Starts compilers confined. Its program is built when the first one is started. Thread-safe.

    `programs` builds it; `environ` is the user's own environment.
    """

    def __init__(self, programs: Programs, cache: Cache, environ: Mapping[str, str]) -> None:
        self._programs = programs
        self._cache = cache
        self._environ = environ
        self._lock = threading.Lock()
        self._program: Program | None = None

    def command(self, argv: Sequence[str], folder: Path) -> list[str]:
        """The command line that runs `argv` confined; it can write to `folder`.

        Raises:
            ToolchainError: This machine can't close the network, or the program that does it can't be built.
        """
        with self._lock:
            if self._program is None or not self._program.path.exists():
                self._program = self._tried(confining_program(self._programs))
        return [str(self._program.path), str(folder), *self._shared_folders(), "--", *argv]

    def _tried(self, program: Program) -> Program:
        """The program, if it can close the network here: else nothing is to be compiled at all."""
        with self._cache.workspace() as folder:
            argv = [str(program.path), str(folder), "--", str(program.path)]
            code, said = run_compiler(argv, folder, confined_environment(self._environ), lambda: False)
        if code != 0:
            raise ToolchainError(
                f"{said.strip().removeprefix('error: ')}; leave out `confined` to compile all the same"
            )
        return program

    def _shared_folders(self) -> tuple[str, ...]:
        """Zig compiles its C library into a cache of its own, which takes too long to do for each cell."""
        assert self._program
        if self._program.compiler is None or self._program.compiler.family is not Family.ZIG:
            return ()
        caches = self._environ.get("XDG_CACHE_HOME") or Path(self._environ.get("HOME", "/"), ".cache")
        folder = Path(self._environ.get("ZIG_GLOBAL_CACHE_DIR") or Path(caches, "zig"))
        folder.mkdir(parents=True, exist_ok=True)
        return (str(folder),)


def confining_program(programs: Programs) -> Program:
    """The program that confines, built if need be. Without arguments it tells what this machine can enforce.

    Raises:
        ToolchainError: This is not Linux, or no compiler here builds it.
    """
    if sys.platform != "linux":
        raise ToolchainError("compilers can be confined on Linux only; leave out `confined` to compile all the same")
    files = tuple(programs.sources / name for name in _PARTS)
    return programs.build(Recipe("confine", files, (programs.sources / "include", programs.sources)))
