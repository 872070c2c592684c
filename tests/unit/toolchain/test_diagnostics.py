"""From what compilers print to places in the notebook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.toolchain import Builder, BuildFailure, Compiler, Family, Unit
from hotplate.toolchain.diagnostics import attach_sources, parse_output, relocate, unit_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeBuilder = Callable[..., Builder]
    MakeUnit = Callable[..., Unit]


def errors(builder: Builder, unit: Unit) -> list[Diagnostic]:
    result = builder.build(unit)
    assert isinstance(result, BuildFailure), result
    return [d for d in result.diagnostics if d.severity is Severity.ERROR]


def test_an_error_is_on_the_notebooks_line_and_column(
    any_compiler: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    unit = make_unit("// one\ndouble cell(double x) {\n    return x * missing;\n}")
    found = errors(builder_for(any_compiler), unit)[0]
    assert "missing" in found.message
    assert (found.path, found.line, found.cell) == (str(unit.notebook), 3, "cell")
    assert found.source == "    return x * missing;"
    if any_compiler.family is not Family.TCC:  # tcc tells no columns
        assert found.column == 16


def test_columns_count_characters_not_bytes(
    any_compiler: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    if any_compiler.family is Family.TCC:
        pytest.skip("tcc tells no columns")
    text = "double cell(double x) { /* äöü€ */ return x * missing; }"
    found = errors(builder_for(any_compiler), make_unit(text))[0]
    assert found.column == text.index("missing") + 1


def test_a_cell_named_like_a_function_of_math_h_gets_the_way_out(
    any_compiler: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    text = "#include <math.h>\ndouble y0(int n) { return n; }\ndouble cell(double x) { return x; }"
    found = errors(builder_for(any_compiler), make_unit(text))[0]
    assert "<math.h>" in found.hint
    assert "rename" in found.hint


def test_a_warning_carries_its_flag_and_does_not_fail_the_build(
    gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    unit = make_unit("double cell(double x) { int unused = 3; return x; }")
    artifact = builder_for(gcc).build(unit)
    assert not isinstance(artifact, BuildFailure)
    [warning] = artifact.warnings
    assert (warning.severity, warning.rule, warning.column, warning.end_column) == (
        Severity.WARNING, "-Wunused-variable", 29, 35,
    )  # fmt: skip


def test_a_kept_warning_follows_its_line_when_a_comment_moves_it(
    gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    text = "double cell(double x) { int unused = 3; return x; }"
    builder = builder_for(gcc)
    unit = make_unit(text)
    builder.build(unit)
    unit.notebook.write_text(f"// a comment\n\n{text}\n", "utf-8")
    artifact = builder.find(unit)
    assert artifact
    assert [w.line for w in artifact.warnings] == [3]


def test_gcc_json_becomes_diagnostics_with_notes() -> None:
    place = {"file": "n.c", "line": 2, "byte-column": 8, "column": 8}
    node = {
        "kind": "error",
        "message": "conflicting types for \u2018y0\u2019",
        "locations": [{"caret": place, "finish": {**place, "byte-column": 9}}],
        "children": [{"kind": "note", "message": "previously here", "locations": [{"caret": {**place, "line": 1}}]}],
    }
    [found] = parse_output(json.dumps([node]), failed=True, lines_by_path={"n.c": ["int y0;", "double y0(int);"]})
    assert (found.line, found.column, found.end_column, found.source) == (2, 8, 10, "double y0(int);")
    assert found.message == "conflicting types for 'y0'"
    assert [(n.message, n.line, n.source) for n in found.notes] == [("previously here", 1, "int y0;")]


def test_sarif_becomes_diagnostics_with_notes() -> None:
    def where(line: int, column: int, end: int) -> dict[str, object]:
        region = {"startLine": line, "startColumn": column, "endColumn": end}
        return {"physicalLocation": {"artifactLocation": {"uri": "file:///tmp/a%20b.c"}, "region": region}}

    result = {
        "ruleId": "-Wconversion",
        "level": "warning",
        "message": {"text": "may change value"},
        "locations": [where(3, 5, 9)],
        "relatedLocations": [{**where(1, 2, 3), "message": {"text": "declared here"}}],
    }
    document = {"version": "2.1.0", "runs": [{"columnKind": "unicodeCodePoints", "results": [result]}]}
    [found] = parse_output(json.dumps(document), failed=False)
    assert (found.severity, found.path, found.line, found.column, found.end_column, found.rule) == (
        Severity.WARNING, "/tmp/a b.c", 3, 5, 9, "-Wconversion",
    )  # fmt: skip
    assert [(n.message, n.line) for n in found.notes] == [("declared here", 1)]


@pytest.mark.parametrize("uri", ["file:///C:/my%20work/n.c", "C:/my%20work/n.c"])
def test_a_place_in_sarif_may_be_on_a_drive(uri: str) -> None:
    where = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1, "startColumn": 1}}}
    document = {"version": "2.1.0", "runs": [{"results": [{"message": {"text": "no"}, "locations": [where]}]}]}
    [found] = parse_output(json.dumps(document), failed=True)
    assert found.path == "C:/my work/n.c"


def test_clang_lines_name_files_on_drives() -> None:
    text = "In file included from C:\\w\\n.c:1:\nC:\\w\\h.h:3:4: error: unknown type name 'doubel'\n"
    [found] = parse_output(text, failed=True)
    assert (found.path, found.line, found.notes[0].path) == ("C:\\w\\h.h", 3, "C:\\w\\n.c")


def test_clang_lines_keep_ranges_flags_and_notes() -> None:
    text = (
        "In file included from n.c:1:\n"
        "h.h:3:40:{4:40-4:48}: warning: incompatible types [-Wint-conversion]\n"
        "h.h:1:1: note: declared here\n"
        "1 warning generated.\n"
    )
    [found] = parse_output(text, failed=False)
    assert (found.path, found.line, found.column, found.end_column) == ("h.h", 3, 40, 48)
    assert found.rule == "-Wint-conversion"
    assert [n.message for n in found.notes] == ["included from here", "declared here"]


def test_what_is_not_understood_is_kept_as_it_is() -> None:
    [failure] = parse_output("Segmentation fault\nsomewhere", failed=True, cell="u1")
    assert (failure.severity, failure.message, failure.cell) == (Severity.ERROR, "Segmentation fault\nsomewhere", "u1")
    [note] = parse_output("a remark", failed=False)
    assert (note.severity, note.message) == (Severity.NOTE, "a remark")


def test_a_silent_failure_is_still_an_error() -> None:
    [found] = parse_output("", failed=True)
    assert found.severity is Severity.ERROR


def test_sources_are_attached_to_notes_too() -> None:
    note = Diagnostic(Severity.NOTE, "here", "n.c", 1)
    [found] = attach_sources([Diagnostic(Severity.ERROR, "no", "n.c", 2, notes=(note,))], {"n.c": ["a", "b"]})
    assert (found.source, found.notes[0].source) == ("b", "a")


def test_the_lines_of_a_unit_are_those_of_its_line_directives() -> None:
    lines = unit_lines('own\n#line 3 "a.c"\nthree\n#line 1 "b \\"c\\".c"\none\ntwo', "unit.c")
    assert lines == {"unit.c": ["own"], "a.c": ["", "", "three"], 'b "c".c': ["one", "two"]}


def test_a_diagnostic_whose_line_is_gone_loses_its_place(tmp_path: Path) -> None:
    old = Diagnostic(Severity.WARNING, "w", str(tmp_path / "gone.c"), 5, 2, 3, source="old text")
    [found] = relocate([old], {"n.c": ["new text"]})
    assert (found.path, found.line, found.column) == ("", 0, 0)
