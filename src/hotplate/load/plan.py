"""What the core needs to call a cell: tables from the descriptor, dtypes, and the hooks that it calls back."""

from __future__ import annotations

import math
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from hotplate.abi import PortForm, ffi, lib
from hotplate.load.problems import Explainer
from hotplate.values import adopt_array, compile_extents, convert_argument, numpy_dtype, result_type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from hotplate.abi import CellDescriptor, PortDescriptor
    from hotplate.load.caller import Caller
    from hotplate.load.state import StateBlock
    from hotplate.values import ExtentTable

_point, _own = partial(ffi.cast, "void *"), partial(ffi.gc, destructor=lib.hp_array_free)
"""An address as a pointer, and that as one that frees the array there: no Python code, in which Ctrl-C is raised."""
_NOT_FIXED, _CONSTANT = -1, -2  # HP_SOURCE_NONE, HP_SOURCE_CONSTANT


class Callee(Protocol):
    """A library as calls need it: loaded in this process, or by workers."""

    @property
    def descriptor(self) -> CellDescriptor:
        """What it says about its cell."""

    @property
    def raw_cell(self) -> Any:
        """The same, as the core's `const hp_cell *`."""

    @property
    def handle(self) -> Any:
        """The core's `hp_library *`."""


def open_calls(
    caller: Caller, library: Callee, state: StateBlock, empty: Callable[..., Any] | None = None
) -> frozenset[int]:
    """Has calls of `caller` go to the library's cell; returns the inputs that may be left out.

    `state` is what hp_state gives the cell; `empty(shape, dtype)` makes the arrays of results (None: NumPy does). The
    caller holds a lease on the library.
    Raises LoadError for a type that NumPy does not have.
    """
    cell = library.descriptor
    extents = compile_extents(cell)
    tables, plan = _tables(cell, extents, (library.raw_cell, library.handle, state.handle))
    hooks = (_converter(cell), _point, _own, _adopter(cell), _packer(cell), Explainer(cell, extents), tables)
    if lib.hp_caller_open(id(caller), plan, id(empty), id(hooks)) != 0:
        raise MemoryError
    return extents.derived


def _dtype(port: PortDescriptor) -> np.dtype[Any] | None:
    by_tensor = port.form in (PortForm.ARRAY, PortForm.STRIDED) or port.dtype.code == lib.HP_RECORD
    if port.form is PortForm.SCALAR:
        numpy_dtype(port.dtype, port.record)  # refuse a scalar without dtype now, not at the first call
    return numpy_dtype(port.dtype, port.record) if by_tensor and port.dtype.code != lib.HP_NO_DTYPE else None


def _converter(cell: CellDescriptor) -> Callable[[int, Any], Any]:
    name, inputs = cell.name, cell.inputs
    return lambda port, value: convert_argument(name, inputs[port], value)


def _adopter(cell: CellDescriptor) -> Callable[..., Any]:
    outputs = cell.outputs
    return lambda owner, output, code, bits, shape: adopt_array(outputs[output], owner, code, bits, shape)


def _packer(cell: CellDescriptor) -> Callable[..., Any]:
    return result_type(cell.name, [port.name for port in cell.outputs]) if len(cell.outputs) > 1 else partial(tuple)


def _tables(cell: CellDescriptor, extents: ExtentTable, pointers: tuple[Any, Any, Any]) -> tuple[tuple[Any, ...], Any]:
    """What the plan points to, and the plan. The plan is copied by the core, what it points to is not."""
    constant = [extents.constants.get(name) for name in extents.symbols]
    objects = [(sys.intern(port.name), _dtype(port)) for port in cell.inputs + cell.outputs]
    nin = len(cell.inputs)
    ports_in = [
        (*_shape_of(port, objects[i][1]), extents.fixed_by[i], i in extents.derived, _first(extents.axes_in, i))
        for i, port in enumerate(cell.inputs)
    ]
    ports_out = [
        (*_shape_of(port, objects[i][1]), -1, False, _first(extents.axes_out, i))
        for i, port in enumerate(cell.outputs, nin)
    ]
    addresses = [(id(name), id(dtype) if dtype is not None else 0) for name, dtype in objects]
    tables = (
        ffi.new("hp_port_plan[]", [(*port, *known) for port, known in zip(ports_in, addresses[:nin], strict=True)]),
        ffi.new("hp_port_plan[]", [(*port, *known) for port, known in zip(ports_out, addresses[nin:], strict=True)]),
        ffi.new("hp_step[]", list(extents.steps)),
        ffi.new("hp_axis[]", list(extents.axes_in)),
        ffi.new("hp_axis[]", list(extents.axes_out)),
        ffi.new("int64_t[]", [value or 0 for value in constant]),
        ffi.new("int32_t[]", [_NOT_FIXED if value is None else _CONSTANT for value in constant]),
    )
    counts = (len(ports_in), len(ports_out), len(extents.symbols))
    axes = (len(extents.axes_in), len(extents.axes_out))
    plan = ffi.new("hp_plan *", (*pointers, *counts, *axes, *tables))
    return (*tables, objects, pointers), plan


def _shape_of(port: PortDescriptor, dtype: np.dtype[Any] | None) -> tuple[int, int, int, int, int]:
    alignment = dtype.alignment if dtype is not None and not dtype.names else 1
    if port.record is not None:
        alignment = _record_alignment(dtype)
    return port.form, port.dtype.code, port.dtype.itemsize, max(alignment, 1), max(port.ndim, 0)


def _record_alignment(dtype: np.dtype[Any] | None) -> int:
    """What a struct's widest field needs; NumPy itself reports 1 unless asked to align.

    An alignment divides all its multiples, so where an offset or the size is none the struct is packed.
    """
    if dtype is None:
        return 1
    if dtype.subdtype is not None:
        return _record_alignment(dtype.subdtype[0])
    if dtype.fields is None:
        return dtype.alignment
    widest = max((math.gcd(_record_alignment(entry[0]), entry[1]) for entry in dtype.fields.values()), default=1)
    return math.gcd(widest, dtype.itemsize)


def _first(axes: Sequence[tuple[int, int, int, int]], port: int) -> int:
    return next((i for i, axis in enumerate(axes) if axis[0] == port), 0)
