"""Process trees on Windows: a job holds a process with all its descendants, and ends them when it is closed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import threading
from ctypes import wintypes
from typing import TYPE_CHECKING

assert sys.platform == "win32"

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_CHECK_EVERY = 0.02  # seconds between two looks at `cancelled` while the program is silent
_CREATE_SUSPENDED = 0x00000004
_KILL_ON_JOB_CLOSE = 0x00002000
_EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation
_SNAP_THREADS = 0x00000004  # TH32CS_SNAPTHREAD


class _ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", wintypes.DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", wintypes.DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", wintypes.DWORD),
        ("SchedulingClass", wintypes.DWORD),
        ("IoCounters", ctypes.c_uint64 * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


class _ThreadEntry(ctypes.Structure):
    """THREADENTRY32."""

    _fields_ = (
        ("dwSize", wintypes.DWORD),
        ("cntUsage", wintypes.DWORD),
        ("th32ThreadID", wintypes.DWORD),
        ("th32OwnerProcessID", wintypes.DWORD),
        ("tpBasePri", wintypes.LONG),
        ("tpDeltaPri", wintypes.LONG),
        ("dwFlags", wintypes.DWORD),
    )


_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.CreateJobObjectW.restype = wintypes.HANDLE
_kernel.CreateJobObjectW.argtypes = [ctypes.c_void_p, wintypes.LPCWSTR]
_kernel.SetInformationJobObject.argtypes = [wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD]
_kernel.AssignProcessToJobObject.argtypes = [wintypes.HANDLE, wintypes.HANDLE]
_kernel.TerminateJobObject.argtypes = [wintypes.HANDLE, wintypes.UINT]
_kernel.CloseHandle.argtypes = [wintypes.HANDLE]
_kernel.CreateToolhelp32Snapshot.restype = wintypes.HANDLE
_kernel.CreateToolhelp32Snapshot.argtypes = [wintypes.DWORD, wintypes.DWORD]
_kernel.Thread32First.argtypes = _kernel.Thread32Next.argtypes = [wintypes.HANDLE, ctypes.POINTER(_ThreadEntry)]
_resume = ctypes.WinDLL("ntdll").NtResumeProcess
_resume.argtypes = [wintypes.HANDLE]


class _Tree(subprocess.Popen[bytes]):
    """A process and the job that holds it."""

    job: int | None = None

    def end(self) -> None:
        """Ends what is left of the tree and lets the job go."""
        if self.job is not None:
            _kernel.TerminateJobObject(self.job, 1)
            _kernel.CloseHandle(self.job)
            self.job = None


def spawn(argv: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    """See `_platform.spawn`."""
    job = _new_job()
    try:
        # Suspended until the job has it: a child that it started before would belong to no job.
        process = _Tree(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            creationflags=_CREATE_SUSPENDED | subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP,
        )
    except BaseException:
        _kernel.CloseHandle(job)
        raise
    process.job = job
    handle = int(process._handle)  # type: ignore[attr-defined]  # the only way to the handle that Popen keeps
    if not _kernel.AssignProcessToJobObject(job, handle):
        error = ctypes.WinError(ctypes.get_last_error())
        process.kill()
        kill_tree(process)
        raise error
    _resume(handle)
    return process


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """See `_platform.kill_tree`."""
    assert isinstance(process, _Tree)
    process.end()
    process.wait()
    if process.stdout:
        process.stdout.close()  # waits for a reader, who is at the end now


def read_output(process: subprocess.Popen[bytes], cancelled: Callable[[], bool]) -> bytes | None:
    """See `_platform.read_output`. A pipe of Windows can't be waited for with a limit, so a thread reads it."""
    output = process.stdout
    assert output is not None
    chunks: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError, ValueError):  # closed, after it was killed
            chunks.append(output.read())

    reader = threading.Thread(target=read, name="hotplate-output", daemon=True)
    reader.start()
    while reader.is_alive():
        if cancelled():
            return None
        reader.join(_CHECK_EVERY)
    return b"".join(chunks)


def native_threads() -> frozenset[int]:
    """See `_platform.native_threads`."""
    snapshot = _kernel.CreateToolhelp32Snapshot(_SNAP_THREADS, 0)
    entry = _ThreadEntry(dwSize=ctypes.sizeof(_ThreadEntry))
    mine, found = os.getpid(), set()
    more = _kernel.Thread32First(snapshot, ctypes.byref(entry))
    while more:
        if entry.th32OwnerProcessID == mine:
            found.add(int(entry.th32ThreadID))
        more = _kernel.Thread32Next(snapshot, ctypes.byref(entry))
    _kernel.CloseHandle(snapshot)
    return frozenset(found)


def _new_job() -> int:
    job = _kernel.CreateJobObjectW(None, None)
    limits = _ExtendedLimits(LimitFlags=_KILL_ON_JOB_CLOSE)
    if not job or not _kernel.SetInformationJobObject(
        job, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
    ):
        raise ctypes.WinError(ctypes.get_last_error())
    return int(job)
