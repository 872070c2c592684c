from __future__ import annotations

import random
from pathlib import Path

import pytest

from hotplate.notebook.model import ItemKind, NotebookModel, PortKind
from hotplate.notebook.parse import parse


def c(text: str) -> NotebookModel:
    return parse(Path("a.c"), text)


def cpp(text: str) -> NotebookModel:
    return parse(Path("a.cpp"), text)


# ---- the examples of the manual


def test_the_c_example(c_example: str) -> None:
    model = c(c_example)
    assert model.diagnostics == ()
    assert list(model.cells) == ["dx", "n", "u0", "u1"]
    assert list(model.helpers) == ["bump"]
    assert [section.title for section in model.sections] == ["", "Parameters", "Initial state", "Step"]
    assert model.cells["u0"].section.attributes.flags == ("-O3",)
    assert [port.name for port in model.cells["u1"].inputs] == ["n", "u0", "dx", "dt"]
    assert (model.cells["dx"].outputs, model.cells["u1"].outputs) == (("value",), ("out",))


def test_the_cpp_example(cpp_example: str) -> None:
    model = cpp(cpp_example)
    assert model.diagnostics == ()
    ports = model.cells["u1"].ports
    assert [(port.name, port.kind, port.is_output) for port in ports] == [
        ("u0", PortKind.ARRAY, False),
        ("dt", PortKind.SCALAR, False),
        ("out", PortKind.ARRAY, True),
    ]


# ---- items


@pytest.mark.parametrize(
    ("text", "kind", "defines"),
    [
        ("#include <math.h>", ItemKind.INCLUDE, set()),
        ("#define N 3", ItemKind.MACRO, {"N"}),
        ("#define F(x) \\\n  (x)", ItemKind.MACRO, {"F"}),
        ("#pragma once", ItemKind.OTHER, set()),
        ("#undef N", ItemKind.OTHER, set()),
        ("#ifdef A\n#define B 1\nint x;\n#endif", ItemKind.OTHER, {"B", "x"}),
        ("struct body { double m; };", ItemKind.TYPE, {"body"}),
        ("struct body;", ItemKind.TYPE, {"body"}),
        ("typedef struct vec { double x; } vec_t, *vec_p;", ItemKind.TYPE, {"vec", "vec_t", "vec_p"}),
        ("enum color { RED, BLUE = 3 };", ItemKind.TYPE, {"color", "RED", "BLUE"}),
        ("union u { int a; };", ItemKind.TYPE, {"u"}),
        ("struct s { int a; } x, *y;", ItemKind.VARIABLE, {"s", "x", "y"}),
        ("double f(double x);", ItemKind.PROTOTYPE, {"f"}),
        ("double f(double x), g(void);", ItemKind.PROTOTYPE, {"f", "g"}),
        ("int (*fp)(int);", ItemKind.VARIABLE, {"fp"}),
        ("static double h(double x) { return x; }", ItemKind.FUNCTION, {"h"}),
        ("double h(double x) { return x; }", ItemKind.CELL, {"h"}),
        ('_Static_assert(1, "x");', ItemKind.OTHER, set()),
        ('asm("nop");', ItemKind.OTHER, set()),
        ("DEFINE_TABLE(foo);", ItemKind.OTHER, set()),
        ("DEFINE_CELL(foo) { return 1; }", ItemKind.OTHER, set()),
        ("_Thread_local int x;", ItemKind.VARIABLE, {"x"}),
        ("const double t[2][2] = {{1, 2}, {3, 4}};", ItemKind.VARIABLE, {"t"}),
    ],
)
def test_c_items(text: str, kind: ItemKind, defines: set[str]) -> None:
    model = c(text)
    assert model.diagnostics == ()
    assert [(item.kind, item.defines, item.text) for item in model.items] == [(kind, defines, text)]


