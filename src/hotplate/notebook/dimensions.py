"""Shapes that can't fit, found before anything runs: ranks, constant extents, and named ones across the graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hotplate.notebook.extents import linear
from hotplate.notebook.model import PortKind
from hotplate.notebook.source import Source as Text
from hotplate.notebook.typetext import ARITHMETIC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.diagnostic import Diagnostic
    from hotplate.notebook.extents import Extent
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import Cell, NotebookModel, Port

    Polynomial = Mapping[tuple[str, ...], int]

__all__ = ["check_extents"]


def check_extents(model: NotebookModel, graph: Graph) -> tuple[Diagnostic, ...]:
    """What must fail when the graph runs without overrides. Anything that could work is left to the run."""
    checker = _Checker(model, graph, Text(model.path, model.text))
    for name in graph.order:
        if cell := model.cells.get(name):
            checker.visit(cell)
    return tuple(checker.findings)


@dataclass(frozen=True, slots=True)
class _Binding:
    """What fixes a dimension of a cell: a polynomial over the graph's own names, and where it comes from."""

    polynomial: Polynomial
    origin: str


@dataclass(slots=True)
class _Checker:
    model: NotebookModel
    graph: Graph
    text: Text
    findings: list[Diagnostic] = field(default_factory=list)
    known: dict[tuple[str, str], tuple[Polynomial | None, ...]] = field(default_factory=dict)
    """(cell, field) → the extents of that result, each over the graph's names."""

    def visit(self, cell: Cell) -> None:
        """Checks a cell whose producers have been visited, and notes the extents of its own results."""
        scope = self._values(cell)
        for port in cell.inputs:
            if actual := self._incoming(cell, port):
                self._bind(cell, port, actual, scope)
        for port in cell.ports:
            if port.is_output and port.kind is PortKind.ARRAY:
                extents = tuple(_translate(extent, scope) for extent in port.extents)
                self.known[cell.name, port.field] = extents

    def _values(self, cell: Cell) -> dict[str, _Binding]:
        """The integers that the cell takes by value: each is a name of the whole graph."""
        scope = {}
        node = self.graph.nodes[cell.name]
        for parameter in node.parameters:
            source = self.graph.edges.get((cell.name, parameter.name))
            if source or parameter.required:
                scope[parameter.name] = _Binding({(parameter.name,): 1}, "the value of " + parameter.name)
        return scope

    def _incoming(self, cell: Cell, port: Port) -> tuple[Polynomial | None, ...]:
        """The extents of what the port gets; () when they are not known or do not even have the right rank."""
        source = self.graph.edges.get((cell.name, port.name))
        producer = self.model.cells.get(source.cell) if source else None
        if source is None or producer is None:
            return ()
        if source.field is None and len(producer.outputs) > 1:
            self._several(cell, port, producer)
            return ()
        result = source.field or (producer.outputs[0] if producer.outputs else "")
        rank, wanted = _result_rank(producer, result), _port_rank(port)
        if rank is not None and wanted is not None and rank != wanted:
            self._rank(cell, port, f"{producer.name}", rank, wanted)
            return ()
        return self.known.get((producer.name, result), ()) if wanted else ()

    def _bind(
        self, cell: Cell, port: Port, actual: tuple[Polynomial | None, ...],
        scope: dict[str, _Binding],
    ) -> None:  # fmt: skip
        for axis, (extent, polynomial) in enumerate(zip(port.extents, actual, strict=True)):
            symbol, offset = _single_symbol(extent)
            if polynomial is None:
                continue
            if symbol and symbol not in scope and not extent.compile_time:
                scope[symbol] = _Binding(_minus(polynomial, {(): offset}), f"{port.name}")
                continue
            expected = _translate(extent, scope)
            if expected is None:
                continue
            difference = _minus(expected, polynomial)
            if difference and set(difference) == {()}:
                self._extent(cell, port, axis, expected, polynomial, scope.get(symbol))

    def _extent(
        self, cell: Cell, port: Port, axis: int, expected: Polynomial,
        actual: Polynomial, binding: _Binding | None,
    ) -> None:  # fmt: skip
        extent = port.extents[axis]
        if binding:
            wanted = f"{extent.text} is {_spell(expected)} in {binding.origin}"
            if binding.origin.startswith("the value of"):
                wanted = f"{extent.text} is {_spell(expected)} by value"
        else:
            wanted = f"axis {axis + 1} of {port.name} is {extent.text}"
        message = f"{cell.name}: {wanted} but {_spell(actual)} in {port.name}"
        self._report(message, cell, port, "give both the same extent, or two names to the two dimensions")

    def _rank(self, cell: Cell, port: Port, producer: str, rank: int, wanted: int) -> None:
        def axes(count: int) -> str:
            return "a number" if count == 0 else f"an array with {count} {'axis' if count == 1 else 'axes'}"

        message = f"{cell.name}: {port.name} is {axes(wanted)}, but the cell {producer} gives {axes(rank)}"
        self._report(message, cell, port, "make both the same")

    def _several(self, cell: Cell, port: Port, producer: Cell) -> None:
        fields = [f"{producer.name}_{result}" for result in producer.outputs]
        message = f"{cell.name}: {port.name} has {len(fields)} results, and a parameter takes one"
        self._report(message, cell, port, f"take {' or '.join(fields)}")

    def _report(self, message: str, cell: Cell, port: Port, hint: str) -> None:
        source = self.graph.edges[cell.name, port.name]
        producer = self.model.cells[source.cell]
        note = self.text.note(f"{producer.name} is here", producer.name_span)
        self.findings.append(self.text.error(message, port.span, "extent", hint=hint, cell=cell.name, notes=(note,)))


