"""Results of cells of this process that isolated cells take: copied to shared memory once, however many take them."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.abi import ffi, lib
from hotplate.execute.workers.arena import Arena, NoSharedMemory, array_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SMALL = 1 << 16
"""Bytes up to which a call's own copy costs less than to remember one."""


class Finals:
    """Copies of arrays that nobody writes to any more, each kept as long as its original. Thread-safe."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._copies: dict[int, tuple[weakref.ref[Any], np.ndarray[Any, Any]]] = {}
        """By the identity of the original, which is another one's once it is gone."""
        self._arena: Arena | None = None
        self._process = os.getpid()
        self._lock = threading.RLock()

    def shared(self, arguments: Mapping[str, Any], results: Collection[str]) -> dict[str, Any]:
        """The arguments of a call, those among `results` in shared memory if that is worth it and there is room."""
        return {name: self._shared(value) if name in results else value for name, value in arguments.items()}

    def _shared(self, value: Any) -> Any:
        if type(value) is not np.ndarray or value.nbytes <= SMALL or not _is_final(value) or _is_shared(value):
            return value
        if self._process != os.getpid():  # forked: the copies are the parent's
            self._begin()
        with self._lock:
            kept = self._copies.get(id(value))
            if kept is None or kept[0]() is not value:
                try:
                    kept = self._copies[id(value)] = weakref.ref(value, self._forget), self._copy(value)
                except NoSharedMemory:
                    return value  # the call says that the limit is reached, if it needs more than there is
            return kept[1]

    def _copy(self, value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if self._arena is None:
            self._arena = Arena()  # never a worker's: none of them can write there
        copy = array_in(self._arena, value.shape, value.dtype)
        np.copyto(copy, value)
        copy.flags.writeable = False
        return copy

    def _forget(self, original: weakref.ref[Any]) -> None:
        with self._lock:
            for identity in [i for i, kept in self._copies.items() if kept[0] is original]:
                del self._copies[identity]


def _is_final(array: np.ndarray[Any, Any]) -> bool:
    """Whether nobody can write to its memory: not through it, nor through what it is a view of."""
    base: Any = array
    while isinstance(base, np.ndarray):
        if base.flags.writeable:
            return False
        base = base.base
    return base is None or isinstance(base, ffi.buffer)


def _is_shared(array: np.ndarray[Any, Any]) -> bool:
    return bool(lib.hp_arena_find(ffi.cast("void *", array.ctypes.data), ffi.new("uint64_t *")) != ffi.NULL)
