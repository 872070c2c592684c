from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.notebook.condition_text import parse_condition
from hotplate.notebook.extents import Extent, parse_extent
from hotplate.notebook.model import Attributes
from hotplate.notebook.parse import parse
from hotplate.notebook.sections import read_marker


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("// %% Step", "Step"),
        ("//%% Step", "Step"),
        ("// %%", ""),
        ("// %% Initial state  ", "Initial state"),
        ('// %% Two words flags="-O3"', "Two words"),
        ("// %% Größe µ", "Größe µ"),
    ],
)
def test_the_title_ends_at_the_first_attribute(line: str, title: str) -> None:
    marker = read_marker(line)
    assert marker is not None
    assert marker.title == title
    assert not marker.problems


@pytest.mark.parametrize("line", ["// Step", "//%", "/* %% Step */", "// x %% y", "//%%x"])
def test_other_comments_are_no_markers(line: str) -> None:
    assert read_marker(line) is None


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("flags=\"-O3 -DX='a b'\"", Attributes(flags=("-O3", "-DX=a b"))),
        ('libs="fftw3 gsl"', Attributes(libs=("fftw3", "gsl"))),
        ('std="c++23"', Attributes(std="c++23")),
        ("std=gnu11", Attributes(std="gnu11")),
        ('timeout="0.5"', Attributes(timeout=0.5)),
        ("timeout='2' retries='3'", Attributes(timeout=2.0, retries=3)),
        ('grace="0"', Attributes(grace=0.0)),
        ("grace=1.5", Attributes(grace=1.5)),
        ('retries=1 backoff="0.5"', Attributes(retries=1, backoff=(0.5,))),
        ('retries=1 backoff="1e-4..10"', Attributes(retries=1, backoff=(1e-4, 10.0))),
        ('retries=1 retry_on="failed"', Attributes(retries=1, retry_on=(("failed", None),))),
        (
            'retries=9 retry_on="crashed lost:0 timed_out:12"',
            Attributes(retries=9, retry_on=(("crashed", None), ("lost", 0), ("timed_out", 12))),
        ),
        ('impure retries=1 retry_on="impure"', Attributes(retries=1, impure=True, retry_on=(("impure", None),))),
        ("impure retries=0", Attributes(impure=True)),
        ('isolate="yes" impure="0"', Attributes(isolate=True)),
        ("isolate", Attributes(isolate=True)),
        ('timeout="1" impure', Attributes(timeout=1.0, impure=True)),
        ('isolate="FALSE"', Attributes()),
        ("when=\"n > 3 and mode == 'x'\"", Attributes(when=parse_condition("n > 3 and mode == 'x'"))),
        ("when=n>3", Attributes(when=parse_condition("n>3"))),
        ("trap", Attributes(trap=())),
        ('trap="u1 u2"', Attributes(trap=("u1", "u2"))),
        ("clean_env", Attributes(clean_env=True, isolate=True)),
        ("isolate clean_env=no", Attributes(isolate=True)),
        ('flops="2 * n * m"', Attributes(flops=Extent("2 * n * m", parse_extent("2 * n * m")))),
        ("bytes=8*n", Attributes(bytes=Extent("8*n", parse_extent("8*n")))),
    ],
)
def test_reads_attributes(text: str, attributes: Attributes) -> None:
    marker = read_marker(f"// %% Step {text}")
    assert marker is not None
    assert (marker.title, marker.attributes, marker.problems) == ("Step", attributes, ())


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('flag="-O3"', "unknown attribute flag", "flags"),
        ('timout="3"', "unknown attribute timout", "timeout"),
        ('zzz="3"', "unknown attribute zzz", "known are flags, libs"),
        ('timeout="0"', "timeout can't be '0'", "seconds above 0"),
        ('timeout="soon"', "timeout can't be 'soon'", "seconds"),
        ('timeout="nan"', "timeout can't be 'nan'", "seconds"),
        ('retries="-1"', "retries can't be '-1'", "0 or more"),
        ('grace="-1"', "grace can't be '-1'", "0 or more"),
        ('grace="inf"', "grace can't be 'inf'", "0 or more"),
        ('retries=1 backoff="0"', "backoff can't be '0'", "above 0"),
        ('retries=1 backoff="10..0.1"', "backoff can't be '10..0.1'", "the smaller first"),
        ('retries=1 backoff="0.1.."', "backoff can't be '0.1..'", "above 0"),
        ('retries=1 backoff="1..2..3"', "backoff can't be '1..2..3'", "or two"),
        ('retries=1 retry_on=""', "retry_on can't be ''", "some of crashed"),
        ('retries=1 retry_on="cancelled"', "retry_on can't be 'cancelled'", "some of crashed"),
        ('retries=1 retry_on="lost lost:1"', "retry_on can't be 'lost lost:1'", "each once"),
        ('retries=1 retry_on="lost:"', "retry_on can't be 'lost:'", "after a colon"),
        ('retries=1 retry_on="impure:1"', "retry_on can't be 'impure:1'", "some of crashed"),
        ('backoff="1"', "backoff without retries does nothing", "add retries"),
        ('retry_on="failed"', "retry_on without retries does nothing", "add retries"),
        ("impure retries=1", "impure cells are not tried again", "add retry_on"),
        ('impure retries=1 retry_on="lost"', "impure cells are not tried again", "add retry_on"),
        ('isolate="maybe"', "isolate can't be 'maybe'", "true, false"),
        ('flags="a \'b"', "flags can't be", "closed quotes"),
        ('flags="-O3', "quote of flags is not closed", "one line"),
        ('flags="-O3" +', "'+' is no attribute", "key="),
        ('flags="-O3" timeout', "timeout can't be nothing", "seconds"),
        ('std="gnu 11"', "std can't be 'gnu 11'", "gnu11"),
        ('timeout="1" when', "when can't be nothing", "a condition"),
        ('when="n >"', "when: the condition can't be read", "when="),
        ('trap="u1 u1"', "trap can't be 'u1 u1'", "each once"),
        ('trap=""', "trap can't be ''", "nothing, for all failures"),
        ('isolate="no" clean_env', "a clean environment takes a worker", "take one of"),
        ('flops="n **"', "flops can't be 'n **'", "whole numbers"),
        ('bytes="1.5 * n"', "bytes can't be '1.5 * n'", "whole numbers"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(text: str, message: str, hint: str) -> None:
    marker = read_marker(f"// %% Step {text}")
    assert marker is not None
    (problem,) = marker.problems
    assert message in problem.message
    assert hint in problem.hint


def test_a_problem_is_reported_at_its_place() -> None:
    (found,) = parse(Path("a.c"), '// ü\n// %% Step flgs="-O3"\nint a(void) { return 1; }\n').diagnostics
    assert (found.rule, found.line, found.column, found.end_column) == ("attribute", 2, 12, 22)
    assert found.source == '// %% Step flgs="-O3"'


@pytest.mark.parametrize(
    "text",
    [
        "/*\n// %% No\n*/\nint a(void) { return 1; }\n",
        'const char *s = "\\\n// %% No\\\n";\nint a(void) { return 1; }\n',
        "int a(void) {\n// %% No\n    return 1;\n}\n",
        "int b; // %% No\nint a(void) { return 1; }\n",
    ],
)
def test_markers_count_only_between_top_level_pieces(text: str) -> None:
    model = parse(Path("a.c"), text)
    assert [section.title for section in model.sections] == [""]


def test_each_cell_belongs_to_the_section_above_it() -> None:
    model = parse(
        Path("a.c"),
        "int a(void) { return 1; }\n// %% One\nint b(void) { return 1; }\n// %% Two impure\n"
        "int c(void) { return 1; }\n",
    )
    assert {name: cell.section.title for name, cell in model.cells.items()} == {"a": "", "b": "One", "c": "Two"}
    assert model.cells["c"].section.attributes.impure


def test_the_untitled_section_is_there_only_for_what_stands_in_it() -> None:
    model = parse(Path("a.c"), "// %% One\nint b(void) { return 1; }\n")
    assert [section.title for section in model.sections] == ["One"]


def test_a_section_spans_up_to_the_next() -> None:
    model = parse(Path("a.c"), "// %% One\nint b;\n// %% Two\n")
    assert [(s.span.line, s.span.end_line) for s in model.sections] == [(1, 3), (3, 4)]