@pytest.mark.parametrize(
    ("text", "kind", "defines"),
    [
        ("using namespace std;", ItemKind.OTHER, set()),
        ("using hp::in;", ItemKind.TYPE, {"in"}),
        ("using hp::in, hp::out;", ItemKind.TYPE, {"in", "out"}),
        ("using std::int64_t,\n    ::std :: vector;", ItemKind.TYPE, {"int64_t", "vector"}),
        ("using vec = std::vector<double>;", ItemKind.TYPE, {"vec"}),
        ("namespace h = hp;", ItemKind.TYPE, {"h"}),
        ("template <class T> struct box { T x; };", ItemKind.TYPE, {"box"}),
        ("template <> struct box<int> {};", ItemKind.OTHER, set()),
        ("template <class T = int> T f(T x) { return x; }", ItemKind.FUNCTION, {"f"}),
        ("template <class T> concept Num = true;", ItemKind.TYPE, {"Num"}),
        ("enum class E : int { A };", ItemKind.TYPE, {"E", "A"}),
        ("class Q final : public P { public: void f() { } int x; };", ItemKind.TYPE, {"Q"}),
        ("bool operator<(Q a, Q b) { return false; }", ItemKind.OTHER, set()),
        ("S::S() : a(1), b{2} { }", ItemKind.FUNCTION, {"S"}),
        ("auto f = [](int x) { return x; };", ItemKind.VARIABLE, {"f"}),
        ("static_assert(true);", ItemKind.OTHER, set()),
        ("int big = 1'000'000;", ItemKind.VARIABLE, {"big"}),
        ("std::mt19937 rng(42);", ItemKind.VARIABLE, {"rng"}),
    ],
)
def test_cpp_items(text: str, kind: ItemKind, defines: set[str]) -> None:
    model = cpp(text)
    assert model.diagnostics == ()
    assert [(item.kind, item.defines, item.text) for item in model.items] == [(kind, defines, text)]


@pytest.mark.parametrize(
    ("text", "mutable"),
    [
        ("int x;", True),
        ("static double x = 3;", True),
        ("const double x = 3;", False),
        ("double const x = 3;", False),
        ("const double *p;", True),
        ("double *const p = 0;", False),
        ("const double *const p = 0;", False),
        ("const double t[3] = {1};", False),
        ("const double *t[3];", True),
        ("const char *const t[] = {0};", False),
        ("const int a = 1, *b;", True),
        ("extern int x;", True),
        ("extern const int x;", False),
        ("static _Thread_local int x;", True),
        ("int (*const fp)(int) = 0;", False),
        ("double f(double);", False),
    ],
)
def test_which_variables_are_state(text: str, mutable: bool) -> None:
    assert [item.mutable for item in c(text).items] == [mutable]


@pytest.mark.parametrize(
    ("text", "mutable"),
    [
        ("constexpr int n = 3;", False),
        ("inline double g = 2;", True),
        ("thread_local int x;", True),
        ("const auto v = 1;", False),
        ("std::vector<int> v;", True),
    ],
)
def test_which_cpp_variables_are_state(text: str, mutable: bool) -> None:
    assert [item.mutable for item in cpp(text).items] == [mutable]


def test_items_know_their_line_and_column() -> None:
    model = c("/* ä */ int x; int y;\n\n  int z;\n")
    assert [(item.line, item.column) for item in model.items] == [(1, 9), (1, 16), (3, 3)]


def test_functions_in_extern_c_are_cells() -> None:
    model = cpp('extern "C" double a(double x) { return x; }\nextern "C" {\ndouble b(double x) { return x; }\n}\n')
    assert list(model.cells) == ["a", "b"]
    assert model.diagnostics == ()


def test_attribute_macros_do_not_hide_a_cell() -> None:
    model = c(
        "#define API __attribute__((cold))\nAPI double a(double x) { return x; }\n"
        "HP_EXPORT double b(double x) { return x; }\n"
    )
    assert list(model.cells) == ["a", "b"]


def test_branches_of_a_conditional_in_a_body_may_each_open_the_brace() -> None:
    text = (
        "int a(int x) {\n#ifdef A\n if (x) {\n#else\n if (!x) {\n#endif\n x++; }\n return x; }\n"
        "int b(int x) { "
        "return x; }\n"
    )
    assert list(c(text).cells) == ["a", "b"]


# ---- errors between functions


