from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.notebook.extents import Constant, Symbol
from hotplate.notebook.model import Cell, Helper, PortKind
from hotplate.notebook.parse import parse


def c_cell(parameters: str, result: str = "void", body: str = "") -> Cell:
    model = parse(Path("a.c"), f"{result} f({parameters}) {{ {body} }}\n")
    assert not model.diagnostics
    return model.cells["f"]


def cpp_cell(parameters: str, result: str = "void", before: str = "") -> Cell:
    model = parse(Path("a.cpp"), f"{before}\n{result} f({parameters}) {{ }}\n")
    assert not model.diagnostics
    return model.cells["f"]


def helper(text: str, path: str = "a.c") -> Helper:
    model = parse(Path(path), text)
    assert "f" not in model.cells
    return model.helpers["f"]


@pytest.mark.parametrize(
    ("parameter", "kind", "type_"),
    [
        ("double x", PortKind.SCALAR, "double"),
        ("const double x", PortKind.SCALAR, "double"),
        ("unsigned   long\nx", PortKind.SCALAR, "unsigned long"),
        ("register int x", PortKind.SCALAR, "int"),
        ("_Atomic int x", PortKind.SCALAR, "int"),
        ("_Atomic(int) x", PortKind.SCALAR, "int"),
        ("float _Complex x", PortKind.SCALAR, "float _Complex"),
        ("double complex x", PortKind.SCALAR, "double complex"),
        ("struct body x", PortKind.SCALAR, "struct body"),
        ("int64_t x", PortKind.SCALAR, "int64_t"),
        ("int /* why */ x", PortKind.SCALAR, "int"),
        ("int x __attribute__((unused))", PortKind.SCALAR, "int"),
        ("const char *x", PortKind.TEXT, "const char *"),
        ("char const *const x", PortKind.TEXT, "const char *"),
        ("hp_ctx *x", PortKind.CONTEXT, "hp_ctx"),
        ("double größe", PortKind.SCALAR, "double"),
    ],
)
def test_c_parameters(parameter: str, kind: PortKind, type_: str) -> None:
    (port,) = c_cell(parameter).ports
    assert (port.kind, port.type, port.is_output, port.view) == (kind, type_, False, False)


@pytest.mark.parametrize(
    ("parameter", "type_", "extents"),
    [
        ("const double x[n]", "double", ["n"]),
        ("double const x[n]", "double", ["n"]),
        ("const double x[static n]", "double", ["n"]),
        ("const double x[const restrict n]", "double", ["n"]),
        ("const double x[r][ 3 ]", "double", ["r", "3"]),
        ("const struct body x[2 * n  + 1]", "struct body", ["2 * n + 1"]),
        ("const float _Complex x[N]", "float _Complex", ["N"]),
        ("const char x[n]", "char", ["n"]),
    ],
)
def test_c_arrays(parameter: str, type_: str, extents: list[str]) -> None:
    port = c_cell(f"int64_t n, int r, {parameter}").ports[-1]
    assert (port.kind, port.type, port.is_output) == (PortKind.ARRAY, type_, False)
    assert [extent.text for extent in port.extents] == extents
    assert not any(extent.compile_time for extent in port.extents)


@pytest.mark.parametrize(("name", "field"), [("out", "out"), ("out_mean", "mean"), ("out_a_b", "a_b")])
def test_out_arrays_are_results(name: str, field: str) -> None:
    cell = c_cell(f"int n, double {name}[n - 1]")
    assert cell.outputs == (field,)
    assert [port.name for port in cell.inputs] == ["n"]


def test_a_dynamic_result_has_the_type_of_its_allocation() -> None:
    body = "/* HP_ARRAY(out, int, 1) */ struct body *y = HP_ARRAY(out, struct  body, n, 3);"
    port = c_cell("hp_out *out, int n", body=body).ports[0]
    assert (port.kind, port.type, port.is_output) == (PortKind.DYNAMIC, "struct body", True)


