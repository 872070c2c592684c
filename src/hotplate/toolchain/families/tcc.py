"""tcc: C only, in a few milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hotplate.toolchain.families.base import STANDARD, CommandLine

if TYPE_CHECKING:
    from hotplate.toolchain.families.job import Job, Text


class Tcc(CommandLine):
    """tcc, for Linux and for Windows.

    On Windows it finds its own headers and libraries, and exports what is declared dllexport and nothing else. On
    Linux, a packaged tcc knows only the machine that built it.
    """

    def undefined_symbols_command(self, job: Job) -> list[str] | None:
        """None on Windows: a DLL has to be complete."""
        if self.compiler.targets_windows:
            return None
        # tcc has no -z,defs, but it checks a program; that it has no _start is then expected. Takes 4 ms.
        return [word for word in self.compile_command(job) if word != "-shared"]

    def _code(self, language: str, std: str) -> tuple[str, ...]:
        # A parameter such as `double out[n]` is all it understands of -Wextra; what it does not know it ignores.
        return (f"-std={std or STANDARD[language]}", "-g", "-Wall")

    def _editor(self, language: str, std: str) -> tuple[str, ...]:
        return (f"-std={std or STANDARD[language]}", "-Wall")

    @property
    def _linking(self) -> tuple[str, ...]:
        return ("-shared",) if self.compiler.targets_windows else ("-shared", "-nostdlib", "-Wl,-Bsymbolic")

    def _includes(self, text: Text) -> tuple[str, ...]:
        return ("-I", str(text.notebook_dir), "-isystem", str(text.include_dir), *self._system_headers())

    def _library(self, job: Job) -> tuple[str, ...]:
        files = (str(job.source), "-o", str(job.output))
        return (*self._linking, *files, *self._flags(job.libs), *self._system_libraries())

    def _flags(self, flags: tuple[str, ...]) -> tuple[str, ...]:
        # Windows has no library of its own for mathematics, and tcc takes -lm at its word.
        return tuple(word for word in flags if word != "-lm") if self.compiler.targets_windows else flags

    def _system_headers(self) -> tuple[str, ...]:
        if self.compiler.targets_windows:
            return ()
        system = ("/usr/local/include", f"/usr/include/{self._multiarch}", "/usr/include")
        folders = [self._folder / "include", *map(Path, system)]
        return tuple(word for folder in folders if folder.is_dir() for word in ("-isystem", str(folder)))

    def _system_libraries(self) -> tuple[str, ...]:
        if self.compiler.targets_windows:
            return ()
        own, multiarch = self._folder, self._multiarch
        folders = ("/usr/local/lib", f"/usr/lib/{multiarch}", f"/lib/{multiarch}", "/usr/lib64", "/usr/lib")
        base = (f"-B{own}",) if own.is_dir() else ()
        paths = (f"-L{folder}" for folder in folders if Path(folder).is_dir())
        # tcc calls functions of its own for what the processor lacks (uint64_t to double); -nostdlib leaves them out.
        helpers = own / "libtcc1.a"
        return (*base, *paths, "-lc", "-lm", *((str(helpers),) if helpers.is_file() else ()))

    @property
    def _folder(self) -> Path:
        return Path(self.compiler.c_command[0]).resolve().parent.parent / "lib" / "tcc"

    @property
    def _multiarch(self) -> str:
        return f"{self.compiler.target.split('-')[0]}-linux-gnu"
