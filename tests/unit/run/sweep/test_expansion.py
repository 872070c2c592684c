"""The graph of a sweep: what is shared, what each instance is given, in what order, and what may be let go when."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotplate.errors import InputError
from hotplate.execute import AbortHandle, LinearExecutor, Outcome, OutcomeKind
from hotplate.execute.executor import TaskGraph
from hotplate.notebook import Graph, Node, Parameter, Source, build_graph
from hotplate.notebook.condition_text import parse_condition
from hotplate.run.sweep import Axis, Sweep, axes_of, expand

if TYPE_CHECKING:
    from collections.abc import Iterable


def graph(**parameters: str) -> Graph:
    """`a="b c"` is a cell a with the parameters b and c."""
    return build_graph([Node(name, tuple(map(Parameter, names.split()))) for name, names in parameters.items()])


def sweep(cells: Graph, targets: Iterable[str] = (), shared: Iterable[str] = (), **swept: Iterable[Any]) -> Sweep:
    return expand(cells, axes_of(swept), tuple(shared), targets)


HEAT = graph(mesh="n", u0="mesh", u1="u0 dt", energy="u1", report="energy title")


def test_cells_stand_once_for_each_combination_of_what_they_depend_on() -> None:
    found = sweep(HEAT, dt=[0.1, 0.2], title=["a"])
    assert set(found.graph.nodes) == {
        "mesh", "u0", "u1[dt=0.1]", "u1[dt=0.2]", "energy[dt=0.1]", "energy[dt=0.2]",
        "report[dt=0.1,title=a]", "report[dt=0.2,title=a]",
    }  # fmt: skip
    assert found.cells["report[dt=0.1,title=a]"] == "report"


def test_instances_take_from_those_of_the_same_values_and_share_the_rest() -> None:
    found = sweep(HEAT, dt=[0.1, 0.2], n=[8, 16])
    assert found.graph.edges["u1[dt=0.2,n=8]", "u0"] == Source("u0[n=8]")
    assert found.graph.edges["u1[dt=0.2,n=8]", "dt"] == Source("dt=0.2")
    assert found.values == {"dt=0.1": 0.1, "dt=0.2": 0.2, "n=8": 8, "n=16": 16}
    assert found.graph.dependencies("u1[dt=0.2,n=8]") == ("u0[n=8]", "dt=0.2")


def test_a_field_of_a_cell_stays_a_field_of_its_instance() -> None:
    cells = build_graph([Node("s", (Parameter("x"),), ("mean", "var")), Node("t", (Parameter("s_mean"),))])
    assert sweep(cells, x=[1, 2]).graph.edges["t[x=2]", "s_mean"] == Source("s[x=2]", "mean")


def test_what_all_points_are_given_stays_an_input() -> None:
    users = sweep(HEAT, dt=[0.1, 0.2], n=[8]).graph.inputs["title"]
    assert [name for name, _ in users] == ["report[dt=0.1,n=8]", "report[dt=0.2,n=8]"]


def test_a_swept_cell_does_not_run_and_neither_does_what_only_it_needs() -> None:
    found = sweep(HEAT, u0=[1, 2], dt=[0.1])
    assert {found.cells[name] for name in found.graph.nodes} == {"u1", "energy", "report"}
    assert found.graph.edges["u1[u0=1,dt=0.1]", "u0"] == Source("u0=1")


def test_a_cell_that_is_given_to_all_points_is_shared() -> None:
    found = sweep(HEAT, shared=["u0", "title"], dt=[0.1, 0.2])
    assert found.graph.edges["u1[dt=0.2]", "u0"] == Source("u0")
    assert "mesh" not in found.cells.values()


def test_points_are_the_product_with_the_last_axis_fastest() -> None:
    found = sweep(HEAT, dt=[0.1, 0.2], n=[8, 16, 32])
    assert len(found.points) == 6
    assert found.points[:4] == [
        {"dt": 0.1, "n": 8}, {"dt": 0.1, "n": 16}, {"dt": 0.1, "n": 32}, {"dt": 0.2, "n": 8},
    ]  # fmt: skip
    assert found.points[-1] == {"dt": 0.2, "n": 32}
    assert found.points.label(4) == "dt=0.2,n=16"
    with pytest.raises(IndexError):
        found.points[6]


def test_each_point_has_an_instance_of_each_cell() -> None:
    found = sweep(HEAT, dt=[0.1, 0.2], n=[8, 16])
    assert found.instance(2, "u1") == "u1[dt=0.2,n=8]"
    assert found.instance(2, "u0") == "u0[n=8]"
    assert [axis.name for axis in found.depends_on("u0")] == ["n"]
    assert found.instances("u0") == ["u0[n=8]", "u0[n=16]"]


def test_targets_are_what_nothing_else_needs_or_what_is_asked_for() -> None:
    assert sweep(HEAT, n=[8]).targets == ("report",)
    asked = sweep(HEAT, ["u1", "u0", "u1"], n=[8], dt=[1])
    assert asked.targets == ("u1", "u0")
    assert "energy" not in asked.cells.values()


def test_one_point_is_done_before_the_next_begins() -> None:
    assert [*sweep(graph(a="x", b="a y", c=""), x=[1, 2], y=[1, 2]).graph.order] == [
        "a[x=1]", "b[x=1,y=1]", "c", "b[x=1,y=2]", "a[x=2]", "b[x=2,y=1]", "b[x=2,y=2]",
    ]  # fmt: skip


def test_a_cell_depends_on_what_its_condition_looks_at() -> None:
    cells = build_graph(
        [Node("a", (Parameter("x"),)), Node("b", (), condition=parse_condition("a > 1 and y > 1 and z > 1"))]
    )
    found = sweep(cells, shared=["z"], x=[1, 2], y=[3])
    assert set(found.graph.nodes) == {"a[x=1]", "a[x=2]", "b[x=1,y=3]", "b[x=2,y=3]"}
    assert found.graph.edges["b[x=2,y=3]", "a"] == Source("a[x=2]")
    assert found.graph.edges["b[x=2,y=3]", "y"] == Source("y=3")
    assert found.graph.nodes["b[x=2,y=3]"].condition is cells.nodes["b"].condition
    assert [name for name, _ in found.graph.inputs["z"]] == ["b[x=1,y=3]", "b[x=2,y=3]"]


def test_traps_take_no_part() -> None:
    cells = build_graph([Node("a", (Parameter("x"),)), Node("post", (Parameter("a"),), trap=())])
    assert set(sweep(cells, x=[1]).graph.nodes) == {"a[x=1]"}
    with pytest.raises(InputError, match="post is a trap, which no sweep runs"):
        sweep(cells, ["post"], x=[1])


@pytest.mark.parametrize(
    ("swept", "shared", "targets", "told"),
    [
        ({"tilte": [1]}, (), (), "nothing that is run depends on tilte, which is swept; did you mean title?"),
        ({"dt": [1]}, (), ("u0",), "nothing that is run depends on dt"),
        ({"dt": [1], "mesh": [1], "n": [1]}, (), (), "nothing that is run depends on n"),
        ({"report": [1]}, (), (), "nothing that is run depends on report"),
        ({"dt": [1]}, ("dt",), (), "dt is swept and has one value for all points as well"),
        ({"u0": [1]}, (), ("u0",), "u0 is a target and has its values from outside"),
    ],
)
def test_swept_names_without_a_place_are_refused(
    swept: dict[str, Any], shared: tuple[str, ...], targets: tuple[str, ...], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        sweep(HEAT, targets, shared, **swept)


def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(InputError, match="dt twice; put all its values into one list"):
        expand(HEAT, [Axis("dt", (1,)), Axis("dt", (2,))])


def test_an_intermediate_result_is_let_go_after_its_last_use() -> None:
    found = sweep(graph(a="x", b="a", c="a b"), x=[1])
    releases = found.releases()
    assert [releases.ended(name) for name in found.graph.order] == [(), (), ("a[x=1]", "b[x=1]")]


def test_a_result_that_several_points_share_is_let_go_after_the_last_of_them() -> None:
    found = sweep(graph(a="x", b="a y"), x=[1], y=[1, 2])
    releases = found.releases()
    assert [releases.ended(name) for name in found.graph.order] == [(), (), ("a[x=1]",)]


def test_a_result_that_comes_when_all_that_needed_it_were_skipped_is_let_go_at_once() -> None:
    found = sweep(graph(a="x", late="x", b="a late"), ["b"], x=[1, 2])
    releases = found.releases()
    assert releases.ended("a[x=1]") == ()
    assert releases.ended("b[x=1]") == ("a[x=1]",)  # skipped, for a failed
    assert releases.ended("late[x=1]") == ("late[x=1]",)


def test_what_all_points_share_stays() -> None:
    found = sweep(graph(a="", b="a x"), x=[1, 2])
    releases = found.releases()
    assert [releases.ended(name) for name in found.graph.order] == [(), (), ()]


def test_the_result_of_a_target_is_never_let_go() -> None:
    found = sweep(graph(a="x", b="a x"), ["a", "b"], x=[1])
    releases = found.releases()
    assert [releases.ended(name) for name in found.graph.order] == [(), ()]


# ---- any graph ----

PROPERTY = settings(max_examples=150, deadline=None, database=None, derandomize=True)


@st.composite
def sweeps(draw: st.DrawFn) -> tuple[Graph, dict[str, list[int]]]:
    """Cells that take from those before them and from inputs, and values for some inputs, cells among them."""
    count = draw(st.integers(1, 7))
    names = [f"c{i}" for i in range(count)]
    inputs = ["x", "y", "z"]
    cells = {
        name: " ".join(draw(st.lists(st.sampled_from([*names[:i], *inputs]), max_size=4, unique=True)))
        for i, name in enumerate(names)
    }
    found = graph(**cells)
    candidates = sorted({*found.inputs, *(source.cell for source in found.edges.values())})
    chosen = draw(st.lists(st.sampled_from(candidates), max_size=3, unique=True)) if candidates else []
    return found, {name: list(range(draw(st.integers(1, 3)))) for name in chosen}


def run(found: Sweep, shared: dict[str, Any]) -> dict[str, Any]:
    """What each instance computes: its cell and what it was given, which tells apart all that differs."""
    results: dict[str, Any] = {**found.values, **shared}

    def call(name: str) -> Outcome:
        taken = {}
        for parameter in found.graph.nodes[name].parameters:
            source = found.graph.edges.get((name, parameter.name))
            taken[parameter.name] = results[source.cell if source else parameter.name]
        assert name not in results, "each instance is computed once"
        results[name] = (found.cells[name], *sorted(taken.items(), key=repr))
        return Outcome(OutcomeKind.OK, results[name])

    order = found.graph.order
    tasks = TaskGraph(order, {name: found.graph.dependencies(name) for name in order})
    LinearExecutor().execute(tasks, call, AbortHandle(), lambda _name, _outcome: None)
    return results


def alone(cells: Graph, point: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """The same, of one point on its own and without sweeps."""
    results = {**shared, **point}
    for name in cells.order:
        if name not in point:
            sources = {p.name: results[p.name] for p in cells.nodes[name].parameters}
            results[name] = (name, *sorted(sources.items(), key=repr))
    return results


@given(sweeps())
@PROPERTY
def test_each_point_is_what_it_is_on_its_own_and_nothing_is_computed_twice(
    drawn: tuple[Graph, dict[str, list[int]]],
) -> None:
    cells, swept = drawn
    shared = {name: f"given {name}" for name in cells.inputs if name not in swept}
    try:
        found = sweep(cells, **swept)
    except InputError:
        return  # nothing depends on one of the names
    results = run(found, shared)
    computed = {name: results[name] for name in found.graph.nodes}
    assert len(set(map(repr, computed.values()))) == len(computed)
    for i, values in enumerate(itertools.product(*swept.values())):
        point = dict(zip(swept, values, strict=True))
        assert found.points[i] == point
        expected = alone(cells, point, shared)
        for cell in {*found.cells.values()}:
            assert results[found.instance(i, cell)] == expected[cell]


@given(sweeps())
@PROPERTY
def test_nothing_is_let_go_before_its_last_use_and_in_the_end_what_is_neither_target_nor_shared_by_all(
    drawn: tuple[Graph, dict[str, list[int]]],
) -> None:
    cells, swept = drawn
    try:
        found = sweep(cells, **swept)
    except InputError:
        return
    releases, gone = found.releases(), set()
    for name in found.graph.order:
        assert gone.isdisjoint(found.graph.dependencies(name))
        gone |= {*releases.ended(name)}
    assert gone == {name for name, cell in found.cells.items() if cell != name and cell not in found.targets}
