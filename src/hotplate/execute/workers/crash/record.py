"""The crash record of csrc/worker/crash.h: what a worker's signal handler left in shared memory."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

_EMPTY, _COMPLETE = 0, 2
MOST_FRAMES = 32
"""How many calls a record has room for."""
_MODULES, _OTHERS, _NAME = 64, 6, 80
_HEAD = struct.Struct("<IiiiQQQQQiiii")
_BODY = struct.Struct(f"<{MOST_FRAMES}Q")
_PLACE = struct.Struct("<QQ")
_OTHER = struct.Struct(f"<QQ{_NAME}s")
RECORD_SIZE = _HEAD.size + _BODY.size + _MODULES * _PLACE.size + _OTHERS * _OTHER.size
"""Bytes of an `hp_crash`."""


class Access(IntEnum):
    """What was tried at the faulting address."""

    UNKNOWN = 0
    READ = 1
    WRITE = 2
    EXECUTE = 3


@dataclass(frozen=True, slots=True)
class Module:
    """Where a library lay in the worker's memory."""

    base: int
    size: int
    slot: int = -1
    """The number that the controller gave it; -1 for a library that it did not open."""
    name: str = ""
    """The end of its path, when there is no slot; "" for the worker's own program."""

    def __contains__(self, address: int) -> bool:
        return self.base <= address < self.base + self.size


@dataclass(frozen=True, slots=True)
class CrashRecord:
    """What the handler saw. Addresses are the worker's."""

    signal: int
    code: int
    """The kernel's si_code."""
    access: Access
    address: int
    pc: int
    sp: int
    stack_low: int
    stack_high: int
    """The stack of the thread that calls the cells; 0 when the crash was in another thread."""
    main_thread: bool
    sender: int
    """The process that sent the signal; 0: it is a fault."""
    system_call: int
    frames: tuple[int, ...]
    """Where it happened, then the return addresses."""
    modules: tuple[Module, ...]
    complete: bool
    """False when the handler was cut short after the basics, so that calls are missing."""


def read_record(content: bytes | bytearray | memoryview, signal: int) -> CrashRecord | None:
    """The record of a process that died of `signal`; None: there is none, or a cell has written over it."""
    if len(content) < RECORD_SIZE:
        return None
    filled, number, code, access, *places = _HEAD.unpack_from(content)
    address, pc, sp, low, high, main_thread, sender, system_call, count = places
    if not _EMPTY < filled <= _COMPLETE or number != signal or not 0 <= count <= MOST_FRAMES:
        return None
    return CrashRecord(
        signal=number,
        code=code,
        access=Access(access) if access in list(Access) else Access.UNKNOWN,
        address=address,
        pc=pc,
        sp=sp,
        stack_low=low,
        stack_high=high,
        main_thread=main_thread == 1,
        sender=sender,
        system_call=system_call,
        frames=_BODY.unpack_from(content, _HEAD.size)[:count],
        modules=tuple(module for module in _modules(bytes(content)) if module.size),
        complete=filled == _COMPLETE,
    )


def _modules(content: bytes) -> list[Module]:
    at = _HEAD.size + _BODY.size
    others = at + _MODULES * _PLACE.size
    noted = [Module(base, size, slot) for slot, (base, size) in enumerate(_PLACE.iter_unpack(content[at:others]))]
    for base, size, name in _OTHER.iter_unpack(content[others:RECORD_SIZE]):
        noted.append(Module(base, size, name=name.split(b"\0")[0].decode("utf-8", "replace")))
    return noted
