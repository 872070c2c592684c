"""The handshake: a library is looked at before anything of it is used."""

from __future__ import annotations

from typing import Any

from hotplate.abi.core import CORE_VERSION, ffi
from hotplate.errors import HandshakeError


def handshake(cell: Any, library: str, unit_key: str | None = None) -> None:
    """Refuses a descriptor that this core can't serve, or that is not the one asked for.

    `cell` is what the library exports as `hotplate_cell` (NULL: nothing); `unit_key` is what its builder recorded.
    Raises HandshakeError with what was wanted, what was offered and the way out.
    """
    rebuild = "remove it from the cache (`hotplate cache clear`) and build the cell again"
    if cell == ffi.NULL:
        raise HandshakeError(library, wanted="a hotplate cell", offered="a library without one", remedy=rebuild)
    # The version comes second in the descriptor of every version, so it is safe to read before anything else is.
    if cell.abi_version != CORE_VERSION:
        raise HandshakeError(
            library, wanted=f"interface version {CORE_VERSION}", offered=f"version {cell.abi_version}", remedy=rebuild
        )
    size = ffi.sizeof("hp_cell")
    if cell.struct_size < size:
        raise HandshakeError(
            library, wanted=f"a descriptor of {size} bytes", offered=f"{cell.struct_size} bytes", remedy=rebuild
        )
    offered = ffi.string(cell.unit_key).decode()
    if unit_key is not None and offered != unit_key:
        raise HandshakeError(library, wanted=f"the build of {unit_key}", offered=f"that of {offered}", remedy=rebuild)
