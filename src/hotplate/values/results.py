"""What a cell gives back: arrays whose memory hotplate owns, and named tuples of several results."""

from __future__ import annotations

import keyword
from collections import namedtuple
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.abi import DType, ffi, lib
from hotplate.values.dtypes import numpy_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hotplate.abi import PortDescriptor


def result_type(cell: str, outputs: Sequence[str]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """The named tuple of a cell with several results, as a function of the values.

    A field named like a Python keyword gets an underscore behind it (`in_`), as PEP 8 advises; one that is no name for
    an attribute (`out_1`, `out__x`) is called like its parameter.
    """
    attributes: dict[str, str] = {}
    for name in outputs:
        attribute = _attribute(name)
        while attribute in attributes.values():
            attribute += "_"
        attributes[name] = attribute
    fields: Any = list(attributes.values())
    kind: Any = type(cell, (namedtuple(_attribute(cell), fields),), {"__slots__": (), "_outputs": attributes})
    make: Callable[[Sequence[Any]], tuple[Any, ...]] = kind._make
    return make


def field_value(value: Any, field: str) -> Any:
    """The result called `field` in a named tuple of several. Raises AttributeError when there is none."""
    attribute = getattr(type(value), "_outputs", {}).get(field, field)
    if attribute in getattr(type(value), "_fields", ()):
        return getattr(value, attribute)
    message = f"{type(value).__name__} has no result {field}"
    raise AttributeError(message)


def result_fields(value: Any) -> dict[str, Any]:
    """The results in a named tuple of several, by name; nothing for any other value."""
    if not isinstance(value, tuple):
        return {}
    names = getattr(type(value), "_fields", ())
    outputs = getattr(type(value), "_outputs", None) or {name: name for name in names}
    return {name: getattr(value, attribute) for name, attribute in outputs.items()}


def _attribute(name: str) -> str:
    if keyword.iskeyword(name):
        return f"{name}_"
    return name if name.isidentifier() and not name.startswith("_") else f"out_{name}"


def adopt_array(port: PortDescriptor, owner: Any, code: int, bits: int, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """A read-only ndarray over memory that a cell allocated through the host; freed with the last view of it.

    `owner` is a pointer to it that frees it. The deleter belongs to the core, so the array outlives the cell's library.
    """
    size = bits // 8
    count = 1
    for extent in shape:
        count *= extent
    lanes = size if code == lib.HP_RECORD else 1
    dtype = numpy_dtype(DType(code, bits // lanes, lanes), port.record)
    if port.record is not None and dtype.itemsize != size:
        message = f"{port.name}: HP_ARRAY was given a type of {size} bytes, {port.record.name} has {dtype.itemsize}"
        raise TypeError(message)
    array = np.frombuffer(ffi.buffer(owner, size * count), dtype) if count else np.empty(0, dtype)
    array = array.reshape(shape)
    array.flags.writeable = False
    return array
