"""Programs that hotplate builds for itself, from several C sources: the worker, in which isolated cells run.

They are built by the notebook's own compiler and kept in the same cache as cells: so a wheel works with any C library,
and a worker with sanitizers is one argument away.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate import _platform
from hotplate.errors import ToolchainError
from hotplate.toolchain.families.program import ProgramLine
from hotplate.toolchain.keys import program_key
from hotplate.toolchain.model import Program, Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hotplate.toolchain.cache import Cache, Entry
    from hotplate.toolchain.compiler import Compiler

WORKER_FOLDERS = ("core", "win" if sys.platform == "win32" else "posix", "worker")
"""The folders among hotplate's C sources that the worker is made of."""


class Programs:
    """Builds programs, or finds those that were built before. Thread-safe, and safe beside other processes.

    Args:
        cache: Where programs are kept.
        compilers: The compilers to choose from, best first; asked as far as needed.
        sources: The folder of hotplate's C sources.
        jobs: How many compilers run at a time; the number of processors when None.
        environ: The environment in which compilers run.
    """

    def __init__(
        self,
        cache: Cache,
        *,
        compilers: Callable[[], Iterable[Compiler]],
        sources: Path,
        jobs: int | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._cache = cache
        self._compilers = compilers
        self.sources = sources
        self._jobs = jobs or os.cpu_count() or 1
        self._environ = dict(environ)
        self._workers: dict[tuple[str, ...], Program] = {}
        """What `worker` returned, by what it was asked for."""

    def worker(self, *, sanitize: Sequence[str] = ()) -> Program:
        """The worker: the one that came with hotplate if there is one, else built if need be.

        `sanitize` are names for -fsanitize, such as `"address"` and `"undefined"`. Its sources are looked at once: a
        second call costs one look whether the program is still there.

        Raises:
            ToolchainError: It can't be built.
            CacheError: It can't be stored.
        """
        checks = _in_order(sanitize)
        known = self._workers.get(checks)
        if known is None or not known.path.exists():
            known = (None if checks else self._installed()) or self.build(worker_recipe(self.sources), sanitize=checks)
            self._workers[checks] = known
        return known

    def find_worker(self) -> Program | None:
        """The worker if it is there already. Raises ToolchainError if it could not be built for want of something."""
        return self._installed() or self.find(worker_recipe(self.sources))

    def worker_compiler(self) -> Compiler:
        """The compiler that builds the worker. Raises ToolchainError when none can."""
        return self._line("worker", ()).compiler

    def find(self, recipe: Recipe, *, sanitize: Sequence[str] = ()) -> Program | None:
        """The program if it is in the cache, for its sources and headers as they are now. Builds nothing."""
        line = self._line(recipe.name, _in_order(sanitize))
        entry = self._cache.lookup(self._key(recipe, line))
        return _program(entry, line.compiler, cached=True) if entry else None

    def build(self, recipe: Recipe, *, sanitize: Sequence[str] = ()) -> Program:
        """The program, compiled if need be. Raises: as `worker`."""
        line = self._line(recipe.name, _in_order(sanitize))
        key = self._key(recipe, line)
        entry = self._cache.lookup(key)
        if entry:
            return _program(entry, line.compiler, cached=True)
        from hotplate.toolchain.program_build import ProgramBuild  # only for what is not in the cache

        entry, built = ProgramBuild(self._cache, recipe, line, key, self._jobs, self._environ).run()
        self._cache.trim()
        return _program(entry, line.compiler, cached=not built)

    def _installed(self) -> Program | None:
        """The worker that a wheel for Windows brings: few have a compiler there that can build one."""
        path = Path(__file__).parents[1] / f"worker{_platform.program_suffix()}"
        if sys.platform != "win32" or not path.exists():
            return None
        return Program(path, path.stat().st_size, "", None, 0.0, cached=True)

    def _line(self, name: str, checks: tuple[str, ...]) -> ProgramLine:
        unable = []
        for compiler in self._compilers():
            line = ProgramLine(compiler, checks)
            if line.is_able:
                return line
            unable.append(compiler.name)
        raise ToolchainError(_none_able(name, list(dict.fromkeys(unable)), checks))

    def _key(self, recipe: Recipe, line: ProgramLine) -> str:
        facts = [recipe.name, [*map(str, recipe.sources)], [*map(str, recipe.folders)], *_system()]
        return program_key(facts, line.settings, line.compiler, self._environ)


def worker_recipe(sources: Path) -> Recipe:
    """What the worker is made of, from the folder of hotplate's C sources.

    Raises:
        ToolchainError: They are not there.
    """
    found: list[Path] = []
    for folder in WORKER_FOLDERS:
        files = sorted((sources / folder).glob("*.c"))
        if not files:
            problem = f"there is no C source in {sources / folder}; install hotplate anew"
            raise ToolchainError(f"hotplate can't build its worker: {problem}")
        found += files
    return Recipe("worker", tuple(found), (sources / "include", sources))


def _in_order(sanitize: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(sanitize)))


def _program(entry: Entry, compiler: Compiler, *, cached: bool) -> Program:
    meta = entry.meta
    return Program(entry.product, int(meta["size"]), entry.key, compiler, float(meta.get("seconds", 0.0)), cached)


def _none_able(name: str, unable: Sequence[str], checks: Sequence[str]) -> str:
    found = f"{' and '.join(unable)} can't" if unable else "there is no compiler"
    if checks:
        way_out = "install gcc or clang with its sanitizers (`apt install gcc`)"
        return f"hotplate can't build its {name} with -fsanitize={','.join(checks)}: {found}; {way_out}"
    return (
        f"hotplate can't build its {name}: {found}, for it has atomic and thread-local variables; `pip install "
        f"'hotplate[zig]'` brings a compiler that can, as gcc and clang do; cells that are not isolated need no {name}"
    )


def _system() -> tuple[str, str]:
    """What programs run on here: a cache may lie on a disk that machines share."""
    library = ""
    if sys.platform == "linux":  # an older C library refuses a program that was linked with a newer one
        library = os.confstr("CS_GNU_LIBC_VERSION") or ""
    return sys.platform, library
