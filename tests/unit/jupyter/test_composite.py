"""Fragments as one notebook: what is in it, in which order, and where its lines come from."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from hotplate import notebook as notation
from hotplate.jupyter.composite import Composite, compose
from hotplate.jupyter.fragments import Fragment, Isolation, Options, replaced_by
from hotplate.notebook.model import Language

PATH = Path("/somewhere/jupyter.c")


def fragments(*texts: str, language: Language = Language.C, **settings: object) -> list[Fragment]:
    return [
        Fragment(dedent(text), language, f"In[{i}]", i, position=i, **settings)  # type: ignore[arg-type]
        for i, text in enumerate(texts, 1)
    ]


def composed(*texts: str, **settings: object) -> Composite:
    return compose(PATH, fragments(*texts, **settings))


def code(composite: Composite) -> str:
    return " ".join(line.strip() for line in composite.text.split("\n") if line.strip() not in ("", "// %%"))


def test_helpers_and_includes_of_one_are_there_for_the_next() -> None:
    composite = composed(
        "#include <math.h>\nstatic double half(double x) { return x / 2; }\n",
        "double a(double dt) { return half(dt); }",
    )
    assert "half" in notation.slice_cell(composite.model, "a").body
    assert "math.h" in notation.slice_cell(composite.model, "a").body


def test_a_section_ends_with_its_fragment() -> None:
    composite = composed("// %% Risky  timeout=5\nint a(void) { return 1; }", "int b(void) { return 2; }")
    timeouts = {name: cell.section.attributes.timeout for name, cell in composite.model.cells.items()}
    assert timeouts == {"a": 5.0, "b": None}


def test_a_line_leads_back_to_its_jupyter_cell() -> None:
    composite = composed("int a(void) { return 1; }\n\n", "\n\nint b(void) { return 2; }", lines_before=3)
    places = [composite.place(composite.model.cells[name].span.line) for name in "ab"]
    assert [(place[0].place, place[1]) for place in places if place] == [("In[1]", 4), ("In[2]", 6)]


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        ("static int k(void) { return 1; }", "static int k(void) { return 2; }", "static int k(void) { return 2; }"),
        ("#define N 1", "#define N 2", "#define N 2"),
        ("typedef struct { int x; } point;", "typedef struct { int y; } point;", "typedef struct { int y; } point;"),
        ("static const int n = 1;", "static const int n = 2;", "static const int n = 2;"),
        ("int a(void) { return 1; }", "int a(void) { return 2; }", "int a(void) { return 2; }"),
    ],
)
def test_what_is_defined_again_is_that_of_the_latest(first: str, second: str, left: str) -> None:
    assert code(composed(first, second)) == left


def test_the_rest_of_a_fragment_stays_when_one_function_of_it_is_defined_again() -> None:
    composite = composed("int a(void) { return 1; }\nint b(void) { return 2; }", "int a(void) { return 3; }")
    assert list(composite.model.cells) == ["b", "a"]
    assert composite.owner("a").place == "In[2]"
    assert composite.owner("b").place == "In[1]"


def test_helpers_in_cpp_that_take_other_things_are_overloads() -> None:
    composite = composed(
        "static int k(int x) { return x; }", "static int k(double x) { return (int)x; }", language=Language.CPP
    )
    assert code(composite) == "static int k(int x) { return x; } static int k(double x) { return (int)x; }"


def test_a_fragment_comes_behind_what_it_needs_though_it_was_run_before() -> None:
    composite = composed("int a(void) { return two(); }", "static int two(void) { return 2; }")
    assert [fragment.place for fragment in composite.fragments] == ["In[2]", "In[1]"]


def test_fragments_that_need_each_other_keep_their_order() -> None:
    composite = composed("typedef int whole;\nint a(void) { return two(); }", "static whole two(void) { return 2; }")
    assert [fragment.place for fragment in composite.fragments] == ["In[1]", "In[2]"]


def test_a_cell_that_another_language_defines_later_is_gone() -> None:
    (here,) = fragments("int a(void) { return 1; }\nint b(void) { return 2; }")
    there = Fragment("int a() { return 3; }", Language.CPP, "In[9]", 9)
    assert list(compose(PATH, [here], elsewhere=[there]).model.cells) == ["b"]


@pytest.mark.parametrize(
    "text", ["/* open\nint a(void) { return 1; }", "int a(void) { return 1; } /*/", "/* one */ /*"]
)
def test_a_comment_that_is_never_closed_is_an_error(text: str) -> None:
    (fragment,) = fragments(text)
    assert [found.message for found in fragment.errors] == ["this comment is never closed"]


@pytest.mark.parametrize(
    "text", ["/* closed */", 'static const char *t = "/*";', "// /*", "static char c = '\"'; /**/"]
)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    (fragment,) = fragments(text)
    assert fragment.errors == ()


def test_a_backslash_at_the_end_reaches_no_other_fragment() -> None:
    composite = composed("int a(void) { return 1; } // \\", "int b(void) { return 2; }")
    assert list(composite.model.cells) == ["a", "b"]
    assert composite.owner("b").place == "In[2]"


def test_options_add_to_what_sections_say() -> None:
    options = Options(flags=("-g",), std="gnu11", timeout=3.0)
    (cell,) = composed('// %% flags="-O2" timeout=1\nint a(void) { return 1; }', options=options).model.cells.values()
    attributes = cell.section.attributes
    assert (attributes.flags, attributes.std, attributes.timeout) == (("-O2", "-g"), "gnu11", 1.0)


@pytest.mark.parametrize(
    ("isolation", "workers", "isolated"),
    [
        (Isolation.RUNS, True, True),
        (Isolation.ALWAYS, True, True),
        (Isolation.CANARY, True, False),
        (Isolation.NEVER, True, False),
        (Isolation.RUNS, False, False),
    ],
)
def test_runs_are_isolated_as_is_asked_for(isolation: Isolation, workers: bool, isolated: bool) -> None:
    one = fragments("int a(void) { return 1; }", options=Options(isolation=isolation))
    model = compose(PATH, one, isolated=workers).model
    assert model.cells["a"].section.attributes.isolate is isolated


A = "int a(void) { return 1; }"
AB = "int a(void) { return 1; }\nint b(void) { return 2; }"


@pytest.mark.parametrize(
    ("old", "new", "replaced"),
    [
        ({"text": A, "name": "x"}, {"text": "int c(void) { return 1; }", "name": "x"}, True),
        ({"text": A, "jupyter_cell": "x"}, {"text": "int c(void) { return 1; }", "jupyter_cell": "x"}, True),
        ({"text": A}, {"text": AB}, True),
        ({"text": AB}, {"text": A}, False),
        ({"text": A}, {"text": "int c(void) { return 1; }"}, False),
        ({"text": "static int k;"}, {"text": "static int k = 2;"}, True),
        ({"text": "#include <math.h>"}, {"text": "#include <math.h>"}, False),
    ],
)
def test_a_fragment_replaces_what_it_is_a_newer_state_of(
    old: dict[str, str], new: dict[str, str], replaced: bool
) -> None:
    before = Fragment(language=Language.C, place="In[1]", serial=1, **old)  # type: ignore[arg-type]
    after = Fragment(language=Language.C, place="In[2]", serial=2, **new)  # type: ignore[arg-type]
    assert replaced_by(after, [before]) == ((before,) if replaced else ())
