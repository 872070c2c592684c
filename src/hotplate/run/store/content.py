"""Content: what an artifact holds, by the name that its bytes have."""

from __future__ import annotations

import functools
import json
import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from hotplate.values import digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PIECE = 16 << 20  # bytes between two signs of life while much is written
_MAPPED = 16 << 20
"""Bytes from which a file is mapped instead of read: 0.2 s for 1 GiB, not 2.8. Not on Windows, where nobody can remove
a file that somebody has mapped. Smaller ones are read, as the system has few mappings (65,530 on Linux)."""
_LONGEST_HEADER = 1 << 20  # letters; a struct of many fields has a long one
_MAGIC = b"\x93NUMPY\x03\x00"  # version 3 of the format: its header is UTF-8, as field names may be
_ALIGNED = 64  # as NumPy aligns what follows the header, so that a mapped file can be used in place


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """An array or bytes, with the name of the file that holds them.

    That is a hash (xxh3, 128 bits), of the array as `digest` has it or of the bytes, and `.npy` or `.bin`.
    """

    name: str
    data: np.ndarray[Any, Any] | bytes

    @classmethod
    def of(cls, data: np.ndarray[Any, Any] | bytes) -> Content:
        """Hashes the data in place."""
        return cls(_name(data), data)

    @property
    def size(self) -> int:
        """The bytes of the data; the file of an array has some more."""
        return self.data.nbytes if isinstance(self.data, np.ndarray) else len(self.data)

    def pieces(self) -> Iterator[bytes | memoryview]:
        """What the file holds: the bytes, or the array as `np.save` writes it."""
        view = memoryview(b"")
        if isinstance(self.data, bytes):
            view = memoryview(self.data)
        else:
            yield _header(self.data)
            if self.data.nbytes:
                view = memoryview(np.ascontiguousarray(self.data).reshape(-1).view(np.uint8).data)
        for at in range(0, len(view), _PIECE):
            yield view[at : at + _PIECE]


def read_content(path: Path) -> np.ndarray[Any, Any] | bytes | None:
    """What a file holds that is named like a content; None when it is missing or is not what its name says.

    Raises OSError where it can't be read, which says nothing of what it holds.
    """
    try:
        data = _read_array(path) if path.suffix == ".npy" else path.read_bytes()
        return data if _name(data) == path.name else None
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, LookupError, EOFError, MemoryError, SyntaxError):
        return None  # as NumPy's reader says of a header that is damaged


@functools.lru_cache(maxsize=256)
def dtype_text(dtype: np.dtype[Any]) -> str:
    """A dtype as JSON text. Raises ValueError for one that has no description, or is another one after it."""
    described = dtype.descr if dtype.names is not None else dtype.str
    text = json.dumps(described)
    if restore_dtype(json.loads(text)) != dtype:
        raise ValueError("its description is another dtype's")
    return text


def restore_dtype(described: Any) -> np.dtype[Any]:
    """The dtype of a JSON value. Raises ValueError or TypeError for what describes none."""
    found: np.dtype[Any] = np.lib.format.descr_to_dtype(_field_list(described))
    if found.hasobject:
        raise ValueError("a dtype with objects")
    return found


def _name(data: np.ndarray[Any, Any] | bytes) -> str:
    if isinstance(data, np.ndarray):
        return f"{digest(data)}.npy"
    return f"{xxhash.xxh3_128_hexdigest(data)}.bin"


def _header(array: np.ndarray[Any, Any]) -> bytes:
    # By hand: NumPy's writer warns of what it leaves out and of the version it takes, and loses the cause of a failure.
    described = array.dtype.descr if array.dtype.names is not None else array.dtype.str
    text = repr({"descr": described, "fortran_order": False, "shape": array.shape}).encode()
    before = len(_MAGIC) + 4 + len(text) + 1
    text += b" " * (-before % _ALIGNED) + b"\n"
    return _MAGIC + struct.pack("<I", len(text)) + text


def _read_array(path: Path) -> np.ndarray[Any, Any]:
    if sys.platform != "win32" and path.stat().st_size >= _MAPPED:
        return np.asarray(np.lib.format.open_memmap(path, mode="r", max_header_size=_LONGEST_HEADER))
    with path.open("rb") as file:
        array: np.ndarray[Any, Any] = np.lib.format.read_array(
            file, allow_pickle=False, max_header_size=_LONGEST_HEADER
        )
    array.flags.writeable = False
    return array


def _field_list(described: Any) -> Any:
    """The lists of JSON as the tuples that NumPy wants: a field is (name or (title, name), format[, shape])."""
    if isinstance(described, str):
        return described
    fields = []
    for name, form, *shape in described:
        fields.append((tuple(name) if isinstance(name, list) else name, _field_list(form), *map(tuple, shape)))
    return fields
