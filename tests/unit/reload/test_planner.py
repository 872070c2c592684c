"""The planner: what a change of the notebook asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hotplate import notebook as notation
from hotplate.diagnostic import Diagnostic, Severity
from hotplate.reload import Build, ReloadPlan, plan_reload

if TYPE_CHECKING:
    from collections.abc import Callable

N = "int n(void) { return 3; }"
A = "int a(int n) { return n; }"
B = "int b(int a) { return a; }"
C = "int c(int b) { return b; }"
HEADER = Path("/notebook/shapes.h")


def model_of(*cells: str) -> notation.NotebookModel:
    return notation.parse(Path("/notebook/n.c"), "\n".join(cells))


def builds_of(model: notation.NotebookModel, headers: tuple[Path, ...] = ()) -> dict[str, Build]:
    """Keys that tell what the toolchain's tell: the tokens of a cell."""
    keys = {name: notation.slice_cell(model, name).fingerprint for name in model.cells}
    return {name: Build(key, f"{key} built", headers) for name, key in keys.items()}


@pytest.fixture
def plan() -> Callable[..., ReloadPlan]:
    """The plan for a change of cells, all of which were built, loaded and run. What is new has no library."""

    def make(before: tuple[str, ...], after: tuple[str, ...], **other: Any) -> ReloadPlan:
        old, new = model_of(*before), model_of(*after)
        built, wanted = builds_of(old), builds_of(new)
        known = {build.build_key for build in built.values()}
        fresh = {name: b if b.build_key in known else replace(b, build_key="") for name, b in wanted.items()}
        graph = notation.build_graph([notation.node_of(cell) for cell in new.cells.values()])
        arguments = {"built": built, "wanted": fresh, "with_results": set(old.cells)} | other
        return plan_reload(old, new, graph, **arguments)

    return make


def test_nothing_is_done_for_the_same_text(plan: Callable[..., ReloadPlan]) -> None:
    assert plan((N, A, B), (N, A, B)) == ReloadPlan(keep=("n", "a", "b"))


@pytest.mark.parametrize(
    "edited",
    [
        "// the start\nint a(int n) { return n; }",
        "int a(int n)\n{\n    return n; // as it is\n}",
        "/* */ int a(int n){return n;}",
    ],
)
def test_comments_and_formatting_build_and_run_nothing(plan: Callable[..., ReloadPlan], edited: str) -> None:
    assert plan((N, A, B), (N, edited, B)) == ReloadPlan(keep=("n", "a", "b"))


def test_an_edited_cell_is_built_and_rerun_with_what_depends_on_it(plan: Callable[..., ReloadPlan]) -> None:
    assert plan((N, A, B, C), (N, A, "int b(int a) { return -a; }", C)) == ReloadPlan(
        build=("b",), keep=("n", "a", "c"), rerun={"b": "edited", "c": "b is rerun"}
    )


def test_an_edit_that_was_taken_back_is_loaded_and_not_built(plan: Callable[..., ReloadPlan]) -> None:
    edited = (N, "int a(int n) { return 7; }", B)
    found = plan(edited, (N, A, B), built=builds_of(model_of(*edited)), wanted=builds_of(model_of(N, A, B)))
    assert found == ReloadPlan(load=("a",), keep=("n", "b"), rerun={"a": "edited", "b": "a is rerun"})


def test_a_new_cell_is_built_and_one_that_is_gone_is_dropped(plan: Callable[..., ReloadPlan]) -> None:
    assert plan((N, A, B), (N, A, "int d(int n, int a) { return n * a; }")) == ReloadPlan(
        build=("d",), keep=("n", "a"), rerun={"d": "new"}, drop=("b",)
    )


def test_a_cell_that_only_has_another_name_is_renamed(plan: Callable[..., ReloadPlan]) -> None:
    found = plan((N, A, B), (N, A, "int last(int a) { return a; }"))
    assert (found.renamed, found.drop, found.build) == ({"last": "b"}, ("b",), ("last",))
    assert plan((N, A, B), (N, A, "int last(int a) { return 2 * a; }")).renamed == {}


def test_each_old_name_goes_to_one_new_cell(plan: Callable[..., ReloadPlan]) -> None:
    twins = ("int x(int a) { return a; }", "int y(int a) { return a; }")
    assert plan((N, A, B), (N, A, *twins)).renamed == {"x": "b"}
    assert plan((N, A, *twins), (N, A, B)).renamed == {"b": "x"}
    others = ("int v(int a) { return a; }", "int w(int a) { return a; }")
    assert plan((N, A, *twins), (N, A, *others)).renamed == {"v": "x", "w": "y"}


def test_cells_that_moved_are_told_and_nothing_is_done_for_them(plan: Callable[..., ReloadPlan]) -> None:
    found = plan((N, A, B, C), (B, N, A, C))
    assert found == ReloadPlan(keep=("n", "a", "b", "c"), moved=("b",))


def test_an_edited_header_builds_its_users_alone_and_is_named(plan: Callable[..., ReloadPlan]) -> None:
    model = model_of(N, A, B)
    built, wanted = builds_of(model), builds_of(model)
    built["a"] = replace(built["a"], headers=(HEADER,))
    wanted["a"] = replace(wanted["a"], build_key="")
    found = plan((N, A, B), (N, A, B), built=built, wanted=wanted, changed_files=[HEADER])
    assert found == ReloadPlan(build=("a",), keep=("n", "b"), rerun={"a": "shapes.h changed", "b": "a is rerun"})


def test_a_cell_without_a_result_is_run(plan: Callable[..., ReloadPlan]) -> None:
    found = plan((N, A, B), (N, A, B), with_results={"n"})
    assert found.rerun == {"a": "it has no result", "b": "it has no result"}


def test_a_text_that_breaks_rules_keeps_everything_and_says_why(plan: Callable[..., ReloadPlan]) -> None:
    error = Diagnostic(Severity.ERROR, "expected ';'", "n.c", 1)
    assert plan((N, A, B), (N,), broken=[error]) == ReloadPlan(keep=("n", "a", "b"), refused=(error,))


def test_the_first_text_is_all_new() -> None:
    model = model_of(N, A)
    graph = notation.build_graph([notation.node_of(cell) for cell in model.cells.values()])
    wanted = {name: replace(build, build_key="") for name, build in builds_of(model).items()}
    assert plan_reload(None, model, graph, built={}, wanted=wanted, with_results=()) == ReloadPlan(
        build=("n", "a"), rerun={"n": "new", "a": "new"}
    )


def test_a_python_cell_is_rerun_for_its_sources_only() -> None:
    model = model_of(N, A)
    python = notation.Node("peak", (notation.Parameter("a"),))
    graph = notation.build_graph([*(notation.node_of(cell) for cell in model.cells.values()), python])
    built, wanted = builds_of(model), builds_of(model)
    arguments: dict[str, Any] = {"built": built, "with_results": {"n", "a", "peak"}}
    assert plan_reload(model, model, graph, wanted=wanted, **arguments).rerun == {}
    wanted["a"] = Build("other")
    assert plan_reload(model, model, graph, wanted=wanted, **arguments).rerun == {
        "a": "edited",
        "peak": "a is rerun",
    }
