"""Command lines of the programs that hotplate builds for itself: one call for each source, and one that links."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.toolchain.compiler import Compiler, Family
from hotplate.toolchain.families.gcc_like import family_settings, links_mingw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# tcc has no _Thread_local, and cl knows C11's atomics only behind an experimental option.
_ABLE = (Family.GCC, Family.CLANG, Family.ZIG)
_SANITIZING = (Family.GCC, Family.CLANG)  # zig comes without the libraries of the sanitizers

_CODE = ("-std=gnu11", "-O2", "-g", "-pthread")


@dataclass(frozen=True, slots=True)
class ProgramLine:
    """How a compiler is called for a program in C. Pure, from values to words."""

    compiler: Compiler
    sanitize: tuple[str, ...] = ()
    """What -fsanitize is told."""

    @property
    def is_able(self) -> bool:
        """Whether it makes such programs, for this system."""
        families = _SANITIZING if self.sanitize else _ABLE
        here = self.compiler.targets_windows == (sys.platform == "win32")
        return bool(self.compiler.c_command) and self.compiler.family in families and here

    @property
    def settings(self) -> tuple[str, ...]:
        """What decides about the code: a part of the program's key."""
        return (*self._code, *self._linking)

    def object_command(self, source: Path, folders: Sequence[Path], target: Path, depfile: Path) -> list[str]:
        """The call that makes an object file of one source; headers are looked for in `folders`."""
        includes = (word for folder in folders for word in ("-I", str(folder)))
        # Not the system's headers: their interface to programs is fixed, and hashing 140 files takes 3.5 ms of a start.
        dependencies = ("-MMD", "-MF", str(depfile))
        files = ("-c", str(source), "-o", str(target))
        return [*self.compiler.c_command, *self._code, *includes, *dependencies, *files]

    def link_command(self, objects: Sequence[Path], target: Path) -> list[str]:
        """The call that makes the program of its object files."""
        return [*self.compiler.c_command, *self._code, *map(str, objects), "-o", str(target), *self._linking]

    @property
    def _code(self) -> tuple[str, ...]:
        own = family_settings(self.compiler)
        return (*_CODE, *own, *self._checks)

    @property
    def _checks(self) -> tuple[str, ...]:
        if not self.sanitize:
            return ()
        names = ",".join(self.sanitize)
        return (f"-fsanitize={names}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")

    @property
    def _linking(self) -> tuple[str, ...]:
        if links_mingw(self.compiler):
            return ("-static",)  # libwinpthread-1.dll lies beside the compiler, where no loader looks
        return () if self.compiler.targets_windows or self.compiler.targets_apple else ("-ldl",)
