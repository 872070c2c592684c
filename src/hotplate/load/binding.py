"""Checks the edges of the graph between built cells: what one gives is what the other takes, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.abi import PortForm, lib
from hotplate.diagnostic import Diagnostic, Severity
from hotplate.notebook.extents import Constant, parse_extent
from hotplate.values import describe_type, numpy_dtype

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.abi import PortDescriptor
    from hotplate.load.cell import LoadedCell
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import NotebookModel

_ARRAYS = (PortForm.ARRAY, PortForm.STRIDED, PortForm.DYNAMIC)
_WIDENS = {
    lib.HP_BOOL: {lib.HP_BOOL},
    lib.HP_INT: {lib.HP_INT, lib.HP_UINT},
    lib.HP_UINT: {lib.HP_INT, lib.HP_UINT},
    lib.HP_FLOAT: {lib.HP_FLOAT, lib.HP_INT, lib.HP_UINT},
    lib.HP_COMPLEX: {lib.HP_COMPLEX, lib.HP_FLOAT, lib.HP_INT, lib.HP_UINT},
}
"""For the kind of a scalar parameter, the kinds of results that it takes; ranges are checked with the values."""


def graph_conflicts(graph: Graph, model: NotebookModel, loaded: Mapping[str, LoadedCell]) -> tuple[Diagnostic, ...]:
    """An error for each edge between two loaded cells that can't work, at the consumer's parameter. Pure."""
    found = []
    for (consumer, parameter), source in graph.edges.items():
        if consumer not in loaded or source.cell not in loaded:
            continue
        wanted = next((p for p in loaded[consumer].descriptor.inputs if p.name == parameter), None)
        if wanted is None:  # the consumer's condition alone looks at it
            continue
        outputs = loaded[source.cell].descriptor.outputs
        if problem := _conflict(wanted, source.cell, source.field, outputs):
            found.append(_diagnostic(model, consumer, parameter, f"{consumer}: {problem}"))
    return tuple(found)


def _conflict(wanted: PortDescriptor, cell: str, field: str | None, outputs: tuple[PortDescriptor, ...]) -> str:
    if not outputs:
        return f"{wanted.name} needs a value, but {cell} gives none: let it return one, or add an `out` parameter"
    if field is None and len(outputs) > 1:
        names = ", ".join(f"{cell}_{output.name}" for output in outputs)
        return f"{wanted.name} is a cell of several results; name one of {names}"
    given = outputs[0] if field is None else next(output for output in outputs if output.name == field)
    if _fits(wanted, given):
        return ""
    return f"{wanted.name} wants {describe_type(wanted)}, but {cell} gives {describe_type(given)}"


def _fits(wanted: PortDescriptor, given: PortDescriptor) -> bool:
    if PortForm.TEXT in (wanted.form, given.form):
        return wanted.form == given.form
    if wanted.form not in _ARRAYS or given.form not in _ARRAYS:
        return (wanted.form in _ARRAYS) == (given.form in _ARRAYS) and _scalar_fits(wanted, given)
    if given.dtype.code == lib.HP_NO_DTYPE:
        return True  # known when it is there
    if numpy_dtype(wanted.dtype, wanted.record) != numpy_dtype(given.dtype, given.record):
        return False
    if given.ndim < 0:
        return True
    return given.ndim == wanted.ndim and all(map(_extents_fit, wanted.extents, given.extents))


def _scalar_fits(wanted: PortDescriptor, given: PortDescriptor) -> bool:
    if lib.HP_RECORD in (wanted.dtype.code, given.dtype.code):
        same_kind = wanted.dtype.code == given.dtype.code
        return same_kind and numpy_dtype(wanted.dtype, wanted.record) == numpy_dtype(given.dtype, given.record)
    return given.dtype.code in _WIDENS.get(wanted.dtype.code, ())


def _extents_fit(wanted: str, given: str) -> bool:
    """False only where both are numbers and differ; names belong to each cell."""
    values = []
    for text in (wanted, given):
        try:
            expression = parse_extent(text)
        except ValueError:
            return True
        values.append(expression.value if isinstance(expression, Constant) else None)
    return None in values or values[0] == values[1]


def _diagnostic(model: NotebookModel, consumer: str, parameter: str, message: str) -> Diagnostic:
    span = next(port.span for port in model.cells[consumer].ports if port.name == parameter)
    return Diagnostic(
        Severity.ERROR,
        message,
        path=str(model.path),
        line=span.line,
        column=span.column,
        end_column=span.end_column,
        source=model.lines[span.line - 1],
        cell=consumer,
        rule="edge",
        hint="change one of the two types, or convert in a cell between them",
    )
