"""The dependency graph as SVG: what is in it, and that nothing a user wrote becomes markup."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from hotplate import notebook as notation
from hotplate.notebook.drawing import as_svg, drawing_of, picture_of
from hotplate.show import graphs
from hotplate.show.graphs import Box, Drawing, Link, State
from hotplate.show.marks import mark_of

SVG = "{http://www.w3.org/2000/svg}"
STATES = ("ok", "kept", "draft", "stale", "building", "running", "waiting", "skipped", "failed")


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}text")]


def graph_of(*nodes: notation.Node) -> notation.Graph:
    return notation.build_graph(nodes)


def node(name: str, *parameters: str) -> notation.Node:
    return notation.Node(name, tuple(notation.Parameter(parameter) for parameter in parameters))


def test_each_cell_and_each_input_is_a_box_of_its_own_shape() -> None:
    svg = parsed(as_svg(graph_of(node("u0", "n"), node("u1", "u0", "dt"))))
    kinds = {group.get("data-name"): group.get("class") for group in svg.iter(f"{SVG}g") if group.get("data-name")}
    assert kinds == {"n": "hp-input", "dt": "hp-input", "u0": "hp-cell", "u1": "hp-cell"}
    corners = {
        group.get("data-name"): box.get("rx") for group in svg.iter(f"{SVG}g") for box in group.iter(f"{SVG}rect")
    }
    assert corners["n"] != corners["u0"]


def test_each_edge_is_there_once_however_many_results_go_along_it() -> None:
    stats = notation.Node("stats", (), ("mean", "ends"))
    svg = parsed(as_svg(graph_of(stats, node("report", "stats_mean", "stats_ends"))))
    (edge,) = [group for group in svg.iter(f"{SVG}g") if group.get("data-from")]
    assert (edge.get("data-from"), edge.get("data-to")) == ("stats", "report")
    assert edge.findtext(f"{SVG}title") == "stats.mean, ends → report"


def test_a_box_says_its_state_its_type_and_its_time() -> None:
    svg = as_svg(graph_of(node("u0")), {"u0": State("failed", "float64[4]", "3 ms")})
    assert texts(svg) == ["✗", "u0", "float64[4]", "3 ms"]
    assert "var(--hp-bad)" in svg


def test_states_of_one_colour_or_of_one_sign_are_told_apart_by_the_other() -> None:
    marks = {(mark_of(state).sign, mark_of(state).tone) for state in STATES}
    assert len(marks) == len(STATES)


@pytest.mark.parametrize("name", ['<script>alert("1")</script>', "a&b", "'><svg onload=x>", "]]>", "\x1b[31m", "漢字"])
def test_names_are_escaped(name: str) -> None:
    drawing = Drawing([Box(name, tip=name), Box("end")], [Link(name, "end", label=name)])
    svg = graphs.as_svg(drawing, {name: State("ok", name, name)})
    shown = name.replace("\x1b", "\ufffd")
    assert shown in texts(svg)
    assert not list(parsed(svg).iter(f"{SVG}script"))
    allowed = {"svg", "style", "g", "title", "rect", "text", "path"}
    assert {element.tag.removeprefix(SVG) for element in parsed(svg).iter()} <= allowed


def test_boxes_are_as_wide_as_their_texts() -> None:
    svg = parsed(graphs.as_svg(Drawing([Box("a" * 25), Box("漢" * 12)])))
    assert all(float(box.get("width", 0)) > 24 * 7 for box in svg.iter(f"{SVG}rect"))


def test_a_long_name_loses_its_middle_and_keeps_it_in_its_tip() -> None:
    name = "begin_" + "x" * 60 + "_end"
    svg = graphs.as_svg(Drawing([Box(name)]))
    (shown,) = texts(svg)
    assert shown.startswith("begin_")
    assert shown.endswith("_end")
    assert name in (parsed(svg).findtext(f".//{SVG}title") or "")


def test_edges_that_only_a_condition_looks_along_are_dashed() -> None:
    text = '// %% Late  when="error > 1"\nint late(int n) { return n; }\n'
    late = notation.node_of(notation.parse(Path("x.c"), text).cells["late"])
    drawing = drawing_of(graph_of(node("error"), node("n"), late))
    assert {link.source: link.conditional for link in drawing.links} == {"error": True, "n": False}


def test_a_cycle_is_drawn_like_any_other_graph() -> None:
    svg = parsed(as_svg(graph_of(node("a", "b"), node("b", "a"))))
    assert sum(1 for group in svg.iter(f"{SVG}g") if group.get("data-from")) == 2


def test_a_graph_that_is_too_large_for_a_picture_is_text_and_says_so() -> None:
    many = [node(f"c{i}") for i in range(graphs.MOST + 1)]
    picture = picture_of(graph_of(*many))
    assert "<svg" not in picture.html
    assert "201 cells" in picture.html
    assert "c200" in picture.html


def test_a_graph_shows_itself_in_a_notebook() -> None:
    bundle = graph_of(node("u0", "n"))._repr_mimebundle_()
    assert "<svg" in bundle["text/html"]
    assert bundle["text/plain"] == "u0  <- n (input)\ninputs: n"