def test_a_dynamic_result_that_is_allocated_elsewhere_has_no_type() -> None:
    assert c_cell("hp_out *out", body="fill(out);").ports[0].type == ""


@pytest.mark.parametrize(
    ("result", "kind", "type_"),
    [
        ("double", PortKind.SCALAR, "double"),
        ("const char *", PortKind.TEXT, "const char *"),
        ("struct body", PortKind.SCALAR, "struct body"),
        ("__attribute__((noinline)) double _Complex", PortKind.SCALAR, "double _Complex"),
        ("[[nodiscard]] extern unsigned int", PortKind.SCALAR, "unsigned int"),
    ],
)
def test_c_results(result: str, kind: PortKind, type_: str) -> None:
    returned = c_cell("int x", result).result
    assert returned is not None
    assert (returned.kind, returned.type) == (kind, type_)


@pytest.mark.parametrize(
    ("parameter", "type_", "extents", "declared"),
    [
        ('hp::in<double, "n", 3> x', "double", ["n", "3"], 'hp::in<double, "n", 3>'),
        ('in<const float, "n"> x', "float", ["n"], 'in<const float, "n">'),
        (
            'const ::hp::in<std::complex<double>, "2 * n"> &x',
            "std::complex<double>",
            ["2 * n"],
            '::hp::in<std::complex<double>, "2 * n">',
        ),
        ('in<double, "n"> const &x', "double", ["n"], 'in<double, "n">'),
        ("vec x", "double", ["n"], 'hp::in<double, "n">'),
        ("old x", "float", ["r", "c"], 'in<float, "r", "c">'),
        ("twice x", "double", ["n"], 'hp::in<double, "n">'),
    ],
)
def test_cpp_views(parameter: str, type_: str, extents: list[str], declared: str) -> None:
    before = 'using vec = hp::in<double, "n">;\ntypedef in<float, "r", "c"> old;\nusing twice = vec;'
    (port,) = cpp_cell(parameter, before=before).ports
    assert (port.kind, port.type, port.view, port.declared) == (PortKind.ARRAY, type_, True, declared)
    assert [extent.text for extent in port.extents] == extents


def test_cpp_template_arguments_that_are_no_literals_are_known_to_the_compiler() -> None:
    (port,) = cpp_cell('in<double, N, "n", 3, sizeof(int)> x').ports
    assert [(e.expression, e.compile_time) for e in port.extents] == [
        (Symbol("N"), True),
        (Symbol("n"), False),
        (Constant(3), False),
        (Symbol("sizeof(int)"), True),
    ]


def test_cpp_arrays_with_constant_extents() -> None:
    (port,) = cpp_cell("const double x[3][N]").ports
    assert (port.view, [(e.text, e.compile_time) for e in port.extents]) == (False, [("3", False), ("N", True)])


@pytest.mark.parametrize(
    ("parameter", "type_"),
    [
        ("std::string_view x", "std::string_view"),
        ("const std::string &x", "std::string"),
        ("std::string const& x", "std::string"),
        ("std::string x", "std::string"),
        ("const char *x", "const char *"),
    ],
)
def test_cpp_text(parameter: str, type_: str) -> None:
    (port,) = cpp_cell(parameter).ports
    assert (port.kind, port.type) == (PortKind.TEXT, type_)


@pytest.mark.parametrize(
    ("result", "kind", "type_"),
    [
        ("std::vector<double>", PortKind.DYNAMIC, "double"),
        ("std::vector<std::complex<float>>", PortKind.DYNAMIC, "std::complex<float>"),
        ("std::array<int, 3>", PortKind.DYNAMIC, "int"),
        ("series", PortKind.DYNAMIC, "double"),
        ("std::string", PortKind.TEXT, "std::string"),
        ("std::complex<double>", PortKind.SCALAR, "std::complex<double>"),
        ('extern "C" double', PortKind.SCALAR, "double"),
    ],
)
def test_cpp_results(result: str, kind: PortKind, type_: str) -> None:
    returned = cpp_cell("int x", result, before="using series = std::vector<double>;").result
    assert returned is not None
    assert (returned.kind, returned.type) == (kind, type_)


