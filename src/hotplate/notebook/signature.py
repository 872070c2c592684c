"""One function definition → a cell, or a helper and the reason why it is no cell."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hotplate.notebook.lexis import blank_comments, spell
from hotplate.notebook.model import Cell, Helper, Language, Port, PortKind, Result
from hotplate.notebook.parameter import NotACellError, ParameterReader, Problem, unusable
from hotplate.notebook.typetext import (
    FLOATING,
    container_element,
    is_text,
    normal_type,
    resolve_alias,
    split_arguments,
    strip_attributes,
    view_arguments,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotplate.diagnostic import Diagnostic
    from hotplate.notebook.classify import Function
    from hotplate.notebook.model import Item, Section
    from hotplate.notebook.source import Source

__all__ = ["Definition", "SignatureReader"]


@dataclass(frozen=True, slots=True)
class Definition:
    """A function definition and where it stands."""

    function: Function
    start: int
    end: int
    body: int
    section: Section
    item: Item
    namespace: str = ""
    doc: str = ""
    in_conditional: bool = False


@dataclass(frozen=True, slots=True)
class SignatureReader:
    """Reads the definitions of one notebook. `aliases` and `macros` are what the text before defines."""

    source: Source
    language: Language
    aliases: Mapping[str, str]
    macros: Mapping[str, str]

    def read(self, definition: Definition) -> tuple[Cell | Helper, tuple[Diagnostic, ...]]:
        """A cell with the errors in its signature, or a helper."""
        function = definition.function
        span = self.source.span(definition.start, definition.end)
        name = function.name if not definition.namespace else f"{definition.namespace}::{function.name}"
        if self._is_plain_helper(definition):
            return Helper(name, span, ""), ()
        try:
            if definition.in_conditional:
                raise NotACellError("it stands in an #if block, and whether a cell exists can't depend on that")
            if function.problem:
                raise NotACellError(function.problem)
            return self._cell(definition)
        except NotACellError as reason:
            return Helper(name, span, str(reason)), ()

    def _is_plain_helper(self, definition: Definition) -> bool:
        function = definition.function
        if definition.namespace or function.template or not function.name.isidentifier() or function.name == "main":
            return True
        words = set(_WORDS.findall(function.head[: function.name_at]))
        for word in words & self.macros.keys():
            words = words.union(_WORDS.findall(self.macros[word]))
        return not words.isdisjoint(_INTERNAL)

    def _cell(self, definition: Definition) -> tuple[Cell, tuple[Diagnostic, ...]]:
        function, start = definition.function, definition.start
        result = self._result(function, start)
        reader = ParameterReader(self.source, self.language, self.aliases)
        ports = tuple(self._ports(reader, definition))
        name_at = start + function.name_at
        cell = Cell(
            function.name, ports, result, definition.section, spell(function.head), definition.doc,
            self.source.span(start, definition.end), self.source.span(name_at, name_at + len(function.name)),
            definition.item,
        )  # fmt: skip
        problems = [*reader.problems, *_unbound(cell, self.language), *_clashes(cell)]
        return cell, tuple(
            self.source.error(f"{cell.name}: {found.message}", found.span, found.rule, hint=found.hint, cell=cell.name)
            for found in problems
        )

    def _ports(self, reader: ParameterReader, definition: Definition) -> Iterator[Port]:
        first, last = definition.function.parameters
        text = definition.function.head[first:last]
        if not text.strip() or text.strip() == "void":
            return
        for part, at in split_arguments(text):
            port = reader.read(part, definition.start + first + at)
            yield self._with_element(port, definition) if port.kind is PortKind.DYNAMIC else port

    def _with_element(self, port: Port, definition: Definition) -> Port:
        """An `hp_out *` with the type of its HP_ARRAY calls."""
        body = blank_comments(self.source.text[definition.body : definition.end])
        found = re.search(rf"\bHP_ARRAY\s*\(\s*{re.escape(port.name)}\s*,\s*([^,;]+?)\s*,", body)
        return replace(port, type=normal_type(found[1])) if found else port

    def _result(self, function: Function, start: int) -> Result | None:
        text = strip_attributes(function.head[function.linkage : function.name_at])
        span = self.source.span(start + function.linkage, start + len(function.head[: function.name_at].rstrip()))
        if arrow := _TRAILING.match(function.head, function.parameters[1] + 1):
            text = arrow["type"]
        resolved = resolve_alias(self._expanded(text), self.aliases)
        kind = self._result_kind(resolved)
        if kind is None:
            return None
        element = container_element(resolved) if kind is PortKind.DYNAMIC else normal_type(text)
        return Result(kind, _TEXT_RESULT if "*" in resolved else element, span)

    def _expanded(self, text: str) -> str:
        """The text without macros that stand for attributes or nothing at all."""
        return _WORDS.sub(lambda match: "" if self._vanishes(match[0]) else match[0], text)

    def _vanishes(self, word: str) -> bool:
        return word in self.macros and not strip_attributes(self.macros[word]).strip()

    def _result_kind(self, text: str) -> PortKind | None:
        kind = normal_type(text)
        if kind == "void":
            return None
        if not kind or kind in {"auto", "decltype(auto)"}:
            raise NotACellError("its result is auto: write the result type")
        if kind == "char*" and re.search(r"\bconst\b", text.partition("*")[0]):
            return PortKind.TEXT
        if "*" in kind:
            raise NotACellError("it returns a pointer: results are `out` arrays, numbers, structs or `const char *`")
        if "&" in kind:
            raise NotACellError("it returns a reference: return a value")
        if kind.removeprefix("::").removeprefix("std::") == "string_view" or "span<" in kind:
            raise NotACellError(f"it returns a {kind}, which would dangle: return a std::string or a std::vector")
        if is_text(kind) and self.language is Language.CPP:
            return PortKind.TEXT
        if view_arguments(text):
            raise NotACellError("it returns a view: take an hp::out parameter")
        if container_element(text):
            return PortKind.DYNAMIC
        if why := unusable(kind):
            raise NotACellError(f"its result {why.partition(':')[0]}")
        return PortKind.SCALAR


_WORDS = re.compile(r"[^\W\d]\w*")
_INTERNAL = frozenset({"static", "inline", "__inline", "__inline__", "constexpr", "consteval", "friend", "virtual"})
_TRAILING = re.compile(r"[^{]*?->\s*(?P<type>[^{]+?)\s*(?:\brequires\b[^{]*)?\Z", re.DOTALL)
_TEXT_RESULT = "const char *"


def _unbound(cell: Cell, language: Language) -> Iterator[Problem]:
    """Extents of results that nothing fixes, and dimensions that are no integers."""
    named = {port.name: port for port in cell.ports}
    fixed = {s for p in cell.inputs for e in p.extents if not e.compile_time for s in e.symbols}
    for port in cell.ports:
        for extent in port.extents:
            if extent.compile_time or not extent.text:
                continue
            for symbol in sorted(extent.symbols):
                if problem := _symbol_problem(port, symbol, named.get(symbol)):
                    yield problem
                elif language is Language.CPP and port.is_output and symbol not in fixed and symbol not in named:
                    yield Problem(
                        "unbound-extent", f"{symbol} in the brackets of {port.name} is unbound: no input has it",
                        f'name {symbol} in an hp::in, or take it as a parameter: `std::int64_t {symbol}`', port.span,
                    )  # fmt: skip


def _symbol_problem(port: Port, symbol: str, parameter: Port | None) -> Problem | None:
    if parameter is None or (parameter.kind is PortKind.SCALAR and parameter.type not in FLOATING):
        return None
    what = f"a {parameter.type}" if parameter.kind is PortKind.SCALAR else "not a number"
    return Problem(
        "unbound-extent", f"{symbol} in the brackets of {port.name} is unbound: the parameter {symbol} is {what}",
        f"an extent is an integer: `int64_t {symbol}`", port.span,
    )  # fmt: skip


def _clashes(cell: Cell) -> Iterator[Problem]:
    seen: set[str] = {"value"} if cell.result else set()
    for port in cell.ports:
        if port.is_output and port.field in seen:
            message = f"two results are called {port.field}"
            yield Problem("duplicate-output", message, f"give {port.name} another name", port.span)
        if port.is_output:
            seen.add(port.field)
