"""Linux and macOS: what tells one process from all others, now and later."""

from __future__ import annotations

import os
import sys
from pathlib import Path

assert sys.platform != "win32"

_START = 19  # of the fields after the name in /proc/PID/stat, counted from 0: field 22 of proc(5), `starttime`
_DEAD = ("Z", "X")

_BSD_INFO = 3  # PROC_PIDTBSDINFO of libproc.h
_BSD_INFO_SIZE, _STARTED_AT = 136, 120  # of struct proc_bsdinfo, and of pbi_start_tvsec and pbi_start_tvusec in it


def process_start(pid: int) -> int | None:
    """When a process began, in a unit of the system's own. None: there is none, or it is dead and waits for its parent.

    With its number, that names a process for as long as the machine runs.
    Raises PermissionError where the system does not tell.
    """
    if sys.platform == "darwin":
        return _start_on_macos(pid)
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        if not Path("/proc/self/stat").exists():
            raise PermissionError(f"/proc is not mounted, so nobody can tell whether process {pid} lives") from None
        return None
    fields = status.rpartition(b")")[2].split()  # the name before it may hold anything
    return None if fields[0].decode() in _DEAD else int(fields[_START])


def host_name() -> str:
    """The machine's name."""
    return os.uname().nodename


def boot_id() -> str:
    """Names the time since the machine was started; "" where nobody knows."""
    if sys.platform == "darwin":
        return _system_text("kern.bootsessionuuid")
    return _text("/proc/sys/kernel/random/boot_id")


def process_namespace() -> str:
    """Names the set of processes that share their numbers with this one: a container has its own. "" without such."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text("ascii").strip()
    except OSError:
        return ""


def _start_on_macos(pid: int) -> int | None:
    import ctypes

    buffer = ctypes.create_string_buffer(_BSD_INFO_SIZE)
    library = ctypes.CDLL("/usr/lib/libproc.dylib")
    if library.proc_pidinfo(pid, _BSD_INFO, ctypes.c_uint64(0), buffer, _BSD_INFO_SIZE) < _BSD_INFO_SIZE:
        return None
    seconds, micros = (int.from_bytes(buffer.raw[at : at + 8], sys.byteorder) for at in (_STARTED_AT, _STARTED_AT + 8))
    return seconds * 1_000_000 + micros


def _system_text(name: str) -> str:
    import ctypes

    buffer, size = ctypes.create_string_buffer(256), ctypes.c_size_t(256)
    failed = ctypes.CDLL(None).sysctlbyname(name.encode(), buffer, ctypes.byref(size), None, ctypes.c_size_t(0))
    return "" if failed else buffer.value.decode("ascii", "replace")
