"""Instructions and cache misses as the processor counts them, through Linux's perf_event_open(2)."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Counters", "Counts", "Unavailable", "open_counters", "scaled"]

_SYSCALL = {"x86_64": 298, "aarch64": 241, "riscv64": 241, "ppc64le": 319, "s390x": 331}
_HARDWARE = 0
_EVENTS = {name: (_HARDWARE, config) for name, config in (("instructions", 1), ("cache_misses", 3))}
"""Type and number of each event, as linux/perf_event.h has them."""
_TIMES = 3  # PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING
_FLAGS = 1 | 1 << 5 | 1 << 6  # disabled at first, neither the kernel nor the hypervisor
_ATTRIBUTES = struct.Struct("=IIQQQQQIIQ")  # perf_event_attr in its first form, of 64 bytes
_ENABLE, _DISABLE, _RESET = 0x2400, 0x2401, 0x2403
_PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")


@dataclass(frozen=True, slots=True)
class Unavailable:
    """There are no counters here."""

    reason: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Events in user mode on the calling thread, for one call. None where the processor does not count them."""

    instructions: float | None
    cache_misses: float | None


def open_counters(events: Mapping[str, tuple[int, int]] = MappingProxyType(_EVENTS)) -> Counters | Unavailable:
    """The counters of the thread that asks. `events` are types and numbers, by the names that Counts has."""
    if sys.platform != "linux" or platform.machine() not in _SYSCALL:
        return Unavailable(f"they are read on Linux only; this is {platform.system()} on {platform.machine()}")
    files: dict[str, int] = {}
    reasons = []
    for name, event in events.items():
        try:
            files[name] = _open(*event)
        except OSError as error:
            reasons.append(_reason(error))
    return Counters(files) if files else Unavailable(reasons[0])


class Counters:
    """Open counters, in a context that closes them. Made by `open_counters`."""

    def __init__(self, files: Mapping[str, int]) -> None:
        self._files = dict(files)

    def __enter__(self) -> Counters:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    def count(self, call: Callable[[], object], calls: int) -> Counts:
        """What `call` takes, which makes so many calls of a cell; for one of them."""
        for request in (_RESET, _ENABLE):
            self._ask(request)
        try:
            call()
        finally:
            self._ask(_DISABLE)
        found = {name: scaled(os.read(file, 24), calls) for name, file in self._files.items()}
        return Counts(found.get("instructions"), found.get("cache_misses"))

    def _ask(self, request: int) -> None:
        if sys.platform == "linux":
            import fcntl  # not on Windows

            for file in self._files.values():
                fcntl.ioctl(file, request, 0)


def scaled(read: bytes, calls: int) -> float | None:
    """The count for one call, from what the kernel gives: the count, and for how long it was wanted and made.

    There are more events than counters, so the kernel takes turns; None when one had no turn.
    """
    count, wanted, made = struct.unpack("=QQQ", read)
    return count * wanted / made / calls if made else None


def _open(kind: int, config: int) -> int:
    attributes = _ATTRIBUTES.pack(kind, _ATTRIBUTES.size, config, 0, 0, _TIMES, _FLAGS, 0, 0, 0)
    library = ctypes.CDLL(None, use_errno=True)
    words: Sequence[int] = (0, -1, -1, 8)  # this thread, any processor, no group, PERF_FLAG_FD_CLOEXEC
    file = library.syscall(
        ctypes.c_long(_SYSCALL[platform.machine()]), attributes, *(ctypes.c_long(word) for word in words)
    )
    if file < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(file)


def _reason(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"the system does not allow it (kernel.perf_event_paranoid is {_paranoid()}; containers often forbid it)"
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
        return "this machine shows none, as most virtual machines"
    return f"the system refuses it: {error.strerror}"


def _paranoid() -> str:
    try:
        return _PARANOID.read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"