@pytest.mark.parametrize(
    ("second", "same_path"),
    [("int a(int y) { return y; }", True), ("static int a(int y) { return y; }", True)],
)
def test_two_functions_of_one_name(second: str, same_path: bool) -> None:
    (found,) = c(f"int a(int x) {{ return x; }}\n{second}\n").diagnostics
    assert (found.rule, found.line, [note.line for note in found.notes]) == ("duplicate", 2, [1])
    assert same_path


def test_the_first_of_two_cells_counts() -> None:
    assert c("int a(int x) { return x; }\nint a(int y) { return y; }\n").cells["a"].span.line == 1


def test_a_namespaced_function_of_the_same_name_is_another_one() -> None:
    assert cpp("int a(int x) { return x; }\nnamespace n { int a(int y) { return y; } }\n").diagnostics == ()


def test_a_parameter_that_names_a_function_which_is_no_cell() -> None:
    (found,) = c("double g(double *p) { return *p; }\ndouble a(double g) { return g; }\n").diagnostics
    assert (found.rule, found.line, found.column, found.cell) == ("not-a-cell", 2, 17, "a")
    assert "p is a bare pointer" in found.notes[0].message
    assert found.notes[0].line == 1


# ---- half-typed text

GOOD = "int b(int x) { return x; }\nint c(int b) { return b; }\n"


@pytest.mark.parametrize(
    "broken",
    [
        "int x = ;",
        "int x = 3",
        "double a(double x, ",
        "double a(double x)",
        "double a(double",
        "double a(",
        "dou",
        "struct body { double m;",
        "struct body { double m; }",
        "typedef struct {",
        "int x = f(3;",
        "x = 3;",
        "return 1;",
        'printf("hi");',
        "}",
        "#endif",
        "#if 1",
        "enum { A, B",
        "int a[] = { 1, 2,",
        'const char *s = "abc',
    ],
)
def test_broken_text_keeps_to_itself(broken: str) -> None:
    model = c(f"{broken}\n{GOOD}")
    assert list(model.cells) == ["b", "c"]
    assert [found.rule for found in model.diagnostics] == ["syntax"]
    assert model.diagnostics[0].hint
    assert model.items[0].kind is ItemKind.BROKEN


@pytest.mark.parametrize(
    "half",
    [
        "int a(int x) { if (x) {\n}\n",
        "int a(int x) { return x +\n",
        "int a(int x) {\n    for (int i = 0; i <\n}\n",
        'int a(int x) {\n    puts("abc);\n}\n',
        "int a(int x) { (((; ] }\n",
    ],
)
def test_a_half_typed_body_keeps_its_cell_and_all_others(half: str) -> None:
    model = c(half + GOOD)
    assert list(model.cells) == ["a", "b", "c"]
    assert {(d.cell, d.rule) for d in model.diagnostics} <= {("a", "syntax")}


def test_broken_text_after_good_cells() -> None:
    model = c(f"{GOOD}double a(double x, \n")
    assert (list(model.cells), model.diagnostics[0].line) == (["b", "c"], 3)


def test_an_unclosed_namespace_is_an_error_and_its_functions_stay() -> None:
    model = cpp(f"namespace x {{\n{GOOD}")
    assert (list(model.cells), [found.rule for found in model.diagnostics]) == (["b", "c"], ["syntax"])


def test_a_syntax_error_names_its_place() -> None:
    (found,) = c("int ok;\nint /* ä */ x = 3 +;\n").diagnostics
    assert (found.line, found.source) == (2, "int /* ä */ x = 3 +;")
    assert found.column > 1


def names(model: NotebookModel) -> set[str]:
    return set(model.cells)


def test_every_prefix_of_a_notebook_parses(c_example: str) -> None:
    known = names(c(c_example))
    for end in range(len(c_example)):
        assert names(c(c_example[:end])) <= known


def test_every_prefix_of_a_cpp_notebook_parses(cpp_example: str) -> None:
    text = cpp_example + 'namespace a { struct S { int q; }; }\nextern "C" { double k(a::S s) { return s.q; } }\n'
    for end in range(len(text)):
        assert names(cpp(text[:end])) <= {"u1", "k"}