def test_a_trailing_result_type_counts() -> None:
    model = parse(Path("a.cpp"), "auto f(int x) noexcept -> std::vector<double> { return {}; }")
    returned = model.cells["f"].result
    assert returned is not None
    assert (returned.kind, returned.type) == (PortKind.DYNAMIC, "double")


@pytest.mark.parametrize(
    "text",
    [
        "static double f(double x) { return x; }",
        "inline double f(double x) { return x; }",
        "static inline double f(double *x) { return *x; }",
        "#define local static\nlocal double f(double x) { return x; }",
    ],
)
def test_internal_functions_are_helpers_without_a_reason(text: str) -> None:
    assert helper(text).reason == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("constexpr double f(double x) { return x; }", "f"),
        ("consteval int f(int x) { return x; }", "f"),
        ("template <class T> T f(T x) { return x; }", "f"),
        ("namespace a::b { double f(double x) { return x; } }", "a::b::f"),
        ("namespace { double f(double x) { return x; } }", "(anonymous)::f"),
        ("struct S { void f(); };\nvoid S::f() {}", "S::f"),
        ("struct S {};\nbool operator==(S a, S b) { return true; }", "operator=="),
        ("int main(int argc, char **argv) { return 0; }", "main"),
    ],
)
def test_cpp_helpers(text: str, name: str) -> None:
    model = parse(Path("a.cpp"), text)
    assert (dict(model.cells), model.diagnostics) == ({}, ())
    assert model.helpers[name].reason == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("double f(double *p) { return *p; }", "p is a bare pointer: an array is `const double p[n]`"),
        ("double f(void *p) { return 1; }", "p is a bare pointer (void *)"),
        ("double f(char *p) { return 1; }", "p is a char * that is not const"),
        ("typedef double *ptr;\ndouble f(ptr p) { return 1; }", "p is a bare pointer"),
        ("double f(int a, ...) { return a; }", "variable number"),
        ("double f(double (*g)(double)) { return 1; }", "g is a function pointer"),
        ("double f(int n, const double (*x)[n]) { return 1; }", "x is a pointer to an array"),
        ("double f(const double *x[3]) { return 1; }", "array of pointers"),
        ("double f(long double x) { return 1; }", "x is a long double"),
        ("long double f(double x) { return 1; }", "its result is a long double"),
        ("double *f(double x) { return 0; }", "returns a pointer"),
        ("double (*f(int x))(double) { return 0; }", "returns a function pointer"),
        ("double f(double) { return 1; }", "'double' has no name"),
        ("int f(a, b) int a; double b; { return a; }", "old style"),
        ("#if 1\ndouble f(double x) { return x; }\n#endif", "#if block"),
    ],
)
def test_what_keeps_a_c_function_from_being_a_cell(text: str, reason: str) -> None:
    assert reason in helper(text).reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("double f(double &x) { return x; }", "x is a reference"),
        ("double f(const double &x) { return x; }", "x is a reference"),
        ("double f(double &&x) { return x; }", "x is an rvalue reference"),
        ("void f(hp::out<double, 3> &out) {}", "out is a reference"),
        ("double f(std::vector<double> x) { return 1; }", "std::vector<double>: an array is"),
        ("double f(std::span<const double> x) { return 1; }", "an array is"),
        ("double f(double x = 3) { return x; }", "x has a default value"),
        ("double f(auto x) { return x; }", "write its type"),
        ("auto f(double x) { return x; }", "write the result type"),
        ("std::span<double> f(int x) { return {}; }", "dangle"),
        ("std::string_view f(int x) { return {}; }", "dangle"),
        ("const double &f(int x) { return g; }", "returns a reference"),
        ("hp::in<double, 3> f(int x) { return {}; }", "returns a view"),
    ],
)
def test_what_keeps_a_cpp_function_from_being_a_cell(text: str, reason: str) -> None:
    assert reason in helper(text, "a.cpp").reason


