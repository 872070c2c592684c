"""The memory of a cell that survives calls and reloads (hp_state)."""

from __future__ import annotations

from typing import Any

from hotplate.abi import ffi, lib


def new_state() -> Any:
    """An empty hp_state block, freed with the last reference to it."""
    block = lib.hp_state_new()
    if block == ffi.NULL:
        raise MemoryError
    return ffi.gc(block, lib.hp_state_free)
