"""What a worker died of, in plain words. Pure, but for the question whether memory ran out."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate._platform import signal_name
from hotplate.execute.workers.crash.record import Access

if TYPE_CHECKING:
    from hotplate.execute.workers.crash.record import CrashRecord

_SENT = 0  # si_code up to here: somebody sent the signal
_ACCESS_ERROR, _KERNEL = 2, 128  # si_code of SIGSEGV: the page forbids it; not the fault of a page
_UNALIGNED = 1  # si_code of SIGBUS
_NULL = 0x10000  # Linux maps nothing below (vm.mmap_min_addr), nor does Windows
_EXCEPTIONS = -0x10000000  # exit codes up to here are numbers of Windows' exceptions, as signed ones
_PAGE = 4096
_TRAPS = (b"\x0f\x0b", b"\x20\x00\x20\xd4")  # ud2; brk #1
_ACCESS = {
    Access.UNKNOWN: "access to address",
    Access.READ: "read at address",
    Access.WRITE: "write at address",
    Access.EXECUTE: "call of address",
}
_ARITHMETIC = {
    1: "integer division by zero, or of the smallest integer by -1",
    2: "integer overflow",
    3: "floating-point division by zero",
    4: "floating-point overflow",
    5: "floating-point underflow",
    6: "inexact floating-point result",
    7: "invalid floating-point operation",
    8: "index out of range",
}
_ACCESS_VIOLATION, _FAST_FAIL, _CONTROL_C = 0xC0000005, 0xC0000409, 0xC000013A
_WINDOWS = {
    0x80000003: ("a breakpoint or a trap in the code", "breakpoint"),
    0xC0000005: ("bad memory access", "access violation"),
    0xC0000006: ("a mapped file, or memory that was swapped out, can't be read any more", "page error"),
    0xC0000017: ("there is no memory left", "no memory"),
    0xC000001D: ("illegal instruction, or a trap that the compiler put where it can't go on", "illegal instruction"),
    0xC0000094: (_ARITHMETIC[1], "integer division by zero"),
    0xC0000095: (_ARITHMETIC[1], "integer overflow"),
    0xC0000096: ("an instruction that only the system may use", "privileged instruction"),
    0xC00000FD: ("the recursion is too deep, or the local variables do not fit (hp_alloc)", "stack overflow"),
    0xC0000374: ("the heap is damaged: something wrote past the end of a block, or freed it twice", "heap corruption"),
    0xC0000409: ("abort() was called, or the C library found the stack or an argument damaged", "fast fail"),
    0xE06D7363: ("a C++ exception that nothing catches", "C++ exception"),
}
_LIMITS = {
    "SIGXCPU": "it used more CPU time than it may",
    "SIGXFSZ": "it wrote a larger file than it may",
    "SIGPIPE": "it wrote into a pipe or socket that nobody reads any more",
    "SIGALRM": "a timer that the cell set ran out, and nothing handles it",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a process is gone."""

    verb: str
    """What happened to the cell: `crashed`, `was killed`, `ended the process`."""
    words: str
    signal: str = ""
    """`SIGSEGV` and so on; "" when the process left by itself."""


def cause_of(returncode: int, record: CrashRecord | None, *, out_of_memory: bool = False, code: bytes = b"") -> Cause:
    """The cause of a death. `returncode` is negative for a signal, as subprocess has it, and for an error of Windows.

    `code` are the instructions at the place of the crash, where they are known.
    """
    if returncode >= 0:
        return Cause("ended the process", f"exit({returncode})")
    if returncode <= _EXCEPTIONS:
        return _exception(returncode & 0xFFFFFFFF, record)
    return _signal(returncode, record, out_of_memory=out_of_memory, code=code)


def is_stack_overflow(record: CrashRecord) -> bool:
    """Whether the fault is that of a stack without room: at the stack pointer, or beyond the stack that it has left."""
    if record.signal != signal.SIGSEGV or record.code <= _SENT or not record.sp:
        return False
    if record.stack_low and record.address >= record.stack_high:
        return False
    is_near = -16 * _PAGE <= record.address - record.sp < _PAGE
    has_left = record.stack_low > 0 and record.sp < record.stack_low + _PAGE
    return is_near or (has_left and record.address < record.stack_low + _PAGE)


