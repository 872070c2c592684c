"""One cell as a translation unit: its slice of the notebook, then its generated entry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.errors import BuildError
from hotplate.notebook.model import Language, PortKind
from hotplate.notebook.slice import slice_cell
from hotplate.toolchain.model import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.notebook.model import Cell, NotebookModel
    from hotplate.notebook.records import Record
    from hotplate.toolchain.toolchain import Toolchain

_VIEWS = "\n#include <hotplate.hpp>\n"
"""Precompiled with the notebook's own includes, after them so that what they define first still holds."""

_NUMBERS = re.compile(
    r"(std::)?(u?int(_least|_fast)?\d+_t|u?int(max|ptr)_t|s?size_t|ptrdiff_t|bool|_Bool|float|double"
    r"|(unsigned|signed|char|short|int|long| )+|(float|double) _Complex|_Complex (float|double)|std::complex<.*>"
    r"|(std::)?(complex)<.*>)"
)
"""Type texts that are numbers for sure, so that no header needs to be read for them."""


def make_unit(model: NotebookModel, name: str, toolchain: Toolchain) -> Unit:
    """The translation unit of a cell. Its text is made only when it has to be compiled.

    The toolchain's preprocessor is asked only for structs that the notebook itself does not define.
    """
    cell = model.cells[name]
    part = slice_cell(model, name)
    attributes = cell.section.attributes

    def render() -> str:
        from hotplate.toolchain.entry import generate_entry  # 4 ms, only for what is compiled

        records = _records(model, cell, toolchain, part.prelude + part.body)
        return f"{part.body}\n{generate_entry(cell, model.language, records)}"

    return Unit(
        cell=name,
        language=model.language.value,
        render=render,
        prelude=part.includes + _VIEWS if model.language is Language.CPP else "",
        located_prelude=part.prelude + _VIEWS if model.language is Language.CPP else "",
        fingerprint=f"{cell.signature}\n{part.fingerprint}",
        notebook=model.path,
        flags=(*attributes.flags, *toolchain.flags),
        libs=attributes.libs,
        std=attributes.std,
    )


def _records(model: NotebookModel, cell: Cell, toolchain: Toolchain, text: str) -> Mapping[str, Record]:
    wanted = {port.type for port in cell.ports if port.type and port.kind is not PortKind.CONTEXT}
    if cell.result is not None and cell.result.kind is not PortKind.TEXT:
        wanted.add(cell.result.type)
    wanted = {name for name in wanted if not _NUMBERS.fullmatch(name)}
    if not wanted:
        return {}
    from hotplate.notebook.records import find_records  # 5 ms, only for what is compiled

    # What the compiler will see: only the preprocessor knows which #if holds and what a header or a flag defines.
    own, expanded = toolchain.preprocess(text, model, cell.section.attributes)
    found = find_records(own or model.text, model.language, wanted)
    if missing := _undefined(wanted, found):
        found = {**find_records(expanded, model.language, missing), **found}
    _refuse_problems(model, cell, found)
    return found


def _undefined(wanted: set[str], found: Mapping[str, Record]) -> set[str]:
    nested = {field.type for record in found.values() for field in record.fields}
    return {name for name in wanted | nested if name not in found and not _NUMBERS.fullmatch(name)}


def _refuse_problems(model: NotebookModel, cell: Cell, records: Mapping[str, Record]) -> None:
    problems = [record for record in records.values() if record.problem]
    if not problems:
        return
    line = cell.name_span.line
    raise BuildError(
        [
            Diagnostic(
                Severity.ERROR,
                f"{cell.name}: {record.name} can't cross to NumPy: {record.problem}",
                path=str(model.path),
                line=line,
                column=cell.name_span.column,
                end_column=cell.name_span.end_column,
                source=model.lines[line - 1],
                cell=cell.name,
                rule="record",
                hint="pass the parts that are plain numbers as arrays or scalars of their own",
            )
            for record in problems
        ]
    )
