"""Conditions and traps of a notebook: what they make of the graph, and what is told about them and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hotplate.diagnostic import Severity
from hotplate.notebook import Graph, Node, NotebookModel, Parameter, Source, build_graph, check, node_of, parse
from hotplate.notebook.condition_text import parse_condition
from hotplate.notebook.drawing import as_json, sources_of

HEAT = """\
double residual(double dt) { return dt; }
double stats(double out_mean[1]) { out_mean[0] = 1; return 2; }
// %% Refine  when="residual > 1e-6 and stats_value < limit"
double fine(double residual, double x) { return residual * x; }
// %% After
double after(double fine) { return fine; }
"""


def model(text: str, suffix: str = ".c") -> NotebookModel:
    return parse(Path(f"heat{suffix}"), text)


def graph_of(text: str) -> Graph:
    return build_graph([node_of(cell) for cell in model(text).cells.values()])


def test_what_a_condition_looks_at_is_needed_and_is_no_argument() -> None:
    graph = graph_of(HEAT)
    node = graph.nodes["fine"]
    assert node.condition is not None
    assert node.condition.names == ("residual", "stats_value", "limit")
    assert [parameter.name for parameter in node.parameters] == ["residual", "x"]
    assert [parameter.name for parameter in node.asks] == ["residual", "x", "stats_value", "limit"]
    assert graph.dependencies("fine") == ("residual", "stats")
    assert graph.edges["fine", "stats_value"] == Source("stats", "value")
    assert [name for name, asked in graph.inputs["limit"] if asked.required] == ["fine"]


def test_what_only_a_condition_needs_is_part_of_the_run() -> None:
    assert set(graph_of(HEAT).subgraph(["after"]).nodes) == {"residual", "stats", "fine", "after"}


def test_a_condition_puts_its_cells_first() -> None:
    assert graph_of('// %% A when="b > 1"\nint a(void) { return 1; }\n// %% B\nint b(void) { return 1; }').order == (
        "b",
        "a",
    )


def test_a_dimension_that_a_condition_looks_at_has_to_be_given() -> None:
    graph = graph_of('// %% A when="n > 1"\nvoid a(int n, const double x[n], double out[n]) {}')
    assert any(asked.required for _, asked in graph.inputs["n"])


@pytest.mark.parametrize("suffix", [".c", ".cpp"])
def test_a_problem_in_a_condition_is_marked_where_it_stands(suffix: str) -> None:
    (found,) = model('// %% A  flags="-O1" when="b > 1 && c"\nint a(void) { return 1; }\n', suffix).diagnostics
    assert found.message == "when: '&&' is no operator of a condition"
    assert found.source[found.column - 1 : found.end_column - 1] == "&&"
    assert found.hint == "write and"


def test_a_name_that_is_nearly_a_result_is_an_input_with_a_warning_at_its_place() -> None:
    text = HEAT.replace('when="residual', 'when="residul')
    (found,) = [it for it in check(model(text)) if it.rule == "condition"]
    assert (found.severity, found.hint) == (Severity.WARNING, "did you mean residual?")
    assert found.source[found.column - 1 : found.end_column - 1] == "residul"
    assert "residul" in graph_of(text).inputs


def test_a_near_miss_of_a_field_is_told_as_for_a_parameter() -> None:
    (found,) = [it for it in check(model(HEAT.replace("stats_value <", "stats_maen <"))) if it.line == 3]
    assert (found.rule, "stats_mean" in found.hint) == ("field", True)


def test_a_condition_on_the_own_result_is_a_cycle() -> None:
    (found,) = graph_of('// %% A when="a > 1"\nint a(void) { return 1; }').diagnostics
    assert found.message == "the condition of a looks at its own result"
    assert (found.rule, found.line, found.column) == ("cycle", 1, 15)


def test_a_cycle_through_a_condition_is_told() -> None:
    (found,) = graph_of(
        '// %% A when="b > 1"\nint a(void) { return 1; }\n// %% B\nint b(int a) { return a; }'
    ).diagnostics
    assert "cells depend on each other: a → b → a" in found.message
    assert [note.message for note in found.notes] == [
        "the condition of a looks at b from b", "b takes a from a",
    ]  # fmt: skip


def test_a_drawing_says_when_a_cell_runs() -> None:
    graph = build_graph(
        [
            Node("a", (Parameter("x"),), condition=parse_condition("x > 1")),
            Node("t", trap=("a",)),
            Node("any", trap=()),
        ]
    )
    assert sources_of(graph, "a") == "<- x (input), when x > 1"
    assert sources_of(graph, "t") == "<- after a failure of a"
    assert sources_of(graph, "any") == "<- after a failure"


def test_the_document_of_a_graph_has_conditions_and_traps() -> None:
    conditional = Node("b", condition=parse_condition("a > 1"))
    graph = build_graph([Node("a"), conditional, Node("t", trap=()), Node("s", trap=("a",))])
    cells = json.loads(as_json(graph))["cells"]
    assert {it["name"]: (it["when"], it["trap"]) for it in cells} == {
        "a": (None, None), "b": ("a > 1", None), "t": (None, []), "s": (None, ["a"]),
    }  # fmt: skip


# ---- traps ----

TRAP = """\
double u1(double dt) { return dt; }
// %% Forensics  trap="u1"
double post(const char *failure, double u1) { return u1; }
"""


def test_the_text_of_the_failure_is_neither_edge_nor_input() -> None:
    graph = graph_of(TRAP)
    assert graph.nodes["post"].trap == ("u1",)
    assert [(p.name, p.kind, p.required) for p in graph.nodes["post"].parameters] == [
        ("failure", "failure", False), ("u1", "value", True),
    ]  # fmt: skip
    assert "failure" not in graph.inputs
    assert graph.dependencies("post") == ("u1",)


def test_the_name_failure_is_free_for_others() -> None:
    assert "failure" in graph_of("int length(const char *failure) { return 1; }").inputs
    assert "failure" in graph_of("// %% T trap\nint post(int failure) { return 1; }").inputs


@pytest.mark.parametrize(
    ("text", "message", "hint", "place"),
    [
        (TRAP + "// %% On\ndouble on(double post) { return post; }\n", "on needs post, which is a trap",
         "take trap off", (5, 18)),
        (TRAP + '// %% On when="post > 1"\ndouble on(void) { return 1; }\n', "on needs post, which is a trap",
         "take trap off", (4, 16)),
        (TRAP.replace('trap="u1"', 'trap="u2"'), "post is a trap for u2, which is no cell", "known are u1",
         (2, 24)),
        (TRAP.replace('trap="u1"', 'trap="post"'), "post is a trap for post, which is a trap itself",
         "name cells that run without a failure", (2, 24)),
    ],
)  # fmt: skip
def test_a_trap_that_makes_no_sense_is_an_error(text: str, message: str, hint: str, place: tuple[int, int]) -> None:
    (found,) = check(model(text))
    assert (found.severity, found.rule, (found.line, found.column)) == (Severity.ERROR, "trap", place)
    assert message in found.message
    assert hint in found.hint