@pytest.mark.parametrize(
    ("parameters", "rule", "message"),
    [
        ("int n, double y[n]", "non-const-array", "y is an array that is not const"),
        ("int n, const double out[n]", "output-name", "out is const"),
        ("const double x[]", "unbound-extent", "x has empty brackets, so nothing names its length"),
        ("double out[]", "unbound-extent", "out has empty brackets, so nothing says how large"),
        ("double n, double out[n]", "unbound-extent", "the parameter n is a double"),
        ("const char *n, double out[n]", "unbound-extent", "the parameter n is not a number"),
        ("int n, double out[sizeof(n)]", "bad-extent", "sizeof"),
        ("int n, double out[f(n)]", "bad-extent", "calls are not allowed"),
        ("hp_out *result", "output-name", "result is not called out"),
        ("int n, double out[n], double out_out[n]", "duplicate-output", "two results are called out"),
    ],
)
def test_rules_of_c_ports(parameters: str, rule: str, message: str) -> None:
    (found,) = parse(Path("a.c"), f"void f({parameters}) {{}}\n").diagnostics
    assert (found.rule, found.cell, found.line) == (rule, "f", 1)
    assert message in found.message


@pytest.mark.parametrize(
    ("parameters", "rule", "message"),
    [
        ("out<double, 3> result", "output-name", "result is not called out"),
        ('in<double, "n"> out_x', "output-name", "out_x is an hp::in"),
        ('out<double, "n"> out', "unbound-extent", "n in the brackets of out is unbound"),
        ('double n, out<double, "n"> out', "unbound-extent", "the parameter n is a double"),
        ("in<double> x", "unbound-extent", "x has no extents"),
        ('in<double, "n +"> x', "bad-extent", "ends too early"),
    ],
)
def test_rules_of_cpp_ports(parameters: str, rule: str, message: str) -> None:
    (found,) = parse(Path("a.cpp"), f"void f({parameters}) {{}}\n").diagnostics
    assert (found.rule, found.cell) == (rule, "f")
    assert message in found.message


def test_a_result_called_value_clashes_with_the_returned_one() -> None:
    (found,) = parse(Path("a.c"), "int f(int n, double out_value[n]) { return 1; }\n").diagnostics
    assert (found.rule, found.line, found.column) == ("duplicate-output", 1, 21)


@pytest.mark.parametrize(
    "parameters",
    ['in<double, "n"> x, out<double, "n - 1"> out', 'std::int64_t n, out<double, "n"> out', "out<double, 3, N> out"],
)
def test_bound_cpp_results_are_fine(parameters: str) -> None:
    assert len(cpp_cell(parameters).outputs) == 1


def test_a_name_that_is_no_parameter_is_a_constant_for_the_compiler_to_check() -> None:
    assert c_cell("double out[N]").ports[0].extents[0].symbols == {"N"}


def test_signature_and_doc_read_as_written() -> None:
    text = (
        "// behind\nint x; // trailing\n\n/** First.\n *  Second.\n */\n// Third.\nint\nf(int a, /* b */\n"
        "  int c) { "
        "return 1; }\n"
    )
    cell = parse(Path("a.c"), text).cells["f"]
    assert (cell.signature, cell.doc) == ("int f(int a, int c)", "First.\n Second.\nThird.")


@pytest.mark.parametrize("gap", ["\n\n", "\nint x; \n", "\n// %% Section\n"])
def test_a_comment_further_away_is_no_doc(gap: str) -> None:
    assert parse(Path("a.c"), f"// says{gap}int f(void) {{ return 1; }}\n").cells["f"].doc == ""


def test_columns_count_characters() -> None:
    cell = parse(Path("a.c"), "/* äöü € 𝛑 */ double f(double größe, double y) { return y; }\n").cells["f"]
    assert (cell.name_span.column, [port.span.column for port in cell.ports]) == (22, [31, 45])
