from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hotplate.notebook.parse import parse
from hotplate.notebook.slice import shared_state, slice_cell


def sliced(text: str, cell: str, path: str = "a.c") -> list[str]:
    return [item.text for item in slice_cell(parse(Path(path), text), cell).items]


def fingerprint(text: str, cell: str = "a", path: str = "a.c") -> str:
    return slice_cell(parse(Path(path), text), cell).fingerprint


HELPERS = """\
#include <math.h>
#define SQUARE(x) ((x) * (x))
#define UNUSED 3
typedef struct { double m; } body;
static double twice(double x);
static double other(double x) { return x; }
static double mass(body b) { return SQUARE(b.m); }
static double twice(double x) { return 2 * x; }
double a(body b) { return mass(b) + twice(1); }
"""


def test_a_slice_has_what_the_cell_reaches_and_nothing_else() -> None:
    texts = sliced(HELPERS, "a")
    assert texts[0] == "#include <math.h>"
    assert not any("UNUSED" in text or "other" in text for text in texts)
    assert len(texts) == 7


@pytest.mark.parametrize(
    ("text", "callees"),
    [
        ("double u(void) { return 1; }\ndouble a(double u) { return u; }", ()),
        ("double u(void) { return 1; }\ndouble a(int k) { return u() + k; }", ("u",)),
        ("double u(void) { return 1; }\ndouble a(int k) { double u = 2; return u + k; }", ()),
        ("double u(void) { return 1; }\ndouble a(int k) { { double u = 2; } return u() + k; }", ("u",)),
        ("double u(void) { return 1; }\ndouble a(int k) { for (int u = 0; u < k; u++) {} return 1; }", ()),
        ("double u(void) { return 1; }\ndouble a(int k) { double (*f)(void) = u; return f() + k; }", ("u",)),
        ("double u(void) { return 1; }\ntypedef struct { int u; } s;\ndouble a(s b) { return b.u; }", ()),
        ("double u(void) { return 1; }\ndouble a(int k) { struct { int u; } s = {.u = 1}; return s.u + k; }", ()),
        ("double u(void) { return 1; }\ndouble a(int k) { goto u; u: return k; }", ()),
        ("double u(void) { return 1; }\n#define CALL u()\ndouble a(int k) { return CALL + k; }", ("u",)),
        ("double u(void) { return 1; }\n#define ID(u) (u)\ndouble a(int k) { return ID(k); }", ()),
        ("double u(void) { return 1; }\nstatic double h(double u) { return u; }\ndouble a(int k) { return h(k); }", ()),
        (
            "double u(void) { return 1; }\nstatic double h(int k) { return u(); }\ndouble a(int k) { return h(k); }",
            ("u",),
        ),
        ("double u(void) { return 1; }\nstatic double h(double u);\ndouble a(int k) { return h(k); }", ()),
        ("double v(void) { return 1; }\ndouble u(void) { return v(); }\ndouble a(int k) { return u(); }", ("v", "u")),
        ('double u(void) { return 1; }\ndouble a(int k) { /* u() */ return "u()"[k]; }', ()),
    ],
)
def test_a_cell_is_compiled_in_only_when_it_is_really_used(text: str, callees: tuple[str, ...]) -> None:
    assert slice_cell(parse(Path("a.c"), text), "a").callees == callees


@pytest.mark.parametrize(
    ("body", "callees"),
    [
        ("auto f = [](double u) { return u; }; return f(k);", ()),
        ("auto f = [](double v) { return v * u(); }; return f(k);", ("u",)),
        ("auto [u, v] = std::pair{k, k}; return u + v;", ()),
        ("return x::u() + k;", ()),
        ("return ::u() + k;", ("u",)),
        ("try { return k; } catch (const int &u) { return u; }", ()),
        ("double s = 0; for (auto u : {1, 2}) s += u; return s;", ()),
    ],
)
def test_cpp_scopes_hide_cells_too(body: str, callees: tuple[str, ...]) -> None:
    text = f"double u() {{ return 1; }}\nnamespace x {{ double u() {{ return 2; }} }}\ndouble a(int k) {{ {body} }}"
    assert slice_cell(parse(Path("a.cpp"), text), "a").callees == callees


def test_lines_and_columns_map_to_the_notebook() -> None:
    text = "// top\nint x; int a(void) { return x; }\n"
    body = slice_cell(parse(Path('dir\\a "b".c'), text), "a").body
    assert (
        body == '#line 2 "dir\\\\a \\"b\\".c"\nint x;\n#line 2 "dir\\\\a \\"b\\".c"\n       int a(void) { return x; }\n'
    )


def test_the_cpp_prelude_ends_at_the_last_leading_include() -> None:
    text = (
        "// top\n#include <vector>\n#ifdef _OPENMP\n#include <omp.h>\n#endif\n#define N 3\n"
        "int b() { return N; }\n"
        "#include <late>\n"
        "int a() { return N; }\n"
    )
    found = slice_cell(parse(Path("a.cpp"), text), "a")
    assert found.prelude == '#line 1 "a.cpp"\n// top\n#include <vector>\n#ifdef _OPENMP\n#include <omp.h>\n#endif\n'
    assert found.includes == "#include <vector>\n#ifdef _OPENMP\n#include <omp.h>\n#endif\n"
    assert found.body.count("#include") == 1


