"""What a cell's library says about itself, copied out of it so that nothing here points into the library."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from hotplate.abi.core import ffi, lib


class PortForm(IntEnum):
    """How a value crosses the interface (HP_PORT_... in hotplate.h)."""

    SCALAR = lib.HP_PORT_SCALAR
    TEXT = lib.HP_PORT_TEXT
    ARRAY = lib.HP_PORT_ARRAY
    STRIDED = lib.HP_PORT_STRIDED
    DYNAMIC = lib.HP_PORT_DYNAMIC


@dataclass(frozen=True, slots=True)
class DType:
    """DLPack's data type: `bits * lanes / 8` bytes an element."""

    code: int
    bits: int
    lanes: int

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.bits * self.lanes // 8


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a struct; `shape` is that of a C array, () for a plain field."""

    name: str
    offset: int
    dtype: DType
    record: Record | None
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A struct as its compiler laid it out."""

    name: str
    size: int
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class PortDescriptor:
    """A parameter or a result. `extents` has one expression an axis; `ndim` is -1 where only the call tells."""

    name: str
    form: PortForm
    dtype: DType
    record: Record | None
    ndim: int
    extents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CellDescriptor:
    """A cell as its library describes it."""

    name: str
    signature: str
    unit_key: str
    compiler: str
    inputs: tuple[PortDescriptor, ...]
    outputs: tuple[PortDescriptor, ...]
    constants: dict[str, int]
    """The notebook's constants that extents use, by name."""
    polls: bool
    """Whether the cell has a hp_ctx parameter, so that it can see a request to stop."""


def read_descriptor(cell: Any) -> CellDescriptor:
    """Copies a `const hp_cell *`. Call it after the handshake."""
    return CellDescriptor(
        name=_text(cell.name),
        signature=_text(cell.signature),
        unit_key=_text(cell.unit_key),
        compiler=_text(cell.compiler),
        inputs=tuple(_port(getattr(cell, "in")[i]) for i in range(cell.nin)),
        outputs=tuple(_port(cell.out[i]) for i in range(cell.nout)),
        constants={_text(cell.symbols[i].name): cell.symbols[i].value for i in range(cell.nsymbols)},
        polls=bool(cell.takes_context),
    )


def _text(pointer: Any) -> str:
    return str(ffi.string(pointer).decode())


def _dtype(dtype: Any) -> DType:
    return DType(dtype.code, dtype.bits, dtype.lanes)


def _port(port: Any) -> PortDescriptor:
    extents = tuple(_text(port.extents[axis]) for axis in range(max(port.ndim, 0)))
    return PortDescriptor(
        _text(port.name), PortForm(port.kind), _dtype(port.dtype), _record(port.record), port.ndim, extents
    )


def _record(record: Any) -> Record | None:
    if record == ffi.NULL:
        return None
    fields = tuple(_field(record.fields[i]) for i in range(record.nfields))
    return Record(_text(record.name), record.size, fields)


def _field(field: Any) -> Field:
    shape = tuple(field.shape[axis] for axis in range(field.ndim))
    return Field(_text(field.name), field.offset, _dtype(field.dtype), _record(field.record), shape)
