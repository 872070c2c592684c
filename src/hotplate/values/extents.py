"""A cell's extents as the programs that the core runs (csrc/core/extent.c)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.abi import PortForm, lib
from hotplate.notebook.extents import Binary, Constant, Expression, Symbol, parse_extent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hotplate.abi import CellDescriptor, PortDescriptor

_OPERATIONS = {"+": lib.HP_STEP_ADD, "-": lib.HP_STEP_SUB, "*": lib.HP_STEP_MUL, "/": lib.HP_STEP_DIV}
_INTEGERS = (lib.HP_INT, lib.HP_UINT)

Step = tuple[int, int, int]
"""Operation, symbol (or -1), constant."""
Axis = tuple[int, int, int, int]
"""Port (outputs count on from the inputs), axis, first step, number of steps."""


@dataclass(frozen=True, slots=True)
class ExtentTable:
    """The dimensions of a cell: its symbols, and one program for each axis of each array."""

    symbols: tuple[str, ...]
    constants: dict[str, int]
    steps: tuple[Step, ...]
    axes_in: tuple[Axis, ...]
    axes_out: tuple[Axis, ...]
    fixed_by: tuple[int, ...]
    """For each input the symbol that it fixes when given, or -1: an integer scalar named like a dimension."""
    derived: frozenset[int]
    """Inputs that arrays fix, so that callers may leave them out."""


def compile_extents(cell: CellDescriptor) -> ExtentTable:
    """Compiles the extents of all ports. Pure."""
    builder = _Builder(cell.constants)
    axes_in = builder.axes(cell.inputs)
    from_arrays = frozenset(builder.symbols) - set(cell.constants)
    axes_out = builder.axes(cell.outputs, len(cell.inputs))
    fixed_by = tuple(builder.symbols.get(port.name, -1) if _is_integer(port) else -1 for port in cell.inputs)
    derived = frozenset(i for i, port in enumerate(cell.inputs) if fixed_by[i] >= 0 and port.name in from_arrays)
    symbols = tuple(builder.symbols)
    return ExtentTable(symbols, cell.constants, tuple(builder.steps), axes_in, axes_out, fixed_by, derived)


def _is_integer(port: PortDescriptor) -> bool:
    return port.form is PortForm.SCALAR and port.dtype.code in _INTEGERS


class _Builder:
    def __init__(self, constants: dict[str, int]) -> None:
        self._constants = constants
        self.symbols: dict[str, int] = {}
        self.steps: list[Step] = []

    def axes(self, ports: Sequence[PortDescriptor], first_port: int = 0) -> tuple[Axis, ...]:
        found = []
        for number, port in enumerate(ports, first_port):
            for axis, text in enumerate(port.extents):
                first = len(self.steps)
                self.steps += self._program(self._parse(text))
                found.append((number, axis, first, len(self.steps) - first))
        return tuple(found)

    def _parse(self, text: str) -> Expression:
        # A C++ constant expression may be anything that a compiler understands; its value came with the descriptor.
        return Symbol(text) if text in self._constants else parse_extent(text)

    def _program(self, expression: Expression) -> Iterable[Step]:
        match expression:
            case Constant(value):
                yield (lib.HP_STEP_CONST, -1, value)
            case Symbol(name):
                yield (lib.HP_STEP_SYMBOL, self.symbols.setdefault(name, len(self.symbols)), 0)
            case Binary(operation, left, right):
                yield from self._program(left)
                yield from self._program(right)
                yield (_OPERATIONS[operation], -1, 0)
