"""Content digests of values: what makes two inputs the same."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import xxhash


def digest(value: Any) -> str | None:
    """A hash of a value's type and content (xxh3, 128 bits); None for an object whose content can't be told.

    Arrays are hashed in place when they are contiguous; dtype and shape count, strides don't. About 10 GB/s. One that
    maps a file (`np.memmap`) is the array that it shows. Lists, tuples and dictionaries count by their elements.
    Anything else may have state that does not show, or does something else with the same bytes (as a masked array, a
    matrix, a record of `np.recarray`), so it has none.
    """
    state = xxhash.xxh3_128()
    return state.hexdigest() if _feed(state, value) else None


def has_records(dtype: np.dtype[Any]) -> bool:
    """Whether elements are of a class of their own beyond NumPy's struct, as those of `np.recarray` are."""
    return dtype.kind == "V" and dtype.type is not np.void


def _feed(state: xxhash.xxh3_128, value: Any) -> bool:
    """Adds a value to the hash; False when its content can't be told."""
    kind = type(value)
    if kind is np.ndarray or kind is np.memmap:
        return _feed_array(state, value)
    if isinstance(value, np.generic):  # not by its repr, which leaves out the middle of a long field
        state.update(f"{kind.__qualname__} ".encode())
        return _feed_array(state, np.asarray(value))
    if kind in _PLAIN:
        # Python refuses decimal digits by the thousands (sys.set_int_max_str_digits).
        shown = hex(value) if kind is int and value.bit_length() > 64 else repr(value)
        state.update(f"{kind.__qualname__} {shown}\0".encode("utf-8", "surrogatepass"))
        return True
    if kind not in (list, tuple, dict):
        return False
    state.update(f"{kind.__qualname__} {len(value)}\0".encode())
    return all(_feed(state, part) for part in (chain.from_iterable(value.items()) if kind is dict else value))


def _feed_array(state: xxhash.xxh3_128, array: np.ndarray[Any, Any]) -> bool:
    if array.dtype.hasobject or has_records(array.dtype):
        return False
    state.update(f"ndarray {_described(array.dtype)} {array.shape}\0".encode())
    packed = np.ascontiguousarray(array)
    # A rank-0 or structured array has no plain byte format of its own.
    state.update(packed.reshape(-1).view(np.uint8).data if packed.size else b"")
    return True


def _described(dtype: np.dtype[Any]) -> object:
    try:
        return dtype.descr
    except ValueError:  # fields that overlap, or are in another order than in memory
        return dtype


_PLAIN = (bool, int, float, complex, str, bytes, type(None))
