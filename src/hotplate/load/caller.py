"""The core's type that LoadedCell derives from, so that no Python runs between whoever calls a cell and the core."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.abi import lib


def _caller_type() -> Any:
    functions = importlib.import_module("numpy._core.multiarray")._ARRAY_API
    if lib.hp_numpy_open(id(functions)) != 0:
        message = f"NumPy {np.__version__} has another binary interface than NumPy 2, which hotplate needs"
        raise ImportError(f"{message}; install one with `pip install 'numpy>=2.1,<3'`")
    box: list[Any] = [None]
    if lib.hp_caller_type(id(box)) != 0:
        raise MemoryError
    return box[0]


if TYPE_CHECKING:

    class Caller:
        """An object that calls the cell it was given by `open_calls` (csrc/python/caller.c)."""

        def __call__(self, /, *arguments: Any, **named: Any) -> Any:
            """Calls the cell. Without one it calls `_refuse`, which raises."""

else:
    Caller = _caller_type()