@pytest.mark.parametrize(("path", "text"), [("a.c", "#include <math.h>\n"), ("a.cpp", "#define N 1\n"), ("a.cpp", "")])
def test_there_is_no_prelude_in_c_or_without_includes(path: str, text: str) -> None:
    assert slice_cell(parse(Path(path), f"{text}int a(void) {{ return 1; }}\n"), "a").prelude == ""


@pytest.mark.parametrize("include", ["#include <assert.h>", "#ifdef __unix__\n#include <assert.h>\n#endif"])
@pytest.mark.parametrize("path", ["a.c", "a.cpp"])
def test_what_is_defined_before_a_header_is_in_every_slice_and_later_macros_are_not(path: str, include: str) -> None:
    text = f"#define NDEBUG\n{include}\n#define LATER\nint a(void) {{ return 1; }}\n"
    assert sliced(text, "a", path) == ["#define NDEBUG", include, "int a(void) { return 1; }"]


@pytest.mark.parametrize("path", ["a.c", "a.cpp"])
@pytest.mark.parametrize(
    "behind",
    [
        "#include <math.h>\n",
        "#ifdef __unix__\n#include <unistd.h>\n#endif\n",
        '#pragma GCC diagnostic ignored "-Wall"\n',
        "#define LATER 1\n#include <math.h>\nint c(void) { return LATER; }\n",
    ],
)
def test_directives_behind_all_that_a_cell_needs_are_not_in_its_slice(path: str, behind: str) -> None:
    text = "#include <stdint.h>\n#define UNUSED 3\nint a(void) { return 1; }\nint b(void) { return 2; }\n"
    assert sliced(text + behind, "a", path) == ["#include <stdint.h>", "int a(void) { return 1; }"]


def test_what_is_used_without_being_named_is_in_the_slice_of_a_cell_before_it_only_if_it_is_code() -> None:
    text = "int a() { return 1; }\nusing namespace std;\n"
    assert sliced(text, "a", "a.cpp") == ["int a() { return 1; }"]
    text = "int a() { return 1; }\nS operator+(S, S) { return S(); }\n"
    assert len(sliced(text, "a", "a.cpp")) == 2


def test_a_header_behind_a_cell_is_in_its_slice_before_what_the_cell_needs_behind_that() -> None:
    text = "static int h(int);\nint a(int k) { return h(k); }\n#include <math.h>\nstatic int h(int k) { return k; }\n"
    assert "#include <math.h>" in sliced(text, "a")


def test_a_header_brings_along_the_macros_before_it_and_the_headers_before_those() -> None:
    text = (
        "int a(int k) { return k; }\n#include <stdint.h>\n#define NDEBUG\n#include <assert.h>\n#define LATER\n"
        "int b(int k) { return k; }\n#include <math.h>\n"
    )
    assert sliced(text, "b")[:-1] == ["#include <stdint.h>", "#define NDEBUG", "#include <assert.h>"]


@pytest.mark.parametrize("opened", [True, False])
def test_a_pragma_that_is_ended_behind_a_cell_is_ended_in_its_slice(opened: bool) -> None:
    push, pop = "#pragma GCC visibility push(default)", "#pragma GCC visibility pop"
    text = f"{push}\n{'' if opened else pop}\nint a(int k) {{ return k; }}\n{'' if opened else push}\n{pop}\n"
    assert sliced(text, "a").count(pop) == 1


def test_blocks_come_along_only_around_what_is_used() -> None:
    text = (
        "namespace x {\nint f() { return 1; }\nint g() { return 2; }\n}\nnamespace y { int h; }\n"
        'extern "C" {\n'
        "int a(int k) { return x::f(); }\n}\n"
    )
    assert sliced(text, "a", "a.cpp") == [
        "namespace x {",
        "int f() { return 1; }",
        "}",
        'extern "C" {',
        "int a(int k) { return x::f(); }",
        "}",
    ]


def test_member_functions_come_with_their_class() -> None:
    text = "struct S { int q; int get(); };\nint S::get() { return q; }\nint a(S s) { return s.get(); }\n"
    assert len(sliced(text, "a", "a.cpp")) == 3


def test_broken_text_is_in_no_slice() -> None:
    assert sliced("int x = ;\nint a(void) { return x; }\n", "a") == ["int a(void) { return x; }"]


BASE = "#define K 3\nstatic int h(int x) { return x + K; }\nint a(int x) { return h(x) + 1; }\n"


