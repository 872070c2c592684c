"""Arguments that are no ndarray, number or text of Python's own, turned into one without changing their values."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.abi import PortDescriptor, PortForm, lib
from hotplate.errors import InputError
from hotplate.values.dtypes import describe_range, describe_type, describe_value, numpy_dtype

if TYPE_CHECKING:
    from hotplate.abi import Field


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
    shown = f" {describe_value(value):.60}" if np.isscalar(value) or value is None else ""
    got = f"{type(value).__name__}{shown}"
    return InputError(f"{cell}: {port.name} wants {describe_type(port)}, got {got}; {way_out}")


def _array(cell: str, port: PortDescriptor, value: Any) -> np.ndarray[Any, Any]:
    dtype = numpy_dtype(port.dtype, port.record)
    if isinstance(value, (list, tuple, int, float, complex, str, np.generic)) or value is None:
        raise _mismatch(cell, port, value, f"convert it with np.asarray({port.name}, dtype={_spelled(dtype)})")
    if isinstance(value, np.ndarray):  # a subclass: the same memory without its behaviour
        if isinstance(value, np.ma.MaskedArray):
            raise _mismatch(cell, port, value, "a mask can't cross: pass `.filled(...)`")
        return np.ndarray.view(value, np.ndarray)
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
    if _is_record(port, value):
        return np.asarray(value)
    return np.array(_fields(cell, port, value), numpy_dtype(port.dtype, port.record))


def _is_record(port: PortDescriptor, value: Any) -> bool:
    is_numpy = isinstance(value, (np.void, np.ndarray)) and value.shape == ()
    return is_numpy and value.dtype == numpy_dtype(port.dtype, port.record)


def _fields(cell: str, port: PortDescriptor, value: Any) -> tuple[Any, ...]:
    """The fields of a struct. Each is as strict as a parameter, where NumPy would cut, parse or round."""
    fields = port.record.fields if port.record else ()
    names = [field.name for field in fields]
    if isinstance(value, Mapping) and set(value) == set(names):
        value = tuple(value[name] for name in names)
    if not isinstance(value, tuple) or len(value) != len(names):
        raise _mismatch(cell, port, value, f"pass a mapping or a tuple with the fields {', '.join(names)}")
    return tuple(
        _field(cell, _place(port, field), field.shape, item) for field, item in zip(fields, value, strict=True)
    )


def _place(port: PortDescriptor, field: Field) -> PortDescriptor:
    extents = tuple(map(str, field.shape))
    return PortDescriptor(
        f"{port.name}.{field.name}", PortForm.SCALAR, field.dtype, field.record, len(extents), extents
    )


def _field(cell: str, place: PortDescriptor, shape: tuple[int, ...], value: Any) -> Any:
    if not shape:
        if place.record is None:
            return _in_range(cell, place, _number(cell, place, value))
        return value[()] if _is_record(place, value) else _fields(cell, place, value)
    if isinstance(value, np.ndarray) and value.dtype == numpy_dtype(place.dtype, place.record) and value.shape == shape:
        return value
    if isinstance(value, (list, tuple)) and len(value) == shape[0]:
        return [_field(cell, place, shape[1:], item) for item in value]
    raise _mismatch(cell, place, value, "pass a list or an array of exactly that type and shape")


def _in_range(cell: str, place: PortDescriptor, number: Any) -> Any:
    dtype = numpy_dtype(place.dtype)
    with np.errstate(over="ignore"):
        try:
            fits = dtype.kind not in "fc" or np.isfinite(dtype.type(number)) or not np.isfinite(number)
            if dtype.kind in "iu":
                fits = np.iinfo(dtype).min <= number <= np.iinfo(dtype).max
        except OverflowError:  # an int that no double holds
            fits = False
    if fits:
        return number
    message = f"{cell}: {place.name} wants {describe_type(place)}, and {describe_value(number)} is out of its range"
    raise InputError(f"{message}, {describe_range(dtype)}")


def _number(cell: str, port: PortDescriptor, value: Any) -> Any:
    wanted = numpy_dtype(port.dtype)
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value[()]
    is_bool = isinstance(value, (bool, np.bool_))
    try:
        if wanted.kind == "b" and is_bool:
            return bool(value)
        if wanted.kind in "iu" and not is_bool:
            return operator.index(value)
        if wanted.kind == "f" and not is_bool and isinstance(value, (float, int, np.floating, np.integer)):
            return float(value)
        if wanted.kind == "c" and not is_bool and isinstance(value, (complex, float, int, np.number)):
            return complex(value)
    except (TypeError, OverflowError):
        pass
    if value is None:
        raise _mismatch(cell, port, value, "give a number")
    raise _mismatch(cell, port, value, f"convert it first, with {_CONVERTERS[wanted.kind]}({port.name}) for instance")


_CONVERTERS = {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex"}
