"""The native core, and its status vocabulary."""

from __future__ import annotations

import itertools
from enum import IntEnum
from typing import Any

try:
    from hotplate import _native
except ImportError as error:  # a checkout that was never built, or a wheel of another platform
    message = f"hotplate's native core can't be loaded ({error}); build it with `pip install .` in a checkout"
    raise ImportError(message) from error

ffi: Any = _native.ffi
lib: Any = _native.lib

CORE_VERSION: int = lib.hp_abi_version()
"""The version of the binary interface that the core speaks; cells built for another are refused."""


def _rows() -> dict[str, int]:
    rows: dict[str, int] = {}
    for value in itertools.count():
        name = lib.hp_status_name(value)
        if name == ffi.NULL:
            return rows
        rows[ffi.string(name).decode()] = value
    raise AssertionError


def _make_status() -> Any:
    # Its members are known only to the core, so type checkers must not look for them here.
    return IntEnum("Status", _rows())


Status: Any = _make_status()
"""How a call ended: OK, FAILED, CANCELLED, ... as HP_STATUS_MAP in hotplate.h lists them."""


def meaning(status: int) -> str:
    """What a status says, in the words of HP_STATUS_MAP."""
    return str(ffi.string(lib.hp_status_message(status)).decode())
