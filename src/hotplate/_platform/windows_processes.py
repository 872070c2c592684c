"""Windows: what tells one process from all others, now and later."""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import wintypes

assert sys.platform == "win32"

_QUERY = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
_ACCESS_DENIED = 5
_STILL_ACTIVE = 259

_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.OpenProcess.restype = wintypes.HANDLE
_kernel.OpenProcess.argtypes = [wintypes.DWORD, wintypes.BOOL, wintypes.DWORD]
_kernel.GetProcessTimes.argtypes = [wintypes.HANDLE, *[ctypes.POINTER(wintypes.FILETIME)] * 4]
_kernel.GetExitCodeProcess.argtypes = [wintypes.HANDLE, ctypes.POINTER(wintypes.DWORD)]
_kernel.CloseHandle.argtypes = [wintypes.HANDLE]


def process_start(pid: int) -> int | None:
    """When a process began, in 100 ns since 1601. None: there is none.

    With its number, that names a process for good.
    Raises PermissionError where the system does not tell.
    """
    handle = _kernel.OpenProcess(_QUERY, False, pid)
    if not handle:
        if ctypes.get_last_error() == _ACCESS_DENIED:
            raise PermissionError(f"Windows does not tell whether process {pid} lives")
        return None
    try:
        return _start(handle)
    finally:
        _kernel.CloseHandle(handle)


def host_name() -> str:
    """The machine's name."""
    return os.environ.get("COMPUTERNAME", "")


def boot_id() -> str:
    """Nothing: Windows has no name for it, and needs none, for a start time there is a date."""
    return ""


def process_namespace() -> str:
    """Nothing: all processes of a machine have different numbers."""
    return ""


def _start(handle: int) -> int | None:
    code = wintypes.DWORD()
    # A process that ended is there for as long as anybody has a handle of it.
    if not _kernel.GetExitCodeProcess(handle, ctypes.byref(code)) or code.value != _STILL_ACTIVE:
        return None
    times = [wintypes.FILETIME() for _ in range(4)]
    if not _kernel.GetProcessTimes(handle, *map(ctypes.byref, times)):
        raise ctypes.WinError(ctypes.get_last_error())
    began = times[0]
    return (int(began.dwHighDateTime) << 32) | int(began.dwLowDateTime)
