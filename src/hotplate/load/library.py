"""The lifetime of loaded libraries.

A library is opened once per path and process. It stays while anything may still enter it: each LoadedCell holds a lease
until the last reference to its callable is gone, and a call in progress is such a reference. When the last lease goes
the library is *retired*; `reclaim` unloads retired libraries where that is safe and keeps the others, with the reason.
"""

from __future__ import annotations

import ctypes.util
import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hotplate.abi import CellDescriptor, ffi, handshake, lib, read_descriptor
from hotplate.errors import LoadError

_lock = opening = threading.RLock()
"""Held while libraries are opened, leased and closed."""
_open: dict[Path, Library] = {}
_pinned: dict[Path, str] = {}
_counts = {"opened": 0, "unloaded": 0}


@dataclass(frozen=True, slots=True)
class LibraryReport:
    """The libraries of this process: how many were opened and unloaded so far, which are in use, retired or pinned."""

    opened: int
    unloaded: int
    in_use: int
    retired: int
    pinned: dict[Path, str] = field(default_factory=dict)
    """Libraries that the system keeps mapped after they were closed, with the reason."""


class Library:
    """One loaded shared library. Made by `Library.open`; thread-safe.

    Raises LoadError when the system refuses the file, HandshakeError when it is no cell of this interface.
    """

    def __init__(self, path: Path, handle: Any, unit_key: str | None) -> None:
        self.path = path
        self.handle = handle
        self.threads = _foreign_threads()
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
                return known
            _pin_runtimes()
            handle = _dlopen(path)
            try:
                library = cls(path, handle, unit_key)
            except BaseException:
                lib.hp_library_close(handle)
                raise
            _open[path] = library
            _counts["opened"] += 1
            return library

    @property
    def leases(self) -> int:
        """How many callables still hold the library."""
        return int(lib.hp_library_leases(self.handle))

    def blocked(self) -> str:
        """Why the library can't be unloaded now; "" when it can."""
        if self.leases:
            return f"{self.leases} loaded cell(s) still refer to it"
        if started := _foreign_threads() - self.threads:
            return f"{len(started)} native thread(s) started since it was loaded may run its code"
        return ""


def reclaim() -> tuple[Path, ...]:
    """Unloads every library that nothing holds any more and returns their paths. Thread-safe.

    One that the system keeps all the same (unique symbols, thread-local destructors, nodelete) is listed as pinned.
    """
    unloaded = []
    with _lock:
        for path, library in list(_open.items()):
            if library.blocked():
                continue
            del _open[path]
            if lib.hp_library_close(library.handle):
                _counts["unloaded"] += 1
                unloaded.append(path)
            else:
                _pinned[path] = _why_pinned(path)
    return tuple(unloaded)


def library_report() -> LibraryReport:
    """What is loaded in this process now."""
    with _lock:
        retired = sum(not library.leases for library in _open.values())
        return LibraryReport(_counts["opened"], _counts["unloaded"], len(_open) - retired, retired, dict(_pinned))


def running_cell() -> tuple[str, int, bool] | None:
    """The cell that the main thread is in by a direct call: its name, the call's serial number, whether it can poll."""
    serial, polls = ffi.new("int64_t *"), ffi.new("int32_t *")
    with _lock:  # the name lies in the library, which can't go meanwhile
        name = lib.hp_interrupt_running(serial, polls)
        return None if name == ffi.NULL else (ffi.string(name).decode(), int(serial[0]), bool(polls[0]))


def _dlopen(path: Path) -> Any:
    why = ffi.new("char[]", 1024)
    handle = lib.hp_library_open(os.fsencode(path), why, 1024)
    if handle == ffi.NULL:
        reason = ffi.string(why).decode(errors="replace")
        message = f"can't load {path}: {reason}"
        raise LoadError(message)
    return handle


_runtimes: list[Any] = []


def _pin_runtimes() -> None:
    """Keeps libstdc++ and libgomp loaded for good.

    An OpenMP runtime that goes with its last cell leaves its threads without code, and Python crashes at exit;
    libstdc++ registers thread-local destructors that would pin whichever cell happened to bring it in.
    """
    if _runtimes or sys.platform != "linux":
        return
    for name in ("libstdc++.so.6", "libgomp.so.1"):
        try:
            _runtimes.append(ctypes.CDLL(name))
        except OSError:  # not installed: then no cell uses it
            _runtimes.append(None)


def _foreign_threads() -> frozenset[int]:
    """The threads of this process that Python did not start. Empty where the system does not list them."""
    try:
        tasks = {int(task) for task in os.listdir("/proc/self/task")}  # noqa: PTH208 - 4 µs against 40
    except OSError:
        return frozenset()
    return frozenset(tasks - {thread.native_id for thread in threading.enumerate() if thread.native_id})


def _why_pinned(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError:
        return "the system keeps it mapped"
    # Names of imports stand in the file as they are; enough to tell the known reasons apart.
    if b"__cxa_thread_atexit" in content:
        return "it has thread-local variables with destructors"
    return "the system keeps it mapped (unique symbols, nodelete, or another handle)"
