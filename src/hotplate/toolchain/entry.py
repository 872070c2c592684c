"""The generated end of a translation unit: a cell's entry and its descriptor, in C or C++.

The generator writes down names and roles; every size, dtype, offset and constant in it is an expression for the
compiler.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.notebook.model import Cell, Language, Port, PortKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hotplate.notebook.extents import Extent
    from hotplate.notebook.records import Record

UNIT_KEY = "@HP_UNIT_KEY@"
COMPILER = "@HP_COMPILER@"
ENTRY_PATH = "<hotplate entry>"
"""What diagnostics in generated text name as their file."""


def generate_entry(cell: Cell, language: Language, records: Mapping[str, Record]) -> str:
    """The text to append to a cell's slice. `records` has the structs that the cell's ports use, by type text."""
    writer = _Cpp(cell, records) if language is Language.CPP else _C(cell, records)
    return "\n".join(writer.lines()) + "\n"


def without_generated(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The findings that concern the notebook.

    Warnings in generated text are nobody's business, and errors there follow from one in the notebook. Where there is
    none, the signature itself is at fault, and the error stays.
    """
    own = tuple(
        replace(found, notes=tuple(note for note in found.notes if not _is_ours(note.path)))
        for found in diagnostics
        if found.path != ENTRY_PATH and not (found.severity is Severity.NOTE and _is_ours(found.path))
    )
    if any(found.severity is Severity.ERROR for found in own):
        return own
    hint = "the cell's signature uses a type that can't cross to NumPy: use numbers, arrays, text or POD structs"
    errors = (found for found in diagnostics if found.path == ENTRY_PATH and found.severity is Severity.ERROR)
    return (*own, *(replace(found, hint=found.hint or hint) for found in errors))


def _is_ours(path: str) -> bool:
    return path == ENTRY_PATH or PurePath(path).name in ("hotplate.h", "hotplate.hpp")


@dataclass(frozen=True, slots=True)
class _Slot:
    """One input or output of the descriptor."""

    name: str
    form: str
    type: str
    extents: tuple[Extent, ...]
    ndim: int


def _quoted(text: str) -> str:
    # A JSON string is a C string literal but for \\uXXXX, which both C and C++ read as a universal character name.
    return json.dumps(text)


def _inner_first(records: Mapping[str, Record]) -> dict[str, Record]:
    """The records in an order in which each comes after those that its fields hold."""
    ordered: dict[str, Record] = {}
    seen: set[str] = set()

    def add(text: str) -> None:
        if text not in records or text in seen:
            return
        seen.add(text)
        for field in records[text].fields:
            add(field.type)
        ordered[text] = records[text]

    for text in records:
        add(text)
    return ordered


