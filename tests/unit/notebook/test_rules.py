from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.notebook.graph import Node, Parameter, build_graph, node_of
from hotplate.notebook.parse import parse
from hotplate.notebook.rules import check


def found(text: str, path: str = "a.c") -> list[tuple[str, str]]:
    return [(d.rule, d.message) for d in check(parse(Path(path), text))]


SHIFTED = """\
void u0(int64_t n, double out[n]) {}
void mask(int64_t n, double out[n - 1]) {}
void u1(int64_t n, const double u0[n], const double mask[n], double out[n]) {}
"""


def test_named_extents_that_can_never_agree() -> None:
    (diagnostic,) = check(parse(Path("a.c"), SHIFTED))
    assert (diagnostic.rule, diagnostic.message) == ("extent", "u1: n is n in u0 but n - 1 in mask")
    assert (diagnostic.path, diagnostic.line, diagnostic.cell) == ("a.c", 3, "u1")
    assert diagnostic.notes[0].line == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("void a(double out[3]) {}\nvoid b(const double a[4], double out[4]) {}", "b: axis 1 of a is 4 but 3 in a"),
        (
            "void a(double out[3][3]) {}\nvoid b(const double a[9], double out[9]) {}",
            "b: a is an array with 1 axis, but the cell a gives an array with 2 axes",
        ),
        ("double a(int x) { return x; }\nvoid b(const double a[9], double out[9]) {}", "gives a number"),
        (
            "void a(double out[3]) {}\ndouble b(double a) { return a; }",
            "b: a is a number, but the cell a gives an array with 1 axis",
        ),
        ("void a(double out_x[3], double out_y[3]) {}\nvoid b(const double a[3], double out[3]) {}", "a has 2 results"),
        (
            "int n(void) { return 3; }\nvoid a(int n, double out[n + 1]) {}\n"
            "void b(int n, const double a[n], double out[n]) {}",
            "b: n is n by value but n + 1 in a",
        ),
        (
            SHIFTED + "void u2(int64_t n, const double u1[n], const double mask[n + 1], double out[n]) {}",
            "n - 1 in mask",
        ),
        (
            "void a(int n, double out[n]) {}\nvoid b(int m, const double a[m], double out[m + 1]) {}\n"
            "void c(int k, const double a[k], const double b[k], double out[k]) {}",
            "c: k is n in a but n + 1 in b",
        ),
    ],
)
def test_shapes_that_must_fail(text: str, message: str) -> None:
    messages = [text for rule, text in found(text) if rule == "extent"]
    assert any(message in text for text in messages)


@pytest.mark.parametrize(
    "text",
    [
        "void a(int n, double out[n]) {}\nvoid b(int m, double out[m]) {}\n"
        "void c(int k, const double a[k], const double b[k], double out[k]) {}",
        "void a(int n, double out[n]) {}\nvoid b(const double a[4], double out[4]) {}",
        "void a(int n, double out[n / 2]) {}\nvoid b(int n, const double a[n], double out[n]) {}",
        "void a(hp_out *out) {}\nvoid b(const double a[4], double out[4]) {}",
        "real a(int x) { return x; }\nvoid b(const double a[4], double out[4]) {}",
        "void a(int n, double out[N]) {}\nvoid b(int n, const double a[n], double out[n]) {}",
        "void a(int n, double out[n + 1]) {}\nvoid b(int n, const double a[n + 1], double out[n]) {}",
    ],
)
def test_shapes_that_may_fit_are_left_to_the_run(text: str) -> None:
    assert found(text) == []


def test_cpp_views_are_checked_as_well() -> None:
    text = 'void a(std::int64_t n, out<double, "n", 3> out) {}\nvoid b(in<double, "n", 4> a, out<double, "n"> out) {}'
    assert found(text, "a.cpp") == [("extent", "b: axis 2 of a is 4 but 3 in a")]


def test_check_gathers_everything_by_place() -> None:
    text = (
        "static int s;\nint a(int b) { return b + s; }\nint b(int a) { return a + s; }\nint x = ;\n"
        "void c(int n, "
        "double y[n]) {}\n"
    )
    assert [rule for rule, _ in found(text)] == ["shared-state", "cycle", "syntax", "non-const-array"]


def test_findings_of_the_graph_show_their_line() -> None:
    (diagnostic,) = check(parse(Path("a.c"), "int a(int a) { return a; }\n"))
    assert (diagnostic.path, diagnostic.source, diagnostic.column) == ("a.c", "int a(int a) { return a; }", 11)


def test_python_functions_take_part() -> None:
    extra = Node("peak", (Parameter("a"),))
    model = parse(Path("a.c"), "int a(int peak) { return peak; }\n")
    graph = build_graph([*map(node_of, model.cells.values()), extra])
    assert [d.rule for d in check(model, graph)] == ["cycle"]


@pytest.mark.parametrize(
    ("text", "unbound"),
    [
        ("void o(double out[k]) { out[0] = 1; }\n", True),
        ("#include <math.h>\nvoid o(double out[k]) { out[0] = 1; }\n", True),
        ("#define k 3\nvoid o(double out[k]) { out[0] = 1; }\n", False),
        ("enum { k = 3 };\nvoid o(double out[k]) { out[0] = 1; }\n", False),
        ("void o(int k, double out[k]) { out[0] = 1; }\n", False),
        ('#include "sizes.h"\nvoid o(double out[k]) { out[0] = 1; }\n', False),
        ("#include <libpng.h>\nvoid o(double out[k]) { out[0] = 1; }\n", False),
    ],
)
def test_an_extent_that_nothing_can_define_is_unbound(text: str, unbound: bool) -> None:
    assert [d.rule for d in check(parse(Path("a.c"), text))] == ["unbound-extent"] * unbound


def test_a_clean_notebook_has_no_findings(c_example: str, cpp_example: str) -> None:
    assert found(c_example) == found(cpp_example, "a.cpp") == []
