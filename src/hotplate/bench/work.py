"""How much one call does, from what its section declares and the shapes of its arrays. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.bench.report import Work
from hotplate.errors import InputError
from hotplate.notebook.extents import Symbol, evaluate, parse_extent
from hotplate.values import result_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.abi import CellDescriptor
    from hotplate.notebook.extents import Extent
    from hotplate.notebook.model import Attributes

__all__ = ["dimensions_of", "work_of"]


def work_of(cell: CellDescriptor, attributes: Attributes, arguments: Mapping[str, Any], result: Any) -> Work:
    """The work of a call with `arguments` by name that gave `result`.

    An amount whose names are not the cell's is another cell's of the section. Raises InputError for one that is
    negative, divides by zero or needs a number that is not whole.
    """
    known = dimensions_of(cell, arguments, result)
    moved = _amount(cell.name, "bytes", attributes.bytes, known)
    flops = _amount(cell.name, "flops", attributes.flops, known)
    return Work(flops, _array_bytes(arguments, result) if moved is None else moved, moved is not None)


def dimensions_of(cell: CellDescriptor, arguments: Mapping[str, Any], result: Any) -> dict[str, int]:
    """The values of the names that extents use, and of parameters that are whole numbers."""
    known = dict(cell.constants)
    known |= {name: int(value) for name, value in arguments.items() if _is_whole(value)}
    results = result_fields(result) or {port.name: result for port in cell.outputs}
    for ports, values in ((cell.inputs, arguments), (cell.outputs, results)):
        for port in ports:
            shape = np.shape(values[port.name]) if port.name in values and port.extents else ()
            for text, size in zip(port.extents, shape, strict=False):
                if (name := _name(text)) is not None:
                    known.setdefault(name, size)
    return known


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) or (isinstance(value, np.ndarray) and _is_whole_rank_0(value))


def _is_whole_rank_0(value: np.ndarray[Any, Any]) -> bool:
    return value.ndim == 0 and value.dtype.kind in "iu"


def _name(extent: str) -> str | None:
    try:
        expression = parse_extent(extent)
    except ValueError:  # one that only the compiler can read
        return None
    return expression.name if isinstance(expression, Symbol) else None


def _amount(cell: str, key: str, declared: Extent | None, known: Mapping[str, int]) -> int | None:
    if declared is None or not declared.symbols <= known.keys():
        return None
    try:
        amount = evaluate(declared.expression, known)
    except ValueError as error:
        message = f'{cell}: {key}="{declared.text}": {error}'
        raise InputError(message) from error
    if amount < 0:
        shown = ", ".join(f"{name} is {known[name]}" for name in sorted(declared.symbols))
        raise InputError(f'{cell}: {key}="{declared.text}" is {amount} where {shown}; an amount is 0 or more')
    return amount


def _array_bytes(arguments: Mapping[str, Any], result: Any) -> int:
    results = tuple(result_fields(result).values()) or (result,)
    return sum(value.nbytes for value in (*arguments.values(), *results) if isinstance(value, np.ndarray))
