"""Windows: files that others may hold, and locks. Process trees are in `windows_jobs`."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import msvcrt
import os
import stat
import sys
import time
from ctypes import wintypes
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hotplate._platform import retries

assert sys.platform == "win32"

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping, Sequence

T = TypeVar("T")

_LOCK_POLL = 0.01  # seconds; a lock of the system can only be tried or waited for without end
_STALE = ".stale"

_lock_file = ctypes.WinDLL("kernel32", use_last_error=True).LockFile
_lock_file.argtypes = [wintypes.HANDLE, *[wintypes.DWORD] * 4]


def library_suffix() -> str:
    """The file name suffix of a shared library, with its dot."""
    return ".dll"


def program_suffix() -> str:
    """The file name suffix of a program, with its dot."""
    return ".exe"


# ---- files ----


def patiently(operation: Callable[[], T], path: Path) -> T:
    """What a file operation returns, done again for about five seconds while another program is in its way.

    Then raises an OSError with the file and its probable holder.
    """
    return retries.patiently(operation, path, holder=_holder)


def replace_file(temporary: Path, final: Path) -> None:
    """Moves a finished file to its place, over whatever is there. Readers see the old file or the new one."""
    patiently(lambda: temporary.replace(final), final)


def publish_directory(temporary: Path, final: Path) -> bool:
    """Moves a finished directory to its place at once. False: something is there already, and nothing was moved."""

    def publish() -> bool:
        if final.exists():  # Windows says "access denied" to that as well, which is worth waiting for
            return False
        try:
            temporary.rename(final)
        except FileExistsError:
            return False
        return True

    return patiently(publish, temporary)


def fsync_file(path: Path) -> None:
    """Waits until a file's content is on the disk."""
    descriptor = patiently(lambda: os.open(path, os.O_RDWR | os.O_BINARY), path)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_directory(path: Path) -> None:
    """Nothing: Windows can't, and NTFS keeps a journal of what directories hold."""


def remove_tree(path: Path) -> None:
    """Removes a file, or a directory with all that is in it. What is not there is fine."""
    with contextlib.suppress(FileNotFoundError):
        if not _is_folder(path.stat(follow_symlinks=False)):
            patiently(lambda: _unlink(path), path)
            return
        for entry in list(os.scandir(path)):
            remove_tree(Path(entry.path))
        patiently(path.rmdir, path)


def retire_file(path: Path) -> bool:
    """Frees a file's name, at once and without an error: a loaded library can't be deleted, but it can be renamed.

    False: another program holds it, so it stays where it is. What was renamed is `sweep_stale`'s.
    """
    return _free_name(path, path.parent)


def retire_tree(folder: Path, aside: Path) -> None:
    """Removes a directory so that it disappears at once for everyone who looks for it.

    `aside` is an unused name on the same disk; libraries that are loaded go beside it, as `.stale` files. What another
    program holds is waited for: raises OSError after about five seconds.
    """
    try:
        folder.rename(aside)
        folder = aside
    except PermissionError:
        pass  # something in it is open or loaded
    for root, _, names in os.walk(folder, topdown=False):
        for name in names:
            file = Path(root, name)
            patiently(functools.partial(_must_free_name, file, aside.parent), file)
        with contextlib.suppress(OSError):  # somebody has just put something new into it
            Path(root).rmdir()


def sweep_stale(folder: Path) -> int:
    """Deletes the `.stale` files in a directory that nobody has loaded any more. Returns how many. Never raises."""
    gone = 0
    with contextlib.suppress(OSError):
        for path in list(folder.glob(f"*{_STALE}")):
            with contextlib.suppress(OSError):  # still loaded: Windows refuses
                _unlink(path)
                gone += 1
    return gone


def _must_free_name(path: Path, folder: Path) -> None:
    if not _free_name(path, folder):
        raise OSError(None, "in use", str(path), retries.SHARING_VIOLATION)


