"""Shared memory for the arrays of isolated cells."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from hotplate import _platform
from hotplate.abi import ffi, lib
from hotplate.errors import SettingError

VARIABLE = "HOTPLATE_SHARED_MEMORY"
"""The environment variable that limits shared memory: a number of bytes, with K, M or G behind it."""
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_idle: list[Arena] = []
"""Arenas without a worker. The next worker gets the one that was used last: its memory is warm."""


@dataclass(frozen=True, slots=True)
class SharedMemory:
    """How much shared memory there is, in bytes."""

    limit: int
    used: int
    """By arrays that somebody has."""
    free: int
    """Kept warm, to be used again."""
    arenas: int


class NoSharedMemory(Exception):
    """There is not as much as is asked for."""


class Arena:
    """Where one worker at a time may write. Arrays in it outlive the worker."""

    def __init__(self) -> None:
        """Takes address space alone. Raises OSError when there is none, SettingError for a senseless limit."""
        _set_limit()
        code = ffi.new("int32_t *")
        arena = lib.hp_arena_new(code)
        if arena == ffi.NULL:
            raise OSError(code[0], f"no shared memory for a worker: {os.strerror(code[0])}")
        self.handle: Any = ffi.gc(arena, lib.hp_arena_release)

    @classmethod
    def take(cls) -> Arena:
        """One that no worker has."""
        try:
            return _idle.pop()
        except IndexError:
            return cls()

    def give_back(self) -> None:
        """For the next worker. The one that had it must be dead."""
        _idle.append(self)


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """An array for a result of the worker that this thread has entered, as np.empty. Raises NoSharedMemory."""
    size = math.prod(shape) * dtype.itemsize
    if size == 0:
        return np.empty(shape, dtype)
    return _array(lib.hp_remote_arena(lib.hp_remote_entered()), size, shape, dtype)


def array_in(arena: Arena, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """An array with elements in an arena, as np.empty. Raises NoSharedMemory."""
    return _array(arena.handle, math.prod(shape) * dtype.itemsize, shape, dtype)


def usage() -> SharedMemory:
    """What is used now. Raises SettingError for a limit that makes no sense."""
    _set_limit()
    numbers = ffi.new("uint64_t[3]")
    count = ffi.new("int32_t *")
    lib.hp_arenas_usage(numbers, numbers + 1, numbers + 2, count)
    return SharedMemory(numbers[0], numbers[1], numbers[2], count[0])


def trim() -> None:
    """Gives free memory back to the system."""
    lib.hp_arenas_trim()


def _forget_parents() -> None:
    """After a fork: what there is belongs to the parent, who goes on writing to it."""
    _idle.clear()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget_parents)


def _array(arena: Any, size: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    block = lib.hp_arena_block(arena, size)
    if block == ffi.NULL:
        raise NoSharedMemory(f"{size:,} bytes of shared memory are not left; let go of results, or raise {VARIABLE}")
    owner = ffi.buffer(ffi.gc(block, lib.hp_block_free, size), size)
    return np.frombuffer(owner, dtype).reshape(shape)


def _set_limit() -> None:
    lib.hp_arenas_limit(limit(os.environ.get(VARIABLE, "")))


def limit(setting: str) -> int:
    """What a setting allows, in bytes; "": half of the machine's memory. Raises SettingError."""
    if not setting:
        return _platform.memory_size() // 2
    number, unit = setting.rstrip("KMGkmg"), setting[len(setting.rstrip("KMGkmg")) :].upper()
    if not number.isdecimal() or unit not in _UNITS or int(number) == 0:
        raise SettingError(f"{VARIABLE} is {setting!r}; give it a number of bytes, such as 500M or 8G")
    return int(number) * _UNITS[unit]