class _Writer:
    """What both languages share: the descriptor. Subclasses write the entry and how a dtype and a field are spelled."""

    def __init__(self, cell: Cell, records: Mapping[str, Record]) -> None:
        self.cell = cell
        self.records = _inner_first({text: record for text, record in records.items() if record.fields})
        self.numbers = {text: i for i, text in enumerate(self.records)}
        self.arguments = tuple(cell.inputs)
        self.results = tuple(port for port in cell.ports if port.is_output)

    def lines(self) -> Iterator[str]:
        yield f'#line 1 "{ENTRY_PATH}"'
        yield from self.prologue()
        for text in self.records:
            yield from self._record(text)
        inputs = [_Slot(p.name, self._form(p), p.type, p.extents, len(p.extents)) for p in self.arguments]
        yield from self._ports("in", inputs)
        yield from self._ports("out", list(self._outputs()))
        yield from self._symbols()
        yield from self.entry()
        yield from self._descriptor()

    # ---- what a language decides ----

    def prologue(self) -> Iterator[str]:
        raise NotImplementedError

    def entry(self) -> Iterator[str]:
        raise NotImplementedError

    def field(self, record: Record, index: int) -> str:
        raise NotImplementedError

    def exported(self) -> str:
        raise NotImplementedError

    # ---- the descriptor ----

    def record_address(self, type_text: str) -> str:
        return f"&hp_record_{self.numbers[type_text]}" if type_text in self.numbers else "NULL"

    def _record(self, text: str) -> Iterator[str]:
        number, record = self.numbers[text], self.records[text]
        yield f"static const hp_field hp_fields_{number}[] = {{"
        for index in range(len(record.fields)):
            yield f"    {self.field(record, index)},"
        yield "};"
        size = f"sizeof({record.name}), {len(record.fields)}"
        yield f"static const hp_record hp_record_{number} = {{{_quoted(record.name)}, {size}, hp_fields_{number}}};"

    def _form(self, port: Port) -> str:
        if port.kind is PortKind.ARRAY and port.view and not port.is_output:
            return "HP_PORT_STRIDED"
        return f"HP_PORT_{port.kind.name}"

    def _outputs(self) -> Iterator[_Slot]:
        if result := self.cell.result:
            dynamic = result.kind is PortKind.DYNAMIC
            yield _Slot("value", f"HP_PORT_{result.kind.name}", result.type, (), -1 if dynamic else 0)
        for port in self.results:
            ndim = -1 if port.kind is PortKind.DYNAMIC else len(port.extents)
            yield _Slot(port.field, f"HP_PORT_{port.kind.name}", port.type, port.extents, ndim)

    def _ports(self, direction: str, slots: Sequence[_Slot]) -> Iterator[str]:
        for i, slot in enumerate(slots):
            if slot.extents:
                extents = ", ".join(_quoted(extent.text) for extent in slot.extents)
                yield f"static const char *const hp_{direction}_extents_{i}[] = {{{extents}}};"
        if not slots:
            return
        yield f"static const hp_port hp_{direction}_ports[] = {{"
        for i, slot in enumerate(slots):
            extents = f"hp_{direction}_extents_{i}" if slot.extents else "NULL"
            record = self.record_address(slot.type)
            yield f"    {{{_quoted(slot.name)}, {slot.form}, {self._dtype(slot)}, {record}, {slot.ndim}, {extents}}},"
        yield "};"

    def _dtype(self, slot: _Slot) -> str:
        # Text has no dtype, and of an hp_out whose HP_ARRAY stands in a helper the dtype comes with the array.
        known = slot.type and slot.form != "HP_PORT_TEXT"
        return f"HP_DTYPE_INIT({slot.type})" if known else "{HP_NO_DTYPE, 0, 0}"

    def _constants(self) -> list[str]:
        """Names in extents that are the compiler's to know: no parameter, no dimension."""
        dimensions = {port.name for port in self.arguments}
        found: dict[str, None] = {}
        for port in (*self.arguments, *self.results):
            for extent in port.extents:
                if extent.compile_time:
                    found[extent.text] = None
                elif not port.view:
                    found |= dict.fromkeys(sorted(extent.symbols - dimensions))
        return list(found)

    def _symbols(self) -> Iterator[str]:
        if constants := self._constants():
            rows = ", ".join(f"{{{_quoted(text)}, (int64_t)({text})}}" for text in constants)
            yield f"static const hp_symbol hp_symbols[] = {{{rows}}};"

    def _descriptor(self) -> Iterator[str]:
        cell, constants = self.cell, self._constants()
        nout = len(self.results) + (cell.result is not None)
        polls = int(any(port.kind is PortKind.CONTEXT for port in cell.ports))
        yield f"{self.exported()} = {{"
        yield "    sizeof(hp_cell), HP_ABI_VERSION,"
        yield f"    {_quoted(cell.name)}, {_quoted(cell.signature)}, {_quoted(UNIT_KEY)}, {_quoted(COMPILER)},"
        yield f"    hp_entry_function, {len(self.arguments)}, {nout}, {len(constants)}, {polls},"
        names = ("hp_in_ports" if self.arguments else "NULL", "hp_out_ports" if nout else "NULL")
        yield f"    {names[0]}, {names[1]}, {'hp_symbols' if constants else 'NULL'},"
        yield "};"

    def positions(self) -> Iterator[tuple[Port, str]]:
        """Each port with the hp_value that belongs to it. The names must not hide what a notebook may call its own."""
        inputs, outputs = iter(range(len(self.arguments))), iter(range(self.cell.result is not None, 1000))
        for port in self.cell.ports:
            if port.kind is PortKind.CONTEXT:
                yield port, "ctx"
            else:
                yield port, f"hp_results[{next(outputs)}]" if port.is_output else f"hp_args[{next(inputs)}]"