def _free_name(path: Path, folder: Path) -> bool:
    for free in (lambda: _unlink(path), lambda: path.rename(folder / f"{path.name}.{os.urandom(4).hex()}{_STALE}")):
        try:
            free()
        except FileNotFoundError:
            return True
        except OSError as error:
            if not retries.is_busy(error):
                raise
        else:
            return True
    return False


def _unlink(path: Path) -> None:
    try:
        path.unlink()
    except PermissionError:
        mode = path.stat(follow_symlinks=False).st_mode
        if mode & stat.S_IWRITE:
            raise
        path.chmod(mode | stat.S_IWRITE)  # Windows refuses to delete what is read-only
        path.unlink()


def _is_folder(status: os.stat_result) -> bool:
    """Whether it is a directory, and no link or junction that leads to one elsewhere."""
    return stat.S_ISDIR(status.st_mode) and not status.st_file_attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT


def _holder(path: Path) -> str:
    from hotplate._platform.windows_holders import programs_holding

    return programs_holding(path)


# ---- processes ----


def spawn(
    argv: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a program in a job of its own, so that `kill_tree`, or the end of this process, reaches its children too.

    Its standard input is empty; what it prints on stdout and stderr comes through one pipe, `process.stdout`.
    """
    from hotplate._platform import windows_jobs

    return windows_jobs.spawn(argv, cwd, env)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kills a process from `spawn` and its children at once, and waits until it is gone."""
    from hotplate._platform import windows_jobs

    windows_jobs.kill_tree(process)


def read_output(process: subprocess.Popen[bytes], cancelled: Callable[[], bool]) -> bytes | None:
    """All that a process from `spawn` prints until its end. None: `cancelled()` came true; kill it then."""
    from hotplate._platform import windows_jobs

    return windows_jobs.read_output(process, cancelled)


def native_threads() -> frozenset[int]:
    """The numbers of all threads of this process, as `threading.Thread.native_id` has them."""
    from hotplate._platform import windows_jobs

    return windows_jobs.native_threads()


# ---- locks ----


@contextlib.contextmanager
def lock(path: Path, give_up: Callable[[], bool] | None = None) -> Iterator[bool]:
    """Holds a lock that other processes and threads respect. The system frees it when its holder dies, however it dies.

    Yields False without holding it once `give_up()` is true while another holds it. The file stays; its content
    means nothing. A holder that takes it again waits for itself.
    """
    descriptor = _open_lock(path)
    try:
        yield _acquire(descriptor, give_up)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def hold_directory(path: Path) -> Iterator[bool]:
    """Marks a directory as in use for as long as the block runs and its process lives. False: another one holds it.

    Windows locks no directories, and one with an open file in it can't be renamed: so it locks a file beside it.
    """
    if not path.is_dir():
        raise FileNotFoundError(2, "there is no such directory", str(path))
    beside = path.with_name(f"{path.name}.lock")
    descriptor = _open_lock(beside)
    try:
        yield _try_lock(descriptor)
    finally:
        os.close(descriptor)
        with contextlib.suppress(OSError):  # another one has it open
            beside.unlink()


def _open_lock(path: Path) -> int:
    # Not inherited by children, so that only this process's end frees it.
    return patiently(lambda: os.open(path, os.O_RDWR | os.O_CREAT | os.O_BINARY | os.O_NOINHERIT, 0o666), path)


def _acquire(descriptor: int, give_up: Callable[[], bool] | None) -> bool:
    while not _try_lock(descriptor):
        if give_up is not None and give_up():
            return False
        time.sleep(_LOCK_POLL)
    return True


def _try_lock(descriptor: int) -> bool:
    # Not msvcrt.locking, whose error does not tell a lock that another one has from any other failure.
    if _lock_file(msvcrt.get_osfhandle(descriptor), 0, 0, 1, 0):
        return True
    if ctypes.get_last_error() == retries.LOCK_VIOLATION:
        return False
    raise ctypes.WinError(ctypes.get_last_error())
