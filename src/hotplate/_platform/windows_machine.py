"""Windows: the processor, and the streams of the C libraries."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import msvcrt
import os
import sys
import winreg
from ctypes import wintypes
from typing import TYPE_CHECKING

import xxhash

assert sys.platform == "win32"

if TYPE_CHECKING:
    from collections.abc import Callable

_PROCESSOR = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
_PROTECT_FROM_CLOSE = 2  # HANDLE_FLAG_PROTECT_FROM_CLOSE
_VECTOR_FEATURES = {"AVX512": 41, "AVX2": 40, "AVX": 39}  # PF_..._INSTRUCTIONS_AVAILABLE
_C_LIBRARIES = ("ucrtbase", "msvcrt")  # of Python and Visual C++; of mingw and tcc


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX."""

    _fields_ = (
        ("dwLength", wintypes.DWORD),
        ("dwMemoryLoad", wintypes.DWORD),
        ("ullTotalPhys", ctypes.c_uint64),
        ("others", ctypes.c_uint64 * 6),
    )


@functools.cache
def cpu_identity() -> str:
    """A name for what `-march=native` means on this machine: equal on two machines only if their processors are."""
    facts = []
    with contextlib.suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _PROCESSOR) as key:
        for name in ("VendorIdentifier", "Identifier", "ProcessorNameString", "Update Revision"):
            with contextlib.suppress(OSError):
                facts.append(str(winreg.QueryValueEx(key, name)[0]))
    # What the system lets programs use, which may be less than the processor has.
    features = "".join(str(ctypes.windll.kernel32.IsProcessorFeaturePresent(number)) for number in range(64))
    machine = os.environ.get("PROCESSOR_ARCHITECTURE", "")
    named = "\n".join(facts) or os.environ.get("COMPUTERNAME", "")
    return xxhash.xxh3_64_hexdigest(f"{named}\n{features}\n{machine}".encode())


def vector_level() -> str:
    """The widest vector instructions that this machine has, as Visual C++ names them: "AVX512", "AVX2", "AVX" or ""."""
    present = ctypes.windll.kernel32.IsProcessorFeaturePresent
    return next((name for name, feature in _VECTOR_FEATURES.items() if present(feature)), "")


def memory_size() -> int:
    """The machine's memory, in bytes."""
    status = _MemoryStatus(dwLength=ctypes.sizeof(_MemoryStatus))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        raise ctypes.WinError()
    return int(status.ullTotalPhys)


def flush_c_streams() -> None:
    """Writes out what the printf of native code has buffered."""
    for library in map(ctypes.CDLL, _C_LIBRARIES):
        library.fflush(None)


def unread_bytes(descriptor: int) -> int:  # noqa: ARG001 - the interface of both systems
    """0: a reader of pipes is not waited for here."""
    return 0


def divert_stdout() -> Callable[[], None]:
    """Sends what Python and native code write to stdout to stderr. Returns the function that undoes it.

    Each C library has file descriptors of its own, over handles that they share: the first one to replace its
    descriptor would close the handle under the other, so that handle is kept open for good.
    """
    handle = ctypes.c_void_p(msvcrt.get_osfhandle(1))
    ctypes.windll.kernel32.SetHandleInformation(handle, _PROTECT_FROM_CLOSE, _PROTECT_FROM_CLOSE)
    kept = [(library, library._dup(1)) for library in map(ctypes.CDLL, _C_LIBRARIES)]
    for library, _ in kept:
        library._dup2(2, 1)

    def restore() -> None:
        for library, descriptor in kept:
            library._dup2(descriptor, 1)
            library._close(descriptor)

    return restore
