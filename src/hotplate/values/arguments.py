"""Arguments that are no ndarray, number or text of Python's own, turned into one without changing their values."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.abi import PortForm, lib
from hotplate.errors import InputError
from hotplate.values.dtypes import describe_type, numpy_dtype

if TYPE_CHECKING:
    from hotplate.abi import PortDescriptor


def convert_argument(cell: str, port: PortDescriptor, value: Any) -> Any:
    """The value as an object that the core binds directly.

    Arrays: an ndarray over the same memory, from `__dlpack__`, `__array_interface__` or the buffer protocol; nothing
    is copied or cast. Scalars: from NumPy's scalars and rank-0 arrays, integers from anything with `__index__`.
    Raises InputError for everything else.
    """
    if port.form in (PortForm.ARRAY, PortForm.STRIDED):
        return _array(cell, port, value)
    if port.form is PortForm.TEXT:
        return _text(cell, port, value)
    return _record(cell, port, value) if port.dtype.code == lib.HP_RECORD else _number(cell, port, value)


def _mismatch(cell: str, port: PortDescriptor, value: Any, way_out: str) -> InputError:
    got = f"{type(value).__name__} {value!r:.60}" if np.isscalar(value) or value is None else type(value).__name__
    return InputError(f"{cell}: {port.name} wants {describe_type(port)}, got {got}; {way_out}")


def _array(cell: str, port: PortDescriptor, value: Any) -> np.ndarray[Any, Any]:
    dtype = numpy_dtype(port.dtype, port.record)
    if isinstance(value, (list, tuple, int, float, complex, str, np.generic)) or value is None:
        raise _mismatch(cell, port, value, f"convert it with np.asarray({port.name}, dtype={_spelled(dtype)})")
    if isinstance(value, np.ndarray):  # a subclass: the same memory without its behaviour
        if isinstance(value, np.ma.MaskedArray):
            raise _mismatch(cell, port, value, "a mask can't cross: pass `.filled(...)`")
        return value.view(np.ndarray)
    try:
        return _exchange(value)
    except Exception as error:
        problem = _mismatch(cell, port, value, "pass a NumPy array or an object with __dlpack__ or the buffer protocol")
        raise problem from error


def _exchange(value: Any) -> np.ndarray[Any, Any]:
    if hasattr(value, "__dlpack__"):
        # copy=False: an exporter that can't share its memory raises instead of handing out a copy.
        return np.from_dlpack(value, copy=False)
    if hasattr(value, "__array_interface__") or hasattr(value, "__array_struct__"):
        return np.asarray(value, copy=False)
    return np.asarray(memoryview(value))


def _spelled(dtype: np.dtype[Any]) -> str:
    return "LoadedCell.dtype(...)" if dtype.names else f"np.{dtype.name}"


def _text(cell: str, port: PortDescriptor, value: Any) -> str:
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value.item()
    if isinstance(value, str):
        return str(value)
    raise _mismatch(cell, port, value, "pass a str (decode bytes first)")


def _record(cell: str, port: PortDescriptor, value: Any) -> np.ndarray[Any, Any]:
    dtype = numpy_dtype(port.dtype, port.record)
    try:
        if isinstance(value, (np.void, np.ndarray)) and value.dtype == dtype and value.shape == ():
            return np.asarray(value)
        if isinstance(value, Mapping) and set(value) == set(dtype.names or ()):
            return np.array(tuple(value[name] for name in dtype.names or ()), dtype)
        if isinstance(value, tuple) and len(value) == len(dtype.names or ()):
            return np.array(tuple(value), dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise _mismatch(cell, port, value, f"its fields don't fit: {error}") from error
    names = ", ".join(dtype.names or ())
    raise _mismatch(cell, port, value, f"pass a mapping or a tuple with the fields {names}")


def _number(cell: str, port: PortDescriptor, value: Any) -> Any:
    wanted = numpy_dtype(port.dtype)
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value[()]
    try:
        if wanted.kind == "b" and isinstance(value, (bool, np.bool_)):
            return bool(value)
        if wanted.kind in "iu" and not isinstance(value, (bool, np.bool_)):
            return operator.index(value)
        if wanted.kind == "f" and isinstance(value, (np.floating, np.integer)):
            return float(value)
        if wanted.kind == "c" and isinstance(value, np.number):
            return complex(value)
    except TypeError:
        pass
    raise _mismatch(cell, port, value, f"convert it first, with {_CONVERTERS[wanted.kind]}({port.name}) for instance")


_CONVERTERS = {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex"}
