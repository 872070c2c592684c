from __future__ import annotations

import pytest

from hotplate.errors import CellFailed, InputError
from hotplate.execute import Outcome, OutcomeKind
from hotplate.notebook import Graph, Node, Parameter, build_graph
from hotplate.run import plan_run
from hotplate.run.traps import FAILURES, TrapPlan, plan_traps


def node(name: str, parameters: str = "", trap: tuple[str, ...] | None = None) -> Node:
    asked = tuple(
        Parameter(it, "failure", required=False) if it == "failure" else Parameter(it) for it in parameters.split()
    )
    return Node(name, asked, trap=trap)


GRAPH = build_graph(
    [
        node("dump", "failure u0", ()), node("u0", "dt"), node("u1", "u0"), node("u2", "u1"), node("other"),
        node("why", "failure u1", ("u2", "other")), node("note", "failure who", ("other",)),
    ]
)  # fmt: skip


def ended(**kinds: str) -> dict[str, Outcome]:
    """`u1="failed"`: outcomes in this order; what is not named is ok."""
    outcomes = {}
    for name, kind in (kinds | {name: "ok" for name in ("u0", "u1", "u2", "other") if name not in kinds}).items():
        error = CellFailed(name, "no convergence") if kind == "failed" else None
        outcomes[name] = Outcome(OutcomeKind(kind), 1.0 if kind == "ok" else None, error, reason=f"why {kind}")
    return outcomes


def plan(given: tuple[str, ...] = ("dt", "who"), stopped: str = "", **kinds: str) -> TrapPlan:
    return plan_traps(GRAPH, ended(**kinds), given, stopped=stopped)


def test_undisturbed_no_trap_runs() -> None:
    found = plan()
    assert found.fire == {}
    assert found.skipped == dict.fromkeys(["dump", "why", "note"], "nothing failed")


@pytest.mark.parametrize("kind", sorted(FAILURES))
def test_every_failure_sets_off_the_traps_for_it(kind: str) -> None:
    assert list(plan(other=kind).fire) == ["dump", "why", "note"]


@pytest.mark.parametrize("kind", sorted(set(OutcomeKind) - FAILURES))
def test_nothing_else_does(kind: str) -> None:
    assert plan(other=kind).fire == {}


def test_a_trap_is_told_the_first_failure_that_it_is_set_for() -> None:
    found = plan(u2="failed", other="crashed")
    assert found.fire == {
        "dump": "u2: no convergence", "why": "u2: no convergence", "note": "other: why crashed",
    }  # fmt: skip


def test_a_cell_whose_error_begins_with_its_name_is_named_once() -> None:
    outcomes = ended(other="failed")
    outcomes["other"] = Outcome(OutcomeKind.FAILED, error=InputError("other: n is 3 in a but 4 in b"))
    assert plan_traps(GRAPH, outcomes, ("who",)).fire["note"] == "other: n is 3 in a but 4 in b"


def test_a_trap_that_is_set_for_others_stays_quiet_and_says_so() -> None:
    assert plan(u2="failed").skipped == {"note": "it is set for other, and something else failed"}


@pytest.mark.parametrize(
    ("kinds", "trap", "reason"),
    [
        ({"u1": "failed", "u2": "skipped", "other": "failed"}, "why", "u1 has no value: it failed"),
        ({"u0": "timed_out", "u1": "skipped"}, "dump", "u0 has no value: it timed out"),
        ({"other": "lost", "u1": "cancelled"}, "why", "u1 has no value: it was cancelled"),
    ],
)
def test_a_trap_whose_values_are_not_there_is_skipped_with_the_reason(
    kinds: dict[str, str], trap: str, reason: str
) -> None:
    assert plan(**kinds).skipped[trap] == reason


def test_an_input_that_was_not_given_is_a_reason_too() -> None:
    assert plan(("dt",), other="failed").skipped["note"] == "who was not given"


def test_after_a_stop_no_trap_runs() -> None:
    found = plan(u2="failed", stopped="interrupted")
    assert found.fire == {}
    assert set(found.skipped.values()) == {"the run was stopped: interrupted"}


def test_what_a_trap_is_told_is_text_that_c_can_hold() -> None:
    outcomes = ended(other="failed")
    outcomes["other"] = Outcome(OutcomeKind.FAILED, error=CellFailed("other", "a\0b\udc80"))
    assert plan_traps(GRAPH, outcomes, ("who",)).fire["note"] == "other: a b?"


# ---- which traps a run has ----


def names(graph: Graph) -> set[str]:
    return set(graph.nodes)


@pytest.mark.parametrize(
    ("targets", "given", "traps"),
    [
        ((), {"dt": 1, "who": "me"}, {"dump", "why", "note"}),
        (("u1",), {"dt": 1}, {"dump"}),
        (("u2",), {"dt": 1}, {"dump", "why"}),
        (("other",), {}, set()),
        (("other",), {"who": "me"}, {"note"}),
        (("u1",), {"u0": 1}, {"dump"}),
    ],
)
def test_a_run_of_some_cells_has_the_traps_that_fit(
    targets: tuple[str, ...], given: dict[str, object], traps: set[str]
) -> None:
    assert names(plan_run(GRAPH, targets, given, "heat.c")) & {"dump", "why", "note"} == traps


def test_a_run_of_everything_wants_the_inputs_of_traps_too() -> None:
    with pytest.raises(InputError, match=r"needs a value for who \(for note\)"):
        plan_run(GRAPH, (), {"dt": 1}, "heat.c")
