from __future__ import annotations

import pytest

from hotplate.notebook.model import Language
from hotplate.notebook.records import Record, RecordField, find_records

BODY = Record("body", (RecordField("m", "double", 0), RecordField("v", "double", 1), RecordField("id", "int", 0)))


def c(text: str, *wanted: str) -> dict[str, Record]:
    return dict(find_records(text, Language.C, wanted))


def cpp(text: str, *wanted: str) -> dict[str, Record]:
    return dict(find_records(text, Language.CPP, wanted))


@pytest.mark.parametrize(
    "text",
    [
        "typedef struct { double m, v[3]; int id; } body;",
        "typedef struct body_s { double m; double v[3]; int id; } body;",
        "struct body_s { double m; double v[3]; int id; };\ntypedef struct body_s body;",
        "struct body_s { double m; double v[3]; int id; };\ntypedef struct body_s first, other;\ntypedef first body;",
        'typedef struct body_s body;\nstruct body_s { const double m; /* x; */ double v[3];\n# 3 "a.h"\n'
        " volatile int id; };",
        "typedef struct __attribute__((packed)) { double m, v[3]; int id; } __attribute__((aligned(8))) other; "
        "typedef other body;",
    ],
)
def test_the_ways_to_define_a_struct(text: str) -> None:
    assert c(text, "body") == {"body": BODY}


def test_a_tag_is_part_of_the_name() -> None:
    assert c("struct s { int a; };", "struct s", "s") == {"struct s": Record("struct s", (RecordField("a", "int", 0),))}


def test_nested_structs_are_included() -> None:
    text = "struct vec { float x; };\ntypedef struct { struct vec p[2][2]; struct in { int k; } i; } part;"
    found = c(text, "part")
    assert set(found) == {"part", "struct vec", "struct in"}
    assert found["part"].fields == (RecordField("p", "struct vec", 2), RecordField("i", "struct in", 0))


@pytest.mark.parametrize(
    "name", ["double", "real", "color", "unknown_t", "struct unknown", "std::complex<double>", "", "int *"]
)
def test_other_types_are_absent(name: str) -> None:
    assert c("typedef double real; typedef enum { A } color; double f(void) { int q; return q; }", name) == {}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("double *p;", "the field p is a pointer"),
        ("int n; double m, *p;", "the field p is a pointer"),
        ("int (*f)(int);", "the field f is a pointer"),
        ("ptr p;", "the field p is a pointer (ptr)"),
        ("int a : 3;", "the field a is a bit-field"),
        ("union { int a; } u;", "the field u is an anonymous union"),
        ("union u x;", "the field x is a union"),
        ("struct { int a; };", "it has an anonymous struct"),
        ("struct { int a; } s;", "the field s is an anonymous struct"),
        ("int n; double d[];", "the field d has no fixed length"),
        ("long double x;", "the field x is a long double"),
        ("struct bad b;", "in the field b, the field p is a pointer"),
        ("", "it has no fields"),
    ],
)
def test_what_numpy_cannot_hold(fields: str, problem: str) -> None:
    text = f"typedef double *ptr; union u {{ int a; }}; struct bad {{ int *p; }}; struct s {{ {fields} }};"
    assert c(text, "struct s")["struct s"].problem == problem


def test_a_union_is_no_record() -> None:
    assert c("union u { int a; float b; };", "union u")["union u"].problem == "it is a union"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("struct s : base { int a; };", "it has a base class"),
        ("struct s { virtual void f(); int a; };", "it has virtual functions"),
        ("class s { int a; };", "the field a is private"),
        ("struct s { int a; private: int b; };", "the field b is private"),
        ("struct s { int &r; };", "the field r is a reference"),
        ("struct s { std::string t; };", "the field t is a std::string"),
        ("struct s { std::vector<int> v; };", "the field v is a std::vector<int>"),
    ],
)
def test_what_numpy_cannot_hold_in_cpp(text: str, problem: str) -> None:
    assert cpp(text, "s")["s"].problem == problem


def test_methods_and_static_members_are_no_fields() -> None:
    text = (
        "struct s { static int n; s() = default; s(int x_) : x{x_} {} ~s() {} double x = 0, y{1}; void f() { "
        "if (x) {} }"
        " bool operator==(const s &) const = default; using t = int; enum e { A }; std::complex<double> z[2]; };"
    )
    assert cpp(text, "s")["s"] == Record(
        "s", (RecordField("x", "double", 0), RecordField("y", "double", 0), RecordField("z", "std::complex<double>", 1))
    )


def test_a_class_may_be_all_public() -> None:
    assert cpp("class s { public: int a; };", "s")["s"].problem == ""


def test_names_in_a_namespace() -> None:
    found = cpp("namespace ns { struct a { int q; }; struct b { a x; }; }", "ns::b")
    assert found["ns::b"].fields == (RecordField("x", "ns::a", 0),)
    assert found["ns::a"].fields == (RecordField("q", "int", 0),)


def test_aliases_are_followed() -> None:
    assert cpp("struct s { int a; };\nusing t = s;\nusing u = const t;", "u")["u"].fields == (
        RecordField("a", "int", 0),
    )


def test_templates_are_not_mistaken_for_the_struct() -> None:
    assert cpp("template <class T> struct s { T *x; };", "s") == {}


@pytest.mark.parametrize(
    "text",
    [
        "typedef a b; typedef b a;",
        "struct a { struct a x; };",
        "struct a {",
        "typedef struct { int x; } ",
        "struct a { int",
        "}" * 50 + "a;",
    ],
)
def test_nonsense_ends(text: str) -> None:
    c(text, "a", "struct a")
