"""The lifetime of loaded libraries.

A library is opened once per path and process. It stays while anything may still enter it: each LoadedCell holds a lease
until it is closed or gone, and a call in progress holds that lease, too. When the last one goes the library is
*retired*; `reclaim` unloads retired libraries where that is safe and keeps the others, with the reason.
"""

from __future__ import annotations

import ctypes.util
import os
import sys
import threading
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotplate import _platform
from hotplate.abi import CellDescriptor, ffi, handshake, lib, read_descriptor
from hotplate.errors import LoadError
from hotplate.events import log
from hotplate.load.kept import KeptLibrary, KeptLimit, kept_limit, limit_warning

if TYPE_CHECKING:
    from hotplate.load.elf import LibraryFile
    from hotplate.load.unloading import Obstacle

_lock = opening = threading.RLock()
"""Held while libraries are opened, leased and closed."""
_open: dict[Path, Library] = {}
_kept: dict[Path, KeptLibrary] = {}
"""What nothing uses any more and is still mapped: retired libraries, and those that the system did not let go."""
_counts = {"opened": 0, "unloaded": 0, "warned": 0}


@dataclass(frozen=True, slots=True)
class LibraryReport:
    """The libraries of this process: how many were opened and unloaded so far, how many are in use, which are kept."""

    opened: int
    unloaded: int
    in_use: int
    kept: tuple[KeptLibrary, ...]
    """Those that nothing uses any more and that are still mapped."""
    limit: KeptLimit
    """How much may be kept before there is a warning."""

    @property
    def retired(self) -> int:
        """How many of the kept ones go when what holds them is gone."""
        return sum(not library.obstacle.permanent for library in self.kept)

    @property
    def pinned(self) -> dict[Path, str]:
        """Those that stay until the process ends, with the reason."""
        return {library.path: library.obstacle.reason for library in self.kept if library.obstacle.permanent}

    @property
    def kept_bytes(self) -> int:
        """How much memory the kept ones map."""
        return sum(library.mapped_bytes for library in self.kept)


class Library:
    """One loaded shared library. Made by `Library.open`; thread-safe.

    Raises LoadError when the system refuses the file, HandshakeError when it is no cell of this interface.
    """

    def __init__(self, path: Path, handle: Any, threads: frozenset[int], unit_key: str | None) -> None:
        self.path = path
        self.handle = handle
        self.threads = threads
        """The native threads that were there before it and still are."""
        cell = lib.hp_library_cell(handle)
        handshake(cell, str(path), unit_key)
        self.descriptor: CellDescriptor = read_descriptor(cell)
        self.raw_cell = cell

    @classmethod
    def open(cls, path: Path, unit_key: str | None = None) -> Library:
        """The library at `path`, loaded if it isn't yet.

        Files that were published are never overwritten, so the same path means the same library.
        """
        path = Path(path).absolute()
        with _lock:
            if (known := _open.get(path)) is not None:
                _kept.pop(path, None)
                return known
            _limit()  # a setting that makes no sense is told now, not when something is to be unloaded
            _pin_libstdcxx()
            threads = _foreign_threads()  # before dlopen, for constructors of the library may start some
            handle = _dlopen(path)
            try:
                library = cls(path, handle, threads, unit_key)
            except BaseException:
                lib.hp_library_close(handle)
                raise
            _open[path] = library
            _kept.pop(path, None)
            _counts["opened"] += 1
            return library

    @property
    def leases(self) -> int:
        """How many callables still hold the library."""
        return int(lib.hp_library_leases(self.handle))

    @cached_property
    def file(self) -> LibraryFile | None:
        """What its file says, as long as that can be read."""
        from hotplate.load.elf import read_library_file  # a run that unloads nothing needs none of this

        return read_library_file(self.path)

    def obstacle(self, threads: frozenset[int]) -> Obstacle | None:
        """Why it can't be unloaded when nothing holds it and these native threads run; None when it can."""
        from hotplate.load.unloading import registered_handler, thread_obstacle

        started = len(threads - self.threads)
        return registered_handler(self.file) or thread_obstacle(self.file, started)


