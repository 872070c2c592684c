from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.diagnostic import Severity
from hotplate.notebook.graph import Graph, Node, Parameter, Source, build_graph, node_of, suggest
from hotplate.notebook.model import Span
from hotplate.notebook.parse import parse


def graph(**parameters: str) -> Graph:
    """`a="b c"` is a node a with the parameters b and c."""
    return build_graph([node(name, names) for name, names in parameters.items()])


def node(name: str, parameters: str = "", fields: str = "value") -> Node:
    return Node(name, tuple(Parameter(p) for p in parameters.split()), tuple(fields.split()))


def test_the_order_follows_the_dependencies_and_else_the_file() -> None:
    assert graph(c="b", x="", b="a", a="").order == ("a", "b", "c", "x")


def test_a_file_in_order_stays_in_order() -> None:
    assert graph(a="", z="", b="a", y="z a", c="").order == ("a", "z", "b", "y", "c")


def test_a_name_that_no_node_computes_is_an_input() -> None:
    found = graph(a="dt n", b="a dt")
    assert {name: [user for user, _ in users] for name, users in found.inputs.items()} == {"dt": ["a", "b"], "n": ["a"]}


def test_edges_name_their_source() -> None:
    found = build_graph([node("s", "", "mean var"), node("a", "s s_mean x")])
    assert found.edges == {("a", "s"): Source("s"), ("a", "s_mean"): Source("s", "mean")}
    assert found.dependencies("a") == ("s",)


@pytest.mark.parametrize(
    ("nodes", "source"),
    [
        ([node("a_b"), node("a", "", "b c")], Source("a_b")),
        ([node("a", "", "b_c"), node("a_b", "", "c d")], None),
        ([node("a_b", "", "c d"), node("a", "", "b_c e")], Source("a_b", "c")),
        ([node("a_b", "", "x"), node("a", "", "b_c e")], Source("a", "b_c")),
    ],
)
def test_the_longest_name_wins(nodes: list[Node], source: Source | None) -> None:
    wanted = "a_b" if source == Source("a_b") else "a_b_c"
    expected = source or Source("a_b", "c")
    assert build_graph([*nodes, node("user", wanted)]).edges["user", wanted] == expected


def test_a_near_miss_of_a_field_is_an_input_with_a_warning() -> None:
    found = build_graph([node("stats", "", "mean var"), node("a", "stats_maen")])
    (warning,) = found.diagnostics
    assert (warning.severity, warning.rule, "stats_mean" in warning.hint) == (Severity.WARNING, "field", True)
    assert "stats_maen" in found.inputs


@pytest.mark.parametrize("name", ["stats_count", "single_valu"])
def test_a_name_that_is_like_no_field_is_silently_an_input(name: str) -> None:
    found = build_graph([node("stats", "", "mean var"), node("single"), node("a", name)])
    assert (found.diagnostics, list(found.inputs)) == ((), [name])


def test_descendants_are_all_that_depend_on_the_named_ones() -> None:
    found = graph(a="", b="a", c="b", d="a", e="")
    assert (found.descendants(["b"]), found.descendants(["a", "e"])) == ({"c"}, {"b", "c", "d"})
    assert found.descendants(["a", "b"]) == {"b", "c", "d"}


def test_a_cycle_shows_the_whole_path_and_each_parameter() -> None:
    nodes = [
        Node(name, (Parameter(other, span=Span(line, 5, line, 6)),), span=Span(line, 1, line, 2))
        for line, (name, other) in enumerate(["ab", "bc", "ca"], 1)
    ]
    (found,) = build_graph(nodes).diagnostics
    assert (found.rule, found.line) == ("cycle", 1)
    assert "a → b → c → a" in found.message
    assert [(note.line, note.column) for note in found.notes] == [(1, 5), (2, 5), (3, 5)]


def test_a_cell_that_takes_itself() -> None:
    (found,) = graph(a="a").diagnostics
    assert (found.rule, found.message) == ("cycle", "a takes its own result")


def test_a_cycle_does_not_hide_the_rest() -> None:
    found = graph(a="b", b="a", late="a", free="", user="free")
    assert found.order == ("free", "user")
    assert len(found.diagnostics) == 1


def test_two_cycles_are_two_errors() -> None:
    assert len(graph(a="b", b="a", c="d", d="c").diagnostics) == 2


def test_two_nodes_of_one_name() -> None:
    found = build_graph([node("a"), node("a", "x")])
    assert ([d.rule for d in found.diagnostics], found.order) == (["duplicate"], ("a",))


def test_a_subgraph_has_what_the_targets_need() -> None:
    found = graph(a="n", b="a", c="b", d="a m").subgraph(["c"])
    assert (found.order, list(found.inputs)) == (("a", "b", "c"), ["n"])


def test_the_subgraph_of_all_nodes_is_the_graph_itself() -> None:
    whole = graph(a="n", b="a", c="b")
    assert whole.subgraph(whole.order) is whole
    assert whole.subgraph(whole.order, ["a"]).order == ("b", "c")
    assert whole.subgraph(["b"]).order == ("a", "b")


def test_an_override_cuts_off_what_only_it_needs() -> None:
    found = graph(a="n", b="a", c="b k").subgraph(["c"], ["b"])
    assert (found.order, list(found.inputs), found.edges) == (("c",), ["k"], {("c", "b"): Source("b")})


def test_an_override_breaks_a_cycle() -> None:
    found = graph(a="b", b="a", c="a").subgraph(["c"], ["b"])
    assert (found.order, found.diagnostics) == (("a", "c"), ())


def test_an_unknown_target_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        graph(a="").subgraph(["b"])


def test_a_dimension_that_arrays_fix_is_not_required() -> None:
    cell = parse(Path("a.c"), "void a(int n, int m, double f, const double x[n], double out[n][m]) {}").cells["a"]
    found = node_of(cell)
    assert [(p.name, p.kind, p.required) for p in found.parameters] == [
        ("n", "dimension", False),
        ("m", "value", True),
        ("f", "value", True),
        ("x", "value", True),
    ]
    assert found.fields == ("out",)


def test_a_dimension_is_an_edge_when_a_cell_computes_it() -> None:
    model = parse(Path("a.c"), "int n(void) { return 1; }\nvoid a(int n, const double x[n], double out[n]) {}")
    assert build_graph([node_of(cell) for cell in model.cells.values()]).edges == {("a", "n"): Source("n")}


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [("dtt", ["dt", "dx"], "did you mean dt?"), ("zzz", ["dt", "dx"], "known are dt, dx"), ("x", [], "there are none")],
)
def test_suggests_the_nearest_name(name: str, known: list[str], hint: str) -> None:
    assert suggest(name, known) == hint


def test_a_long_chain_needs_no_recursion() -> None:
    found = build_graph([node(f"c{i}", f"c{i + 1}") for i in range(20_000)])
    assert found.order[0] == "c19999"
    assert len(found.descendants(["c19999"])) == 19_999


def test_a_long_cycle_needs_no_recursion() -> None:
    found = build_graph([node(f"c{i}", f"c{(i + 1) % 20_000}") for i in range(20_000)])
    assert (found.order, len(found.diagnostics[0].notes)) == ((), 20_000)
