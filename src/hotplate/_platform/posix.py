"""Linux and macOS."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import xxhash

assert sys.platform != "win32"

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping, Sequence

T = TypeVar("T")

_CHECK_EVERY = 20  # milliseconds between two looks at `cancelled` while a program is silent
_LOCK_POLL = 0.01  # seconds; a blocking flock could not be given up


def library_suffix() -> str:
    """The file name suffix of a shared library, with its dot."""
    return ".dylib" if sys.platform == "darwin" else ".so"


def program_suffix() -> str:
    """The file name suffix of a program, with its dot; "" where programs have none."""
    return ""


def patiently(operation: Callable[[], T], path: Path) -> T:  # noqa: ARG001 - Windows' message names the path
    """What a file operation returns. Here no other program can be in its way, so it is done once."""
    return operation()


def replace_file(temporary: Path, final: Path) -> None:
    """Moves a finished file to its place, over whatever is there. Readers see the old file or the new one."""
    os.replace(temporary, final)  # noqa: PTH105 - Path.replace would return a Path that nobody wants


def publish_directory(temporary: Path, final: Path) -> bool:
    """Moves a finished directory to its place at once. False: something is there already, and nothing was moved."""
    try:
        temporary.rename(final)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            return False
        raise
    return True


def fsync_file(path: Path) -> None:
    """Waits until a file's content is on the disk."""
    _fsync(path, os.O_RDONLY)


def fsync_directory(path: Path) -> None:
    """Waits until a directory's entries are on the disk."""
    _fsync(path, os.O_RDONLY | os.O_DIRECTORY)


def _fsync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(path: Path) -> None:
    """Removes a file, or a directory with all that is in it. What is not there is fine."""
    try:
        entries = list(os.scandir(path))
    except NotADirectoryError:
        path.unlink(missing_ok=True)
        return
    except FileNotFoundError:
        return
    for entry in entries:
        child = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            remove_tree(child)
        else:
            child.unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.rmdir()


def retire_file(path: Path) -> bool:
    """Frees a file's name, at once. True: here that always works, and who has the file loaded keeps it."""
    path.unlink(missing_ok=True)
    return True


def retire_tree(folder: Path, aside: Path) -> None:
    """Removes a directory so that it disappears at once for everyone who looks for it.

    `aside` is an unused name on the same disk.
    """
    folder.rename(aside)
    remove_tree(aside)


def sweep_stale(folder: Path) -> int:  # noqa: ARG001 - see windows.py
    """Deletes what `retire_file` could only rename: here there is no such thing. Returns how many."""
    return 0


def spawn(
    argv: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a program as the leader of a process group of its own, so that `kill_tree` reaches its children too.

    Its standard input is empty; what it prints on stdout and stderr comes through one pipe, `process.stdout`.
    """
    import subprocess  # 6 ms to import, and a run whose cells are all built starts no program

    # Neither preexec_fn nor a user change: CPython then uses vfork, which costs the same at any size of this process.
    return subprocess.Popen(
        argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    )


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kills a process from `spawn` and its children at once, and waits until they are gone.

    Call it in the thread that waits for the process: once reaped, its number may belong to someone else.
    """
    killed = process.returncode is None
    if killed:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()
    if killed:
        _outlast_group(process.pid)


def _outlast_group(group: int) -> None:
    """Waits until no process of a group is left: one that has just been killed may still finish a write.

    Children of a killed process are init's to reap. Where there is none their entries stay, so this gives up after 1 s.
    """
    for _ in range(1000):
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.001)


def read_output(process: subprocess.Popen[bytes], cancelled: Callable[[], bool]) -> bytes | None:
    """All that a process from `spawn` prints until its end. None: `cancelled()` came true; kill it then."""
    import select

    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    chunks: list[bytes] = []
    while not cancelled():
        if not poll.poll(_CHECK_EVERY):
            continue
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
    return None


def native_threads() -> frozenset[int]:
    """The numbers of all threads of this process, as `threading.Thread.native_id` has them; none where nobody knows."""
    try:
        return frozenset(map(int, os.listdir("/proc/self/task")))  # noqa: PTH208 - 4 µs against 40
    except OSError:
        return frozenset()


@contextlib.contextmanager
def lock(path: Path, give_up: Callable[[], bool] | None = None) -> Iterator[bool]:
    """Holds a lock that other processes and threads respect. The system frees it when its holder dies, however it dies.

    Yields False without holding it once `give_up()` is true while another holds it. The file stays; its content
    means nothing. A holder that takes it again waits for itself.
    """
    # flock itself, not filelock's wrapper of it: that import alone takes 45 ms, as long as compiling a small cell.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        yield _acquire(descriptor, give_up)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, give_up: Callable[[], bool] | None) -> bool:
    if give_up is None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return True
    while not _try_flock(descriptor):
        if give_up():
            return False
        time.sleep(_LOCK_POLL)
    return True


def _try_flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def hold_directory(path: Path) -> Iterator[bool]:
    """Marks a directory as in use for as long as the block runs and its process lives. False: another one holds it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield _try_flock(descriptor)
    finally:
        os.close(descriptor)


@functools.cache
def cpu_identity() -> str:
    """A name for what `-march=native` means on this machine: equal on two machines only if their processors are."""
    try:
        facts = _first_processor(Path("/proc/cpuinfo"))
    except OSError:
        facts = ""
    # Without /proc the machine's name stands in, so that a cache on a shared disk never mixes two machines.
    return xxhash.xxh3_64_hexdigest(f"{facts or os.uname().nodename}\n{os.uname().machine}".encode())


def _first_processor(cpuinfo: Path) -> str:
    names = ("vendor_id", "cpu family", "model", "model name", "flags", "Features", "CPU ", "isa", "cpu", "features")
    facts = []
    with cpuinfo.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if not line.strip():
                break
            if line.startswith(names) and not line.startswith(("cpu MHz", "cpu cores", "cpuid")):
                facts.append(" ".join(line.split()))
    return "\n".join(facts)


def memory_size() -> int:
    """The machine's memory, in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def vector_level() -> str:
    """The widest vector instructions, for compilers without -march=native: here there are none such, so ""."""
    return ""


def flush_c_streams() -> None:
    """Writes out what the printf of native code has buffered."""
    import ctypes

    ctypes.CDLL(None).fflush(None)


def unread_bytes(descriptor: int) -> int:
    """The bytes that nobody has read yet from the pipe that a descriptor is an end of; 0 when it is none."""
    import stat
    import termios

    try:
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return 0
        return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)
    except OSError:
        return 0


def divert_stdout() -> Callable[[], None]:
    """Sends what Python and native code write to stdout to stderr. Returns the function that undoes it."""
    kept = os.dup(1)
    os.dup2(2, 1)

    def restore() -> None:
        os.dup2(kept, 1)
        os.close(kept)

    return restore