def reclaim() -> tuple[Path, ...]:
    """Unloads every library that nothing holds any more and returns their paths. Thread-safe.

    One that can't go is kept, with the reason. Warns once when more is kept than the limit says.
    """
    with _lock:
        retired = [library for library in _open.values() if not library.leases and not _is_pinned(library.path)]
        if not retired:
            return ()
        threads = _foreign_threads()
        for library in _open.values():
            library.threads &= threads  # the system gives a number that became free to another thread
        unloaded = tuple(library.path for library in retired if _unload(library, threads))
        warning = _due_warning()
    if warning:
        log.warning("%s", warning)
    return unloaded


def library_report() -> LibraryReport:
    """What is loaded in this process now. Raises SettingError when the limit's variable makes no sense."""
    with _lock:
        in_use = sum(library.leases > 0 for library in _open.values())
        return LibraryReport(_counts["opened"], _counts["unloaded"], in_use, tuple(_kept.values()), _limit())


def _is_pinned(path: Path) -> bool:
    return path in _kept and _kept[path].obstacle.permanent


def _unload(library: Library, threads: frozenset[int]) -> bool:
    from hotplate.load.unloading import refused_unload

    obstacle = library.obstacle(threads)
    if obstacle is None:
        _pin_openmp(library)
        del _open[library.path]
        if lib.hp_library_close(library.handle):
            _kept.pop(library.path, None)
            _counts["unloaded"] += 1
            return True
        obstacle = refused_unload(library.file)
    size = library.file.mapped_bytes if library.file else 0
    _kept[library.path] = KeptLibrary(library.path, library.descriptor.name, obstacle, size)
    return False


def _due_warning() -> str:
    kept = tuple(_kept.values())
    if _counts["warned"] or not _limit().exceeded_by(kept):
        return ""
    _counts["warned"] += 1
    return limit_warning(kept, _limit())


@cache
def _limit() -> KeptLimit:
    return kept_limit(os.environ)


def running_cell() -> tuple[str, int, bool] | None:
    """The cell that the main thread is in by a direct call: its name, the call's serial number, whether it can poll."""
    serial, polls = ffi.new("int64_t *"), ffi.new("int32_t *")
    with _lock:  # the name lies in the library, which can't go meanwhile
        name = lib.hp_interrupt_running(serial, polls)
        return None if name == ffi.NULL else (ffi.string(name).decode(), int(serial[0]), bool(polls[0]))


def _dlopen(path: Path) -> Any:
    try:
        return _platform.patiently(lambda: _open_once(path), path)
    except OSError as error:
        message = f"can't load {path}: {error.strerror}"
        raise LoadError(message) from error


def _open_once(path: Path) -> Any:
    code, why = ffi.new("int32_t *"), ffi.new("char[]", 1024)
    handle = lib.hp_library_open(os.fsencode(path), code, why, 1024)
    if handle == ffi.NULL:
        # The fourth value makes it an error of Windows there; elsewhere it is 0 and not looked at.
        raise OSError(None, ffi.string(why).decode(errors="replace"), None, code[0])
    return handle


_runtimes: dict[str, Any] = {}


def _pin_libstdcxx() -> None:
    """Keeps libstdc++ loaded for good: its thread-local destructors would pin whichever cell brought it in."""
    if sys.platform == "linux":
        _pin("libstdc++.so.6")


def _pin_openmp(library: Library) -> None:
    """Keeps the OpenMP runtime that a library needs loaded for good, before the library goes.

    A runtime that goes with its last cell leaves its threads without code, and Python crashes at exit.
    """
    from hotplate.load.unloading import OPENMP_RUNTIMES

    if library.file is not None:
        for name in library.file.needed & OPENMP_RUNTIMES:
            _pin(name)


def _pin(name: str) -> None:
    if name in _runtimes:
        return
    try:
        _runtimes[name] = ctypes.CDLL(name)
    except OSError:  # not installed: then no cell uses it
        _runtimes[name] = None


def _foreign_threads() -> frozenset[int]:
    """The threads of this process that Python did not start. Empty where the system does not list them."""
    return _platform.native_threads() - {thread.native_id for thread in threading.enumerate() if thread.native_id}