def oom_kills(cgroups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """How many processes of this cgroup the kernel has ended because memory ran out; 0 where it does not count.

    Of the whole machine where cgroups are of the old kind. Compare it before and after: workers are in the cgroup of
    who starts them.
    """
    try:
        group = next(line[3:] for line in own.read_text().splitlines() if line.startswith("0::"))
        return _counted(cgroups / group.strip("/") / "memory.events")
    except (OSError, ValueError, StopIteration):
        pass
    try:
        return _counted(Path("/proc/vmstat"))
    except (OSError, ValueError, StopIteration):
        return 0


class OutOfMemory:
    """Whether the kernel has ended a process for memory since this was last asked. Takes 0.1 ms."""

    def __init__(self) -> None:
        self._seen = oom_kills()

    def again(self) -> bool:
        """It has."""
        before, self._seen = self._seen, oom_kills()
        return self._seen > before


def _signal(returncode: int, record: CrashRecord | None, *, out_of_memory: bool, code: bytes) -> Cause:
    number = -returncode
    name = signal_name(number) or f"signal {number}"
    if record is not None:
        words = _sent(record) if record.code <= _SENT else _FAULTS.get(name, _other)(record, code)
        return Cause("crashed", words, name)
    if name == "SIGKILL" and out_of_memory:
        return Cause(
            "was killed", "by the system, most likely: it has just ended a process because memory ran out", name
        )
    if name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"):
        return Cause(
            "was killed", "by the cell itself, or by someone outside of hotplate; who, the system does not say", name
        )
    if name in _LIMITS:
        return Cause("was killed", _LIMITS[name], name)
    return Cause("crashed", _UNRECORDED.get(name, signal.strsignal(number) or "for a reason that is not known"), name)


def _exception(number: int, record: CrashRecord | None) -> Cause:
    """What Windows ended a process for. It does not say who ended it from outside."""
    if number == _ACCESS_VIOLATION and record is not None:
        return Cause("crashed", _memory_fault(record, b""), "access violation")
    if number == _FAST_FAIL and record is not None:  # the worker's own handler of abort() wrote it
        return Cause("crashed", "abort() was called", "abort")
    if number == _CONTROL_C:
        return Cause("was killed", "by Ctrl-C", "Ctrl-C")
    words, name = _WINDOWS.get(number, ("for a reason that is not known", ""))
    return Cause("crashed", words, f"{name}, {number:#010x}" if name else f"{number:#010x}")


def _counted(file: Path) -> int:
    return next(int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith("oom_kill "))


def _sent(record: CrashRecord) -> str:
    if record.signal == signal.SIGABRT:
        return "abort() was called"
    return f"the signal was sent by process {record.sender}, with raise() or kill()"


def _memory_fault(record: CrashRecord, _: bytes) -> str:
    if is_stack_overflow(record):
        return "stack overflow"
    if record.code == _KERNEL:
        return "access through a pointer that can't be one, or to data not aligned as the instruction needs it"
    return f"{_ACCESS[record.access]} {record.address:#x}: {_meaning(record)}"


def _meaning(record: CrashRecord) -> str:
    """What an address where nothing may be done says about the pointer."""
    is_null = record.address == 0
    if record.access is Access.EXECUTE:
        return "a function pointer that is null" if is_null else "there is no code"
    if record.address < _NULL:
        return "a null pointer" if is_null else "an element or a field of a null pointer"
    if record.stack_high and 0 <= record.address - record.stack_high < _PAGE:
        return "past the end of the stack, from an array among the local variables"
    if record.code != _ACCESS_ERROR:
        return "there is no memory; an index is out of range, or a pointer is stale"
    is_write = record.access is Access.WRITE
    return "it may only be read: an input, a constant, text in quotes" if is_write else "it may not be used"


def _bus_error(record: CrashRecord, _: bytes) -> str:
    if record.code == _UNALIGNED:
        return f"access to address {record.address:#x}: not aligned as the instruction needs it"
    return f"access to address {record.address:#x}: the mapped file ends before it, or there is no memory left for it"


def _arithmetic(record: CrashRecord, _: bytes) -> str:
    return _ARITHMETIC.get(record.code, "arithmetic error")


def _illegal(_: CrashRecord, code: bytes) -> str:
    if code.startswith(_TRAPS):
        return (
            "a trap that the compiler put where the program can't go on: a null pointer, a missing return, "
            "__builtin_trap or __builtin_unreachable"
        )
    return "illegal instruction: built for another processor, or a jump into the middle of something?"


def _refused(record: CrashRecord, _: bytes) -> str:
    return f"system call {record.system_call} is not allowed here: the sandbox refused it"


def _trapped(_: CrashRecord, __: bytes) -> str:
    return "a breakpoint or a trap in the code: __builtin_debugtrap, __builtin_trap or an int3 instruction"


def _other(record: CrashRecord, _: bytes) -> str:
    return signal.strsignal(record.signal) or "a fatal signal"


_FAULTS = {
    "SIGSEGV": _memory_fault,
    "SIGBUS": _bus_error,
    "SIGFPE": _arithmetic,
    "SIGILL": _illegal,
    "SIGSYS": _refused,
    "SIGTRAP": _trapped,
}
_UNRECORDED = {
    "SIGSEGV": "bad memory access. Where is not known: a thread's stack has overflowed, or the cell handles the signal",
    "SIGABRT": "abort() was called; where is not known, for the cell handles the signal",
}