def test_text_typed_in_front_never_loses_the_cells_behind(c_example: str) -> None:
    typed = "void fresh(int64_t n, const double u0[n], double out[n])\n"
    for end in range(len(typed)):
        assert {"dx", "n", "u0", "u1"} <= names(c(c_example.replace("// %% Step", typed[:end] + "\n// %% Step")))


@pytest.mark.parametrize("path", ["a.c", "a.cpp"])
def test_deleted_characters_raise_nothing(path: str, c_example: str, cpp_example: str) -> None:
    source = random.Random(1)
    text = c_example + cpp_example
    for _ in range(150):
        at = source.randrange(len(text))
        parse(Path(path), text[:at] + text[at + source.randrange(1, 12) :])


@pytest.mark.parametrize("path", ["a.c", "a.cpp"])
def test_random_text_raises_nothing(path: str) -> None:
    source = random.Random(2)
    alphabet = "{}()[];,*&<>=#\"'\\/\n\t ab_1%:.~R\0é\f" + "\U0001d6d1"
    words = [
        "struct",
        "static",
        "int",
        "namespace x",
        'extern "C"',
        "template<>",
        "#if 1\n",
        "#endif\n",
        "// %% t\n",
        "/*",
        'R"(',
    ]
    for _ in range(300):
        parse(Path(path), "".join(source.choice([*alphabet, *words]) for _ in range(source.randrange(120))))


@pytest.mark.parametrize(
    "text",
    [
        "int a(void) { return " + "(" * 5000 + "1" + ")" * 5000 + "; }",
        "int a(void) " + "{" * 5000 + "}" * 5000,
        "int x = " + "(" * 5000,
        "#if 1\n" * 3000 + "#endif\n" * 3000,
        "struct s { " * 1500 + "} x; " * 1500,
        "void f(const double x" + "[n]" * 3000 + ") {}",
        "int *" + "*" * 3000 + "x;",
    ],
)
def test_deep_nesting_is_no_recursion_error(text: str) -> None:
    c(text)


@pytest.mark.parametrize(
    "text",
    [
        "namespace x { " * 2000 + "}" * 2000,
        'extern "C" ' * 1000 + "int f(int x) { return x; }",
        "template <class T> " * 1000 + "T f(T x) { return x; }",
    ],
)
def test_deep_cpp_nesting_is_no_recursion_error(text: str) -> None:
    cpp(text)


def test_parsing_is_linear_in_the_number_of_cells() -> None:
    def work(count: int) -> int:
        """Characters that are read as code, piece by piece: the measure of what a parse does."""
        text = "".join(f"double c{i}(double c{max(i - 1, 0)}x) {{ return 1; }}\n" for i in range(count))
        model = c(text)
        assert len(model.cells) == count
        return sum(len(item.text) for item in model.items)

    assert work(10_000) / work(2_000) == pytest.approx(5, rel=0.05)


def test_an_if_that_is_never_closed_keeps_to_itself_around_one_that_is() -> None:
    model = c(f"#if 1\n{GOOD}#if 2\nint x;\n#endif\n")
    assert (list(model.cells), [found.line for found in model.diagnostics]) == (["b", "c"], [1])


@pytest.mark.parametrize("line", ["#if 1\n", "double a(double x, \n", "int f(int x) { if (x) {\n", "int x = 3\n"])
def test_much_broken_text_is_read_in_one_go(line: str) -> None:
    model = c(line * 5000 + ";\n")
    assert model.diagnostics or len(model.cells) == 1


def test_a_body_that_is_never_closed_is_told_where_it_opens() -> None:
    model = parse(Path("a.c"), "int a(void) { return 1;\n")
    (diagnostic,) = model.diagnostics
    assert (diagnostic.message, diagnostic.line, diagnostic.column) == ("the body of a is never closed", 1, 13)


def test_what_is_missing_at_the_end_is_told_with_the_whole_last_word() -> None:
    (found,) = c("hello world").diagnostics
    assert (found.message, found.column) == ("';' is missing after 'hello world'", 11)
