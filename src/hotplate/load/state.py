"""The memory of a cell that survives calls and reloads (hp_state)."""

from __future__ import annotations

from hotplate.abi import ffi, lib


class StateBlock:
    """A cell's state, empty until the cell first asks for it; freed with the last reference to it. Thread-safe."""

    def __init__(self) -> None:
        block = lib.hp_state_new()
        if block == ffi.NULL:
            raise MemoryError
        self.handle = ffi.gc(block, lib.hp_state_free)
        """The core's block, for the calls of the cell."""

    @property
    def size(self) -> int:
        """Its bytes; 0 when it is empty."""
        return int(self.handle.size)

    @property
    def version(self) -> int:
        """The version of its layout, as the cell gave it; 0 when it is empty."""
        return int(self.handle.version)

    def snapshot(self) -> StateBlock | None:
        """A copy of it as it is now. None while a call is using it: what is there is then for that call to say.

        Raises MemoryError.
        """
        copy = StateBlock()
        return copy if copy.restore(self) else None

    def restore(self, snapshot: StateBlock) -> bool:
        """Makes it what it was: bytes, size and version. False, and nothing is changed, while a call is using it.

        A snapshot may be restored any number of times. Raises MemoryError.
        """
        outcome = lib.hp_state_copy(self.handle, snapshot.handle)
        if outcome == lib.HP_STATE_NO_MEMORY:
            raise MemoryError
        return bool(outcome == lib.HP_STATE_COPIED)

    def __repr__(self) -> str:
        return f"<StateBlock of {self.size} bytes, version {self.version}>"
