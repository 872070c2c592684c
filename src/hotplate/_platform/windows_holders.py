"""Asks Windows which programs have a file open: its Restart Manager, which installers use for the same."""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes
from typing import TYPE_CHECKING

assert sys.platform == "win32"

if TYPE_CHECKING:
    from pathlib import Path

_AT_MOST = 32  # programs; Windows lists them all or none


class _Program(ctypes.Structure):
    """RM_PROCESS_INFO."""

    _fields_ = (
        ("dwProcessId", wintypes.DWORD),
        ("ProcessStartTime", wintypes.FILETIME),
        ("strAppName", wintypes.WCHAR * 256),
        ("strServiceShortName", wintypes.WCHAR * 64),
        ("ApplicationType", ctypes.c_int),
        ("AppStatus", wintypes.ULONG),
        ("TSSessionId", wintypes.DWORD),
        ("bRestartable", wintypes.BOOL),
    )


def programs_holding(path: Path) -> str:
    """The programs that have a file open, as "notepad.exe (process 8)"; "" where Windows knows none."""
    try:
        manager = ctypes.WinDLL("rstrtmgr")
    except OSError:
        return ""
    session = wintypes.DWORD()
    key = ctypes.create_unicode_buffer(33)
    if manager.RmStartSession(ctypes.byref(session), 0, key):
        return ""
    try:
        files = (wintypes.LPCWSTR * 1)(str(path))
        if manager.RmRegisterResources(session, 1, files, 0, None, 0, None):
            return ""
        return ", ".join(f"{found.strAppName} (process {found.dwProcessId})" for found in _listed(manager, session))
    finally:
        manager.RmEndSession(session)


def _listed(manager: ctypes.WinDLL, session: wintypes.DWORD) -> list[_Program]:
    needed, count, reasons = wintypes.UINT(), wintypes.UINT(_AT_MOST), wintypes.DWORD()
    programs = (_Program * _AT_MOST)()
    status = manager.RmGetList(session, *map(ctypes.byref, (needed, count)), programs, ctypes.byref(reasons))
    return list(programs[: count.value]) if status == 0 else []
