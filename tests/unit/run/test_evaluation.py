"""Evaluation: which cells of a run are computed, how often they are tried, and what is told about them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from hotplate.events import Kind
from hotplate.execute import OutcomeKind

if TYPE_CHECKING:
    from tests.unit.run.conftest import Session

TIMED_OUT, FAILED, OK = OutcomeKind.TIMED_OUT, OutcomeKind.FAILED, OutcomeKind.OK


def statuses(results: dict[str, Any]) -> dict[str, str]:
    return {name: result.status for name, result in results.items()}


def test_values_travel_by_name_in_dependency_order(chain: Session) -> None:
    results = chain.run(x=1)
    assert {name: result.value for name, result in results.items()} == {"a": 2, "other": 7, "b": 3, "c": 4}
    assert chain.called.index("a") < chain.called.index("b") < chain.called.index("c")


def test_what_is_up_to_date_is_kept(chain: Session) -> None:
    chain.run(x=1)
    assert set(statuses(chain.run(x=1)).values()) == {"kept"}
    assert chain.called == []


def test_a_changed_input_reruns_what_depends_on_it_and_nothing_else(chain: Session) -> None:
    chain.run(x=1)
    assert statuses(chain.run(x=2)) == {"a": "ok", "b": "ok", "c": "ok", "other": "kept"}


@pytest.mark.parametrize(
    ("first", "second"),
    [(1, 1.0), (True, 1), (np.float32(1), np.float64(1)), ("1", 1), (np.zeros(2), np.zeros((2, 1)))],
)
def test_an_input_of_another_type_or_shape_is_another_input(chain: Session, first: Any, second: Any) -> None:
    chain.add("a", lambda x: len(str(x)), ["x"])
    chain.run(x=first)
    assert statuses(chain.run(x=second))["a"] == "ok"


def test_an_array_that_was_written_to_is_another_input(chain: Session) -> None:
    chain.add("a", lambda x: len(str(x)), ["x"])
    array = np.zeros(3)
    chain.run(x=array)
    array[1] = 1
    assert statuses(chain.run(x=array))["a"] == "ok"


def test_an_input_whose_content_cannot_be_told_is_never_the_same(chain: Session) -> None:
    chain.add("a", lambda x: len(str(x)), ["x"])
    unreadable = object.__new__(type("Unreadable", (), {"__reduce__": None}))
    chain.run(x=unreadable)
    assert statuses(chain.run(x=unreadable))["a"] == "ok"


def test_another_build_key_reruns_the_cell_and_its_descendants(chain: Session) -> None:
    chain.run(x=1)
    chain.add("b", lambda a: a + 10, ["a"], key="k2")
    assert statuses(chain.run(x=1)) == {"a": "kept", "other": "kept", "c": "ok", "b": "ok"}


def test_an_impure_cell_always_runs_and_what_depends_on_it_only_when_it_gave_something_else(chain: Session) -> None:
    clock = iter([10, 11, 11])
    chain.add("b", lambda a: next(clock) + 0 * a, ["a"], impure=True)
    chain.run(x=1)
    assert statuses(chain.run(x=1)) == {"a": "kept", "other": "kept", "c": "ok", "b": "ok"}
    assert statuses(chain.run(x=1)) == {"a": "kept", "other": "kept", "c": "kept", "b": "ok"}


def test_an_edit_that_gives_the_same_bytes_stops_there(chain: Session) -> None:
    chain.run(x=1)
    chain.add("a", lambda x: 1 + x, ["x"], key="k2")
    results = chain.run(x=1)
    assert statuses(results) == {"a": "ok", "other": "kept", "b": "kept", "c": "kept"}
    assert {name: result.reason for name, result in results.items()} == {
        "a": "edited", "other": "up to date", "b": "a gave the same bytes", "c": "up to date",
    }  # fmt: skip


def test_only_the_fields_that_changed_count(session: Session) -> None:
    class Stats(NamedTuple):
        low: int
        high: int

    session.add("stats", lambda: Stats(1, 9))
    session.nodes[-1] = replace(session.nodes[-1], fields=("low", "high"))
    session.add("uses_low", lambda stats_low: stats_low, ["stats_low"])
    session.add("uses_high", lambda stats_high: stats_high, ["stats_high"])
    session.run()
    session.add("stats", lambda: Stats(2, 9), key="k2")
    session.nodes[-1] = replace(session.nodes[-1], fields=("low", "high"))
    results = session.run()
    assert (results["uses_low"].status, results["uses_high"].status) == ("ok", "kept")
    assert results["uses_low"].reason == "stats_low changed"


def test_an_edit_that_is_taken_back_finds_its_earlier_results(chain: Session) -> None:
    chain.run(x=1)
    chain.add("a", lambda x: x + 5, ["x"], key="k2")
    assert chain.run(x=1)["c"].value == 8
    chain.add("a", lambda x: x + 1, ["x"], key="k1")
    results = chain.run(x=1)
    assert set(statuses(results).values()) == {"kept"}
    assert results["c"].value == 4


def test_a_cell_says_why_it_ran(chain: Session) -> None:
    assert {result.reason for result in chain.run(x=1).values()} == {"new"}
    assert {result.reason for result in chain.run(x=1, fresh=True).values()} == {"asked for"}
    results = chain.run(x=2)
    assert (results["a"].reason, results["b"].reason) == ("x changed", "a changed")


def test_a_kept_result_has_the_version_that_computed_it(chain: Session) -> None:
    chain.version = 1
    chain.run(x=1)
    chain.version = 2
    chain.add("b", lambda a: a + 10, ["a"], key="k2")
    results = chain.run(x=1)
    assert {name: result.version for name, result in results.items()} == {"a": 1, "other": 1, "b": 2, "c": 2}


def test_a_superseded_run_starts_nothing_more(chain: Session) -> None:
    def a(x: int) -> int:
        chain.evaluation.supersede("a newer version is there", ())
        return x + 1

    chain.add("a", a, ["x"])
    results = chain.run(x=1)
    assert results["a"].status == "ok", "what runs may end"
    assert results["c"].status == "cancelled"
    assert results["c"].reason == "a newer version is there"
    assert chain.called == ["a"]


def test_a_superseded_run_asks_obsolete_cells_to_stop(chain: Session) -> None:
    seen = []

    def a(x: int) -> int:
        chain.evaluation.supersede("a newer version is there", ["a"])
        seen.append(chain.abort.aborted)
        return x

    chain.add("a", a, ["x"])
    chain.run(x=1)
    assert seen == [True]


def test_fresh_runs_everything(chain: Session) -> None:
    chain.run(x=1)
    assert set(statuses(chain.run(x=1, fresh=True)).values()) == {"ok"}


def test_an_overridden_cell_does_not_run_and_its_value_is_passed_on(chain: Session) -> None:
    results = chain.run(x=1, b=10)
    assert statuses(results) == {"b": "given", "a": "ok", "other": "ok", "c": "ok"}
    assert (results["b"].value, results["c"].value) == (10, 11)
    assert "b" not in chain.called


def test_a_result_of_other_inputs_is_never_handed_out(chain: Session) -> None:
    chain.run(x=1)
    chain.backend.script["a"] = [FAILED]
    results = chain.run(x=2)
    assert statuses(results) | {"other": ""} == {"a": "failed", "b": "skipped", "c": "skipped", "other": ""}
    chain.backend.script.clear()
    assert chain.run(x=1)["c"].value == 4
    assert chain.called == [], "the results of x=1 are still valid"


def test_a_call_that_timed_out_is_tried_again(session: Session) -> None:
    session.add("a", lambda: 5, retries=2)
    session.backend.script["a"] = [TIMED_OUT, TIMED_OUT, OK]
    result = session.run()["a"]
    assert (result.value, result.outcome.attempts, session.called) == (5, 3, ["a"] * 3)


def test_the_last_try_counts(session: Session) -> None:
    session.add("a", lambda: 5, retries=2)
    session.backend.script["a"] = [TIMED_OUT]
    result = session.run()["a"]
    assert (result.outcome.kind, result.outcome.attempts, session.called) == (TIMED_OUT, 3, ["a"] * 3)


@pytest.mark.parametrize("kind", [FAILED, OutcomeKind.REJECTED, OutcomeKind.CANCELLED])
def test_what_the_cell_itself_reports_is_final(session: Session, kind: OutcomeKind) -> None:
    session.add("a", lambda: 5, retries=2)
    session.backend.script["a"] = [kind, OK]
    assert session.run()["a"].outcome.kind is kind
    assert session.called == ["a"]


def test_after_an_abort_nothing_is_tried_again(session: Session) -> None:
    session.add("a", lambda: 5, retries=9)
    session.backend.script["a"] = [TIMED_OUT]
    run = session.backend.execute

    def execute(request: Any) -> Any:
        session.abort.abort()
        return run(request)

    session.backend.execute = execute  # type: ignore[method-assign]  # the moment of the abort is the test
    session.run()
    assert session.called == ["a"]


def test_every_try_is_an_event_and_the_end_is_one(session: Session) -> None:
    session.add("a", lambda: 5, retries=1)
    session.backend.script["a"] = [TIMED_OUT, OK]
    session.run()
    assert [(event.kind, event.attempt) for event in session.events] == [
        (Kind.CELL_STARTED, 1),
        (Kind.CELL_RETRYING, 1),
        (Kind.CELL_STARTED, 2),
        (Kind.CELL_DONE, 2),
    ]
    assert [event.sequence for event in session.events] == [1, 2, 3, 4]


@pytest.mark.parametrize(("keep_going", "other"), [(False, Kind.CELL_SKIPPED), (True, Kind.CELL_DONE)])
def test_every_cell_has_exactly_one_terminal_event(chain: Session, keep_going: bool, other: Kind) -> None:
    chain.backend.script["a"] = [FAILED]
    chain.add("later", lambda other: other, ["other"])
    chain.run(x=1, keep_going=keep_going)
    ends = {e.cell: e.kind for e in chain.events if e.kind is not Kind.CELL_STARTED}
    assert len([e for e in chain.events if e.kind is not Kind.CELL_STARTED]) == 5
    assert (ends["a"], ends["b"], ends["c"]) == (Kind.CELL_FAILED, Kind.CELL_SKIPPED, Kind.CELL_SKIPPED)
    assert ends["later"] is other


def test_a_superseded_run_keeps_no_obsolete_result(chain: Session) -> None:
    def a(x: int) -> int:
        chain.evaluation.supersede("a newer version is there", ["a"])
        return x

    chain.add("a", a, ["x"])
    assert chain.run(x=1)["a"].value == 1
    assert chain.state.latest("a") is None


def test_a_kept_result_that_is_dropped_meanwhile_is_still_kept(chain: Session) -> None:
    chain.run(x=1)
    find = chain.state.find

    def find_and_drop(cell: str, trace: Any) -> Any:
        found = find(cell, trace)
        chain.state.drop(cell)
        return found

    chain.state.find = find_and_drop  # type: ignore[method-assign]  # another thread, at the worst moment
    assert chain.run(x=1)["c"].value == 4