class _C(_Writer):
    def prologue(self) -> Iterator[str]:
        yield "#include <hotplate.h>"

    def exported(self) -> str:
        return "HP_EXPORT const hp_cell hotplate_cell"

    def field(self, record: Record, index: int) -> str:
        field = record.fields[index]
        member = f"(({record.name} *)0)->{field.name}"
        lengths = [
            f"sizeof({member}{'[0]' * axis}) / sizeof({member}{'[0]' * (axis + 1)})" for axis in range(field.rank)
        ]
        shape = ", ".join(lengths) or "0"
        place = f"offsetof({record.name}, {field.name})"
        nested = self.record_address(field.type)
        return f"{{{_quoted(field.name)}, {place}, HP_DTYPE_INIT({field.type}), {nested}, {field.rank}, {{{shape}}}}}"

    def entry(self) -> Iterator[str]:
        yield "static int32_t hp_entry_function(hp_ctx *ctx, const hp_value *hp_args, hp_value *hp_results) {"
        yield "    (void)ctx, (void)hp_args, (void)hp_results;"
        arguments = []
        for i, (port, value) in enumerate(self.positions()):
            lines, argument = self._argument(i, port, value)
            yield from lines
            arguments.append(argument)
        yield from self._call(f"{self.cell.name}({', '.join(arguments)})")
        yield "    return HP_OK;"
        yield "}"

    def _argument(self, number: int, port: Port, value: str) -> tuple[list[str], str]:
        match port.kind:
            case PortKind.CONTEXT:
                return [], "ctx"
            case PortKind.ARRAY:
                return [], f"{value}.as.tensor.data"
            case PortKind.TEXT:
                return [], f"{value}.as.text"
            case PortKind.DYNAMIC:
                return [f"    hp_out hp_{number} = {{ctx, &{value}}};"], f"&hp_{number}"
        name = f"hp_{number}"
        copy = f"hp_copy(&{name}, HP_PLACE({port.type}, {value}), sizeof {name});"
        return [f"    {port.type} {name};", f"    {copy}"], name

    def _call(self, call: str) -> Iterator[str]:
        result = self.cell.result
        if result is None:
            yield f"    {call};"
        elif result.kind is PortKind.TEXT:
            yield f"    hp_results[0].as.text = {call};"
            yield "    hp_results[0].kind = hp_results[0].as.text ? HP_TEXT : HP_NONE;"
        else:
            yield f"    {result.type} hp_result = {call};"
            yield f"    hp_copy(HP_PLACE({result.type}, hp_results[0]), &hp_result, sizeof hp_result);"


class _Cpp(_Writer):
    def prologue(self) -> Iterator[str]:
        yield "#include <hotplate.hpp>"
        yield "#include <cstddef>"

    def exported(self) -> str:
        # `extern` and an initialiser in one declaration is a warning; without `extern` a const would be local.
        return 'extern "C" { HP_EXPORT extern const hp_cell hotplate_cell; }\nconst hp_cell hotplate_cell'

    def field(self, record: Record, index: int) -> str:
        field = record.fields[index]
        place = f"offsetof({record.name}, {field.name})"
        kind = f"decltype(static_cast<{record.name} *>(nullptr)->{field.name})"
        return f"::hp::abi::field<{kind}>({_quoted(field.name)}, {place}, {self.record_address(field.type)})"

    def entry(self) -> Iterator[str]:
        arguments = []
        yield "static int32_t hp_entry_function(hp_ctx *ctx, const hp_value *hp_args, hp_value *hp_results) {"
        yield "    (void)hp_args, (void)hp_results;"
        for i, (port, value) in enumerate(self.positions()):
            if port.kind is PortKind.DYNAMIC:
                yield f"    hp_out hp_{i}{{ctx, &{value}}};"
            arguments.append(self._argument(i, port, value))
        call = f"{self.cell.name}({', '.join(arguments)})"
        body = f"::hp::abi::give(ctx, hp_results[0], {call})" if self.cell.result else call
        yield f"    return ::hp::abi::guard(ctx, [&] {{ {body}; }});"
        yield "}"

    def _argument(self, number: int, port: Port, value: str) -> str:
        if port.kind is PortKind.CONTEXT:
            return "ctx"
        if port.kind is PortKind.DYNAMIC:
            return f"&hp_{number}"
        if port.kind is PortKind.ARRAY and not port.view:
            lengths = "".join(f"[{extent.text}]" for extent in port.extents[1:])
            qualifier = "" if port.is_output else "const "
            return f"static_cast<{qualifier}{port.type} (*){lengths}>({value}.as.tensor.data)"
        declared = port.declared or ("const char *" if port.kind is PortKind.TEXT else port.type)
        return f"::hp::abi::argument<{declared}>({value})"
