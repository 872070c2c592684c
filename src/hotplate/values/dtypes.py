"""The compiler's types as NumPy's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.abi import lib
from hotplate.errors import LoadError

if TYPE_CHECKING:
    from hotplate.abi import DType, PortDescriptor, Record

_KINDS = {lib.HP_INT: "i", lib.HP_UINT: "u", lib.HP_FLOAT: "f", lib.HP_COMPLEX: "c", lib.HP_BOOL: "b"}


def numpy_dtype(dtype: DType, record: Record | None = None) -> np.dtype[Any]:
    """The NumPy dtype of an element, native byte order, with the compiler's own offsets for a struct.

    Raises LoadError for a type that NumPy does not have.
    """
    if dtype.code == lib.HP_RECORD:
        if record is None:
            message = f"a struct of {dtype.itemsize} bytes whose fields are not known can't be a NumPy dtype"
            raise LoadError(f"{message}; define it in the notebook or in a header that the notebook includes")
        return _structured(record)
    kind = _KINDS.get(dtype.code)
    if kind is None or dtype.lanes != 1:
        message = (
            f"type code {dtype.code} with {dtype.bits} bits has no NumPy dtype; use double or a fixed-width integer"
        )
        raise LoadError(message)
    return np.dtype(np.bool_) if kind == "b" else np.dtype(f"{kind}{dtype.itemsize}")


def describe_type(port: PortDescriptor) -> str:
    """A port's type in NumPy's words: `float64[n, 3]`, `int32`, `text`."""
    if port.form == port.form.TEXT:
        return "text"
    if port.dtype.code == lib.HP_NO_DTYPE:
        return "array"
    name = port.record.name if port.record else numpy_dtype(port.dtype).name
    if port.ndim < 0:
        return f"{name}[...]"
    return f"{name}[{', '.join(port.extents)}]" if port.ndim else name


def describe_range(dtype: np.dtype[Any]) -> str:
    """The smallest and the largest number of a type: `-128 to 127`. Complex: of each part."""
    limits = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    return f"{limits.min} to {limits.max}"


def describe_value(value: Any) -> str:
    """A value as Python writes it; the beginning of an integer of thousands of digits, which it refuses to write."""
    try:
        return repr(value)
    except ValueError:
        if isinstance(value, int):
            return f"{hex(value)[:20]}..."
        raise


def _structured(record: Record) -> np.dtype[Any]:
    formats = [(numpy_dtype(field.dtype, field.record), field.shape) for field in record.fields]
    return np.dtype(
        {
            "names": [field.name for field in record.fields],
            "formats": formats,
            "offsets": [field.offset for field in record.fields],
            "itemsize": record.size,
        }
    )