def _port_rank(port: Port) -> int | None:
    if port.kind is PortKind.ARRAY:
        return len(port.extents)
    return 0 if port.kind is PortKind.SCALAR and port.type in ARITHMETIC else None


def _result_rank(cell: Cell, result: str) -> int | None:
    if result == "value" and cell.result:
        return 0 if cell.result.kind is PortKind.SCALAR and cell.result.type in ARITHMETIC else None
    port = next((port for port in cell.ports if port.is_output and port.field == result), None)
    return len(port.extents) if port and port.kind is PortKind.ARRAY else None


def _single_symbol(extent: Extent) -> tuple[str, int]:
    """The n and the k of `n + k`; ("", 0) for any other form."""
    polynomial = linear(extent.expression)
    terms = dict(polynomial) if polynomial is not None else {}
    offset = terms.pop((), 0)
    if len(terms) == 1:
        ((names, factor),) = terms.items()
        if factor == 1 and len(names) == 1:
            return names[0], offset
    return "", 0


def _translate(extent: Extent, scope: Mapping[str, _Binding]) -> Polynomial | None:
    """The extent over the graph's names; None when one of its symbols is not known there."""
    polynomial = linear(extent.expression)
    if polynomial is None or extent.compile_time:
        return None
    total: Polynomial = {}
    for names, factor in polynomial.items():
        term: Polynomial = {(): factor}
        for name in names:
            if name not in scope:
                return None
            term = _times(term, scope[name].polynomial)
        total = _plus(total, term)
    return total


def _plus(first: Polynomial, second: Polynomial, sign: int = 1) -> dict[tuple[str, ...], int]:
    total = dict(first)
    for term, factor in second.items():
        total[term] = total.get(term, 0) + sign * factor
    return {term: factor for term, factor in total.items() if factor}


def _minus(first: Polynomial, second: Polynomial) -> dict[tuple[str, ...], int]:
    return _plus(first, second, -1)


def _times(first: Polynomial, second: Polynomial) -> dict[tuple[str, ...], int]:
    total: dict[tuple[str, ...], int] = {}
    for one, factor in first.items():
        for other, coefficient in second.items():
            key = tuple(sorted(one + other))
            total[key] = total.get(key, 0) + factor * coefficient
    return total


def _spell(polynomial: Polynomial) -> str:
    """`2 * n - 1`."""
    text = ""
    for names, factor in sorted(polynomial.items(), key=lambda term: (-len(term[0]), term[0])):
        size = " * ".join([*([str(abs(factor))] if abs(factor) != 1 or not names else []), *names])
        sign = "-" if factor < 0 else "+"
        text += f" {sign} {size}" if text else f"{'-' if factor < 0 else ''}{size}"
    return text or "0"