@pytest.mark.parametrize(
    "edited",
    [
        BASE.replace("static", "// says\nstatic"),
        BASE.replace("x + K", "x /* plus */ + K"),
        BASE.replace("x + K", "x+K").replace("{ return", "{\n\n\treturn"),
        "\n\n" + BASE,
        BASE + "int b(int y) { return y; }\n",
        BASE.replace("int a", "int b(int y) { return y; }\nint a"),
        BASE.replace("#define K 3", "#define   K   3 // three"),
        BASE.replace("#define K 3", "#define K \\\n    3"),
    ],
)
def test_the_fingerprint_ignores_comments_format_and_edits_elsewhere(edited: str) -> None:
    assert fingerprint(edited) == fingerprint(BASE)


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        (BASE, BASE.replace("+ 1", "+ 2")),
        (BASE, BASE.replace("K 3", "K 4")),
        (BASE, BASE.replace("x + K", "x - K")),
        ('int a(void) { return "a b"[0]; }', 'int a(void) { return "a  b"[0]; }'),
        ("int a(int x) { return x + +x; }", "int a(int x) { return x ++x; }"),
        ("#define F(x) 1\nint a(int x) { return F(x); }", "#define F (x) 1\nint a(int x) { return F(x); }"),
        ("#define S(x) #x\nint a(void) { return S(a+b)[1]; }", "#define S(x) #x\nint a(void) { return S(a + b)[1]; }"),
        ("int a(int x) {\n#pragma once\nreturn x; }", "int a(int x) {\n#pragma twice\nreturn x; }"),
    ],
)
def test_the_fingerprint_sees_what_the_compiler_sees(text: str, edited: str) -> None:
    assert fingerprint(text) != fingerprint(edited)


@pytest.mark.parametrize(
    "text",
    [
        "int a(void) { return __LINE__; }",
        "int a(int x) { assert(x); return 1; }",
        "#define HERE __LINE__\n#define AT HERE\nint a(void) { return AT; }",
        "static int h(void) { return __LINE__; }\nint a(void) { return h(); }",
    ],
)
def test_an_item_that_sees_its_line_has_it_in_the_fingerprint(text: str) -> None:
    assert fingerprint(text) != fingerprint("\n" + text)


def test_raw_strings_are_kept_verbatim() -> None:
    text = 'const char *a(void) { return R"(a  // "b")"; }'
    assert 'R"(a  // "b")"' in fingerprint(text, path="a.cpp")


def test_an_unknown_cell_is_a_key_error(c_example: str) -> None:
    with pytest.raises(KeyError):
        slice_cell(parse(Path("a.c"), c_example), "nope")


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize("cell", ["dx", "n", "u0", "u1"])
def test_a_slice_compiles_on_its_own(tmp_path: Path, c_example: str, cell: str) -> None:
    found = slice_cell(parse(tmp_path / "heat.c", c_example), cell)
    done = subprocess.run(
        ["gcc", "-std=gnu17", "-fsyntax-only", "-x", "c", "-"],
        input=found.prelude + found.body,
        text=True,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


# ---- shared state


def test_a_variable_that_two_cells_change_is_an_error_that_points_to_both() -> None:
    text = "static int count;\nint a(int x) { return count += x; }\nint b(int y) { return count + y; }\n"
    (found,) = shared_state(parse(Path("a.c"), text))
    assert (found.rule, found.line, found.column, found.end_column) == ("shared-state", 1, 12, 17)
    assert [(note.line, note.column) for note in found.notes] == [(2, 23), (3, 23)]


@pytest.mark.parametrize(
    "text",
    [
        "static const int c = 1;\nint a(int x) { return c; }\nint b(int y) { return c; }\n",
        "static int c;\nint a(int x) { return c; }\nint b(int y) { return y; }\n",
        "static int c;\nint a(int x) { return c; }\nint b(int c) { return c; }\n",
        "static int c;\nint a(int x) { return c; }\nint b(int x) { int c = x; return c; }\n",
        "static double *const c = 0;\nint a(int x) { return *c; }\nint b(int x) { return *c; }\n",
    ],
)
def test_constants_and_variables_of_one_cell_are_fine(text: str) -> None:
    assert shared_state(parse(Path("a.c"), text)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "static int c;\nstatic int h(void) { return c++; }\nint a(int x) { return h(); }\nint b(int y) { return c; }\n",
        "static int c;\nint a(int x) { return c; }\nint b(int y) { return a(y); }\n",
        "extern int c;\nint a(int x) { return c; }\nint b(int y) { return c; }\n",
        "const double *c;\nint a(int x) { return *c; }\nint b(int y) { return *c; }\n",
    ],
)
def test_a_use_through_a_callee_counts(text: str) -> None:
    assert [found.rule for found in shared_state(parse(Path("a.c"), text))] == ["shared-state"]


def test_shared_state_in_a_namespace_is_seen() -> None:
    text = "namespace x { int c; }\nint a(int k) { return x::c; }\nint b(int k) { using namespace x; return c; }\n"
    assert [found.rule for found in shared_state(parse(Path("a.cpp"), text))] == ["shared-state"]


def test_a_parameter_does_not_hide_the_struct_of_its_name() -> None:
    text = (
        "struct option { double strike; };\n"
        "struct option option(void) { return (struct option){1.0}; }\n"
        "double price(struct option option) { return option.strike; }\n"
    )
    part = slice_cell(parse(Path("a.c"), text), "price")
    assert "struct option { double strike; };" in part.body
    assert "return (struct option){1.0};" not in part.body
    assert "struct option { double strike; };" in slice_cell(parse(Path("a.c"), text), "option").body
