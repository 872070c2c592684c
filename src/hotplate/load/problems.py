"""What the core found wrong with a call, as the exceptions that say so."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, NoReturn

from hotplate.abi import PortForm, Status, lib, meaning
from hotplate.errors import CellFailed, InputError, LoadError, RunCancelled
from hotplate.notebook.extents import linear, parse_extent
from hotplate.values import describe_range, describe_type, describe_value, numpy_dtype

if TYPE_CHECKING:
    from hotplate.abi import CellDescriptor, PortDescriptor
    from hotplate.values import ExtentTable


class Problem(IntEnum):
    """What went wrong (HP_WRONG_... in csrc/python/call.h)."""

    ARGUMENTS = 1
    MISSING = 2
    RANGE = 4
    DTYPE = 5
    RANK = 6
    LAYOUT = 7
    ALIGNMENT = 8
    EXTENT = 9
    NUL = 10
    STATUS = 11
    ENCODING = 12
    SIZE = 13


class WorkerDied(Exception):
    """The worker that had a cell is dead, or had to be killed."""

    death: Any = None
    """How it ended, once that is known."""


class Explainer:
    """Raises the error for a problem of one cell's calls. Stateless, so thread-safe."""

    def __init__(self, cell: CellDescriptor, extents: ExtentTable) -> None:
        self._cell = cell
        self._extents = extents

    def __call__(self, problem: int, port: int, detail: tuple[Any, ...]) -> NoReturn:
        """Called by the core with the number of the problem, the port, and what belongs to that problem."""
        match Problem(problem):
            case Problem.ARGUMENTS:
                raise TypeError(self._wrong_arguments(*detail))
            case Problem.MISSING:
                raise TypeError(self._missing(self._cell.inputs[port]))
            case Problem.STATUS:
                self._raise_status(port, *detail)
            case Problem.EXTENT:
                raise InputError(f"{self._cell.name}: {self._conflict(port, *detail)}")
            case Problem.SIZE:
                raise InputError(f"{self._cell.name}: {_too_large(self._cell.outputs[port], *detail)}")
            case kind:
                raise InputError(f"{self._cell.name}: {self._misfit(kind, self._cell.inputs[port], *detail)}")

    def _wrong_arguments(self, given: int, keyword: str | None) -> str:
        name = self._cell.name
        positional = [p.name for i, p in enumerate(self._cell.inputs) if i not in self._extents.derived]
        if keyword is None:
            return f"{name}() takes {len(positional)} positional arguments ({', '.join(positional)}), got {given}"
        if any(port.name == keyword for port in self._cell.inputs):
            return f"{name}() got two values for {keyword}"
        names = ", ".join(port.name for port in self._cell.inputs) or "nothing"
        return f"{name}() has no parameter {keyword}; it takes {names}"

    def _missing(self, port: PortDescriptor) -> str:
        return f"{self._cell.name}() needs {port.name} ({describe_type(port)})"

    def _misfit(self, kind: Problem, port: PortDescriptor, value: Any = None) -> str:
        wants = f"{port.name} wants {describe_type(port)}"
        match kind:
            case Problem.RANGE:
                low_to_high = describe_range(numpy_dtype(port.dtype))
                return f"{wants}, and {describe_value(value)} is out of its range, {low_to_high}"
            case Problem.NUL:
                return f"{wants} without NUL characters inside; cut it at the first one"
            case Problem.ENCODING:
                return f"{wants}, and {value!r:.60} has lone surrogates; decode it without errors='surrogateescape'"
            case _:
                return wants + self._array_misfit(kind, port, value)

    def _array_misfit(self, kind: Problem, port: PortDescriptor, array: Any) -> str:
        match kind:
            case Problem.DTYPE:
                return f", got {_described(array)}; {self._way_to_convert(port)}"
            case Problem.RANK:
                return f", got {_described(array)}: {array.ndim} dimensions where {port.ndim} must be"
            case Problem.ALIGNMENT:
                return f", got memory that is not aligned for it; pass {port.name}.copy()"
        way_out = f"pass np.ascontiguousarray({port.name})"
        if port.form is PortForm.STRIDED:
            return f", got strides that are no multiples of its {array.itemsize} bytes; {way_out}"
        return f" in C order, got a strided array; {way_out}"

    def _way_to_convert(self, port: PortDescriptor) -> str:
        if port.record is not None:
            return f"make it with dtype=nb.load({self._cell.name!r}).dtype({port.name!r})"
        return f"convert it with {port.name}.astype(np.{numpy_dtype(port.dtype).name})"

    def _conflict(self, port: int, kind: int, axis: int, symbol: int, other: int, wanted: int, found: int) -> str:
        place = (self._cell.inputs + self._cell.outputs)[port]
        if kind == lib.HP_CONFLICT_EXTENT and symbol >= 0:
            name = self._extents.symbols[symbol]
            return f"{name} is {wanted}{self._source(other, name)} but {found} in {place.name}"
        text = place.extents[axis]
        if kind == lib.HP_CONFLICT_EXTENT:
            axis_name = f", axis {axis}" if len(place.extents) > 1 else ""
            return f"[{text}] is {wanted} but {place.name} has {found}{axis_name}"
        if kind == lib.HP_CONFLICT_UNKNOWN:
            if port < len(self._cell.inputs) and _is_linear(text):
                return f"[{text}] can't be {found}, which {place.name} has"
            return f"nothing fixes {self._extents.symbols[symbol]} in {place.name}[{text}]"
        value = f"is {found}" if found < 0 else "overflows or divides by zero"
        return f"the extent [{text}] of {place.name} {value}; extents are 0 or more"

    def _source(self, port: int, symbol: str) -> str:
        name = self._cell.inputs[port].name if port >= 0 else "the notebook"
        return "" if name == symbol else f" in {name}"

    def _raise_status(self, output: int, code: int, message: str) -> NoReturn:
        name = self._cell.name
        if code >= lib.HP_REMOTE_GONE:
            _raise_remote(name, code)
        status = Status(code)
        if status is Status.FAILED:
            raise CellFailed(name, message)
        if status is Status.CANCELLED:
            raise RunCancelled(f"{name} was interrupted")
        if status is Status.NO_MEMORY:
            raise CellFailed(name, f"{meaning(status)}; ask for less, or free memory first")
        where = f" {self._cell.outputs[output].name}" if output >= 0 and len(self._cell.outputs) > 1 else ""
        raise CellFailed(name, f"{message or meaning(status)}{where and ' ' + where.strip()}")


def _raise_remote(name: str, code: int) -> NoReturn:
    if code == lib.HP_REMOTE_GONE:
        raise WorkerDied(name)
    if code == lib.HP_REMOTE_MEMORY:
        raise CellFailed(name, "no shared memory is left; let go of results, or raise HOTPLATE_SHARED_MEMORY")
    if code == lib.HP_REMOTE_FULL:
        raise InputError(f"{name}: its text inputs are longer than a worker takes; isolated cells take 200 KB in all")
    raise LoadError(f"{name} is isolated, and is called by its LoadedCell only")


def _too_large(port: PortDescriptor, shape: tuple[int, ...]) -> str:
    kind = port.record.name if port.record else numpy_dtype(port.dtype).name
    return f"{port.name} would be {kind}[{', '.join(map(str, shape))}], more than memory holds; ask for less"


def _is_linear(text: str) -> bool:
    polynomial = linear(parse_extent(text))
    return polynomial is not None and all(len(term) <= 1 for term in polynomial)


def _described(array: Any) -> str:
    shape = ", ".join(map(str, array.shape))
    return f"{array.dtype}[{shape}]" if array.shape else str(array.dtype)
