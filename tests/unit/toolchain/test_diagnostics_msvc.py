"""cl's and link's messages, in the form that Microsoft documents."""

from __future__ import annotations

import pytest

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.toolchain.compile import missing_file
from hotplate.toolchain.diagnostics import parse_output

_NOTEBOOK = "C:\\work\\n.c"
_LINES = {
    _NOTEBOOK: [
        "#include <math.h>",
        "double nope(double);",
        "void cell(int n, const double x[n], double out[n]) {",
        "    out[0] = nope(missing);",
        "}",
    ]
}


def errors(text: str) -> tuple[Diagnostic, ...]:
    return parse_output(text, failed=True, cell="cell", lines_by_path=_LINES)


@pytest.mark.parametrize(
    ("place", "column"),
    [("C:\\work\\n.c(4,19): ", 19), ("c:\\work\\n.c(4): ", 0), ("C:/work/n.c(4) : ", 0)],
)
def test_an_error_is_on_the_notebooks_line(place: str, column: int) -> None:
    [found] = errors(f"unit.c\n{place}error C2065: 'missing': undeclared identifier\n")
    assert (found.severity, found.message, found.rule) == (Severity.ERROR, "'missing': undeclared identifier", "C2065")
    assert (found.path, found.line, found.column) == (_NOTEBOOK, 4, column)
    assert found.source == "    out[0] = nope(missing);"


def test_a_warning_and_its_notes_stay_together() -> None:
    text = (
        "C:\\work\\n.c(4,5): warning C4101: 'y': unreferenced local variable\n"
        "C:\\work\\n.c(2,8): note: see declaration of 'nope'\n"
    )
    [found] = parse_output(text, failed=False, lines_by_path=_LINES)
    assert (found.severity, found.rule) == (Severity.WARNING, "C4101")
    assert [(n.severity, n.message, n.line) for n in found.notes] == [(Severity.NOTE, "see declaration of 'nope'", 2)]


def test_numbers_tell_how_bad_it_is_where_the_words_are_in_another_language() -> None:
    [wrong, doubtful] = errors(
        'C:\\work\\n.c(4,19): Fehler C2065: "missing": nichtdeklarierter Bezeichner\n'
        'C:\\work\\n.c(4,5): Warnung C4101: "y": Unreferenzierte lokale Variable\n'
    )
    assert (wrong.severity, doubtful.severity) == (Severity.ERROR, Severity.WARNING)


@pytest.mark.parametrize(
    "symbol",
    ["nope", '"double __cdecl nope(double)" (?nope@@YANN@Z)', "__imp_nope"],
    ids=["c", "c++", "imported"],
)
def test_an_unresolved_symbol_is_where_the_notebook_uses_it(symbol: str) -> None:
    [found] = errors(
        f"unit.obj : error LNK2019: unresolved external symbol {symbol} referenced in function cell\n"
        "cell.dll : fatal error LNK1120: 1 unresolved externals\n"
    )
    assert "'nope" in found.message
    assert (found.path, found.line, found.column) == (_NOTEBOOK, 4, 14)


def test_array_parameters_are_refused_once_with_the_way_out() -> None:
    place = "C:\\work\\n.c(3,33): error"
    found = errors(
        f"{place} C2057: expected constant expression\n"
        f"{place} C2466: cannot allocate an array of constant size 0\n"
        f"{place} C2133: 'x': unknown size\n"
    )
    [error] = found
    assert "clang-cl, gcc or zig" in error.hint
    assert "hp::in" in error.hint


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("C2169", "'cos': intrinsic function, cannot be defined"),
        ("C2371", "'y0': redefinition; different basic types"),
    ],
)
def test_a_cell_named_like_a_function_of_math_h_gets_the_way_out(number: str, message: str) -> None:
    [found] = errors(f"C:\\work\\n.c(4,8): error {number}: {message}\n")
    assert "<math.h>" in found.hint
    assert "rename" in found.hint


def test_what_tools_say_about_themselves_is_kept() -> None:
    [option, library] = errors(
        "cl : Command line warning D9002 : ignoring unknown option '-fwrapv'\n"
        "LINK : fatal error LNK1104: cannot open file 'foo.lib'\n"
    )
    assert (option.severity, option.message) == (Severity.WARNING, "cl: ignoring unknown option '-fwrapv'")
    assert (library.severity, library.message) == (Severity.ERROR, "LINK: cannot open file 'foo.lib'")


def test_progress_is_no_message() -> None:
    text = "unit.cpp\n   Creating library C:\\c\\unit.lib and object C:\\c\\unit.exp\nGenerating Code...\n"
    assert parse_output(text, failed=False) == ()


@pytest.mark.parametrize(
    "path", ["C:\\work\\n.c", "C://work//n.c", "c:/WORK/n.c"], ids=["as given", "tcc's", "another case"]
)
def test_a_compilers_spelling_of_the_notebooks_path_is_the_notebook(path: str) -> None:
    [found] = errors(f"{path}:4: error: 'missing' undeclared\n")
    assert (found.path, found.line) == (_NOTEBOOK, 4)


def test_generated_text_is_known_by_its_name_in_whatever_folder_tcc_puts_it() -> None:
    lines = {**_LINES, "<hotplate entry>": ["generated"]}
    text = "C:/cache/tmp/12ab/<hotplate entry>:1: warning: assignment makes integer from pointer without a cast\n"
    [found] = parse_output(text, failed=False, lines_by_path=lines)
    assert found.path == "<hotplate entry>"


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("none.h: No such file or directory", "none.h"),
        ("Cannot open include file: 'none.h': No such file or directory", "none.h"),
        ("ld: cannot find -lfoo: No such file or directory", ""),
    ],
)
def test_a_missing_header_is_known_by_name_so_that_it_can_be_waited_for(message: str, name: str) -> None:
    assert missing_file(message) == name
