"""The layout of graphs: geometric facts that hold for any graph."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotplate.show.layering import lay_out
from hotplate.show.rows import crossings, fewer_crossings

if TYPE_CHECKING:
    from hotplate.show.layering import Layout, Place

Graph = tuple[dict[str, tuple[float, float]], list[tuple[str, str]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any directed graph of up to 14 boxes, cycles and boxes that nothing joins included."""
    names = [f"c{i}" for i in range(draw(st.integers(1, 14)))]
    sizes = {name: (draw(st.sampled_from([30.0, 90.0, 260.0])), draw(st.sampled_from([22.0, 44.0]))) for name in names}
    ends = st.sampled_from(names)
    return sizes, draw(st.lists(st.tuples(ends, ends), max_size=30))


def overlap(one: Place, other: Place) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def rising(layout: Layout) -> list[tuple[str, str]]:
    return [edge for edge, points in layout.routes.items() if points[-1][1] <= points[0][1]]


@settings(deadline=None, max_examples=60)
@given(graphs(), st.sampled_from([200.0, 960.0]))
def test_boxes_never_overlap_and_lie_within_the_picture(graph: Graph, room: float) -> None:
    layout = lay_out(*graph, room)
    for one, other in combinations(layout.places.values(), 2):
        assert not overlap(one, other)
    for place in layout.places.values():
        assert place.x >= -1e-6
        assert place.x + place.width <= layout.width + 1e-6
        assert place.y + place.height <= layout.height + 1e-6


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_an_edge_leaves_its_source_below_and_enters_its_target_above(graph: Graph) -> None:
    layout = lay_out(*graph)
    assert layout.routes.keys() == {edge for edge in graph[1] if edge[0] != edge[1]}
    for (source, target), points in layout.routes.items():
        upper, lower = (source, target) if points[0][1] < points[-1][1] else (target, source)
        ends = sorted((points[0], points[-1]), key=lambda point: point[1])
        start, end = layout.places[upper], layout.places[lower]
        assert ends[0] == pytest.approx((start.x + start.width / 2, start.y + start.height))
        assert ends[1] == pytest.approx((end.x + end.width / 2, end.y))


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_without_cycles_every_edge_goes_down_at_every_point(graph: Graph) -> None:
    sizes, edges = graph
    layout = lay_out(sizes, [(a, b) if a < b else (b, a) for a, b in edges])
    assert not rising(layout)
    for points in layout.routes.values():
        assert all(upper[1] <= lower[1] for upper, lower in pairwise(points))


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_no_edge_passes_through_a_box(graph: Graph) -> None:
    layout = lay_out(*graph)
    for points in layout.routes.values():
        for (x, y), (_, to_y) in pairwise(points):
            low, high = sorted((y, to_y))
            for place in layout.places.values():
                inside = place.x < x < place.x + place.width
                assert not (inside and low < place.y + place.height / 2 < high)


def test_of_a_cycle_one_edge_rises() -> None:
    sizes = dict.fromkeys("abc", (50.0, 20.0))
    assert rising(lay_out(sizes, [("a", "b"), ("b", "c"), ("c", "a")])) == [("c", "a")]


def test_what_needs_nothing_stands_right_above_the_first_that_needs_it() -> None:
    sizes = dict.fromkeys(["a", "b", "c", "input"], (50.0, 20.0))
    places = lay_out(sizes, [("a", "b"), ("b", "c"), ("input", "c")]).places
    assert places["input"].y == places["b"].y


def test_a_row_that_is_too_wide_is_folded() -> None:
    sizes = {f"c{i}": (100.0, 20.0) for i in range(20)} | {"all": (100.0, 20.0)}
    layout = lay_out(sizes, [(name, "all") for name in sizes if name != "all"], room=500)
    assert layout.width < 1000
    assert not rising(layout)


def test_two_edges_that_cross_change_places() -> None:
    rows, links = [["a", "b"], ["x", "y"]], {"a": ["y"], "b": ["x"]}
    assert crossings(rows, links) == 1
    assert crossings(fewer_crossings(rows, links), links) == 0


def test_nothing_is_a_layout_too() -> None:
    assert lay_out({}, []).places == {}
