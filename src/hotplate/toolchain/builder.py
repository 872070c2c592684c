"""Builds cells: from translation units to libraries in the cache."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from hotplate.errors import RunCancelled
from hotplate.events import Kind
from hotplate.toolchain.keys import artifact_from, unit_key
from hotplate.toolchain.model import Artifact, BuildFailure, Unit
from hotplate.toolchain.process import compiler_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from hotplate.events import Emitter
    from hotplate.toolchain.cache import Cache
    from hotplate.toolchain.compile import Compilation
    from hotplate.toolchain.compiler import Compiler
    from hotplate.toolchain.confine import Confinement

Built = Artifact | BuildFailure


class Builder:
    """Turns units into libraries, or finds the ones that were built before. Thread-safe.

    Args:
        cache: Where libraries are kept.
        compiler_for: The compiler for a language, asked once for each.
        jobs: How many compilers run at a time; the number of processors when None.
        include_dir: Where hotplate.h is.
        abi_version: HP_ABI_VERSION of that file.
        environ: The environment in which compilers run.
        confinement: What keeps compilers from the network, if anything.
    """

    def __init__(
        self,
        cache: Cache,
        compiler_for: Callable[[str], Compiler],
        *,
        jobs: int | None = None,
        include_dir: Path,
        abi_version: int,
        environ: Mapping[str, str] = os.environ,
        confinement: Confinement | None = None,
    ) -> None:
        self.cache = cache
        self.jobs = jobs or os.cpu_count() or 1
        self._compiler_for = compiler_for
        self._compilers: dict[str, Compiler] = {}
        self._lock = threading.Lock()
        self._include_dir = include_dir
        self._abi_version = abi_version
        self._environ = dict(environ)
        self._confinement = confinement

    def compiler(self, language: str) -> Compiler:
        """The compiler for `"c"` or `"c++"`."""
        with self._lock:
            if language not in self._compilers:
                self._compilers[language] = self._compiler_for(language)
            return self._compilers[language]

    def unit_key(self, unit: Unit) -> str:
        """What identifies a unit and how it is compiled; headers are not part of it, see `Artifact.build_key`."""
        return unit_key(unit, self.compiler(unit.language), self._abi_version, self._environ)

    def find(self, unit: Unit, hash_of: Callable[[str], str | None] | None = None) -> Artifact | None:
        """The library of a unit if it is in the cache, for headers as `hash_of` knows them. Runs no other program."""
        key = self.unit_key(unit)
        entry = self.cache.lookup(key, hash_of)
        return artifact_from(entry, unit, self.compiler(unit.language), cached=True) if entry else None

    def build(self, unit: Unit, cancel: threading.Event | None = None) -> Built:
        """The library of a unit, compiled if need be.

        Raises:
            RunCancelled: `cancel` was set; the compiler is gone and nothing was kept.
            ToolchainError: There is no compiler or no library that it needs.
            CacheError: The result can't be stored.
        """
        found = self.find(unit)
        if found:
            return found
        built = self._compile(unit, cancel.is_set if cancel else _never)
        self.cache.trim()
        return built

    def build_all(
        self, units: Sequence[Unit], emitter: Emitter | None = None, cancel: threading.Event | None = None
    ) -> dict[str, Built]:
        """The libraries of several units by cell, in the order of the units. One that fails does not stop the others.

        Raises: as `build`. Then, or on an interrupt from the keyboard, every compiler has been killed first.
        """
        hash_of = self.cache.hashes.at_once()
        found = {unit.cell: self.find(unit, hash_of) for unit in units}
        for artifact in found.values():
            if artifact:
                _tell_built(emitter, artifact)
        missing = [unit for unit in units if found[unit.cell] is None]
        built = self._build_missing(missing, emitter, cancel) if missing else {}
        results = {**found, **built}
        return {unit.cell: result for unit in units if (result := results[unit.cell])}

    def _build_missing(
        self, units: Sequence[Unit], emitter: Emitter | None, cancel: threading.Event | None
    ) -> dict[str, Built]:
        stop = threading.Event()

        def cancelled() -> bool:
            return stop.is_set() or (cancel is not None and cancel.is_set())

        def build_one(unit: Unit) -> Built:
            if cancelled():
                raise RunCancelled("the build was cancelled")
            if emitter:
                emitter.emit(Kind.CELL_BUILDING, unit.cell)
            built = self._compile(unit, cancelled)
            _tell_built(emitter, built)
            return built

        if len(units) == 1 or self.jobs == 1:
            results = [build_one(unit) for unit in units]
        else:
            from hotplate.toolchain.parallel import in_parallel  # only when there is much to do

            results = in_parallel(build_one, units, self.jobs, stop)
        self.cache.trim()
        return {unit.cell: result for unit, result in zip(units, results, strict=True)}

    def told(self, unit: Unit, flags: tuple[str, ...]) -> str:
        """What the compiler prints about a unit with further flags; nothing is kept. Raises BuildError."""
        return self._compilation(unit, _never).told(flags)

    def _compile(self, unit: Unit, cancelled: Callable[[], bool]) -> Built:
        return self._compilation(unit, cancelled).run()

    def _compilation(self, unit: Unit, cancelled: Callable[[], bool]) -> Compilation:
        from hotplate.toolchain.compile import Compilation, Tools  # 10 ms, which a run of hits does not need

        compiler = self.compiler(unit.language)
        environ = compiler_environment(self._environ, compiler)
        tools = Tools(self.cache, compiler, self._include_dir, environ, cancelled, self._confinement)
        return Compilation(tools, unit, self.unit_key(unit))


def _tell_built(emitter: Emitter | None, built: Built) -> None:
    if emitter is None:
        return
    data: dict[str, Any]
    if isinstance(built, Artifact):
        data = {"seconds": built.seconds, "cached": built.cached, "build_key": built.build_key, "ok": True}
    else:
        data = {"seconds": 0.0, "cached": False, "build_key": "", "ok": False}
    emitter.emit(Kind.CELL_BUILT, built.cell, **data)


def _never() -> bool:
    return False
