"""RunStore: what was recorded is found again, in this process and in others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.errors import SettingError, StoreError
from hotplate.events import Kind
from hotplate.execute import OutcomeKind
from hotplate.execute.cooperation import Answer, Cooperation, Usage
from hotplate.run.store import RunDescription, RunState, RunStore
from hotplate.values import digest
from tests.unit.run.store.samples import CELLS, attempt, compute, database, event, trace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hotplate.run.store import Recording

    Begin = Callable[..., Recording]

A, B = "a" * 12, "b" * 12
BIG = np.arange(2000.0)


def load(store: RunStore, run: str, cell: str) -> Any:
    found = store.load(store.find_run(run).results[cell].value)
    assert found is not None
    return found.value


# ---- runs ----


def test_a_run_is_read_back_as_it_was_described(store: RunStore, begin: Begin) -> None:
    begin(
        text="double u0(void) { return 1; } // \ud800", plan="p1", targets=["u2"], given={"dt": 1e-4, "u": BIG},
        options={"jobs": 2, "keep_going": True}, point={"n": 128}, parent=B, version="0.1.0",
    ).end(RunState.FAILED, "u1 failed")  # fmt: skip
    record = store.find_run(A)
    assert (record.text, record.plan, record.cells) == ("double u0(void) { return 1; } // \ud800", "p1", CELLS)
    assert record.options == {"jobs": 2, "keep_going": True}
    summary = record.summary
    assert (summary.state, summary.problem, summary.targets) == (RunState.FAILED, "u1 failed", ("u2",))
    assert (summary.parent, summary.version, summary.cells) == (B, "0.1.0", 3)
    assert summary.ended is not None
    assert summary.ended >= summary.began
    values = {name: store.load(value) for name, value in {**record.given, **summary.point}.items()}
    assert {name: found and digest(found.value) for name, found in values.items()} == {
        "dt": digest(1e-4), "u": digest(BIG), "n": digest(128),
    }  # fmt: skip


def test_a_given_value_that_can_not_be_stored_is_told_with_the_reason(store: RunStore, begin: Begin) -> None:
    begin(given={"f": object()}).end(RunState.DONE)
    stored = store.find_run(A).given["f"]
    assert "class object" in stored.problem
    assert store.load(stored) is None


def test_runs_are_listed_with_the_newest_first(store: RunStore, begin: Begin) -> None:
    for number, notebook in enumerate(["/x.c", "/y.c", "/x.c"]):
        begin(str(number) * 12, notebook=notebook, parent=B if number else None).end(RunState.DONE)
    assert [run.id[0] for run in store.runs()] == ["2", "1", "0"]
    assert [run.id[0] for run in store.runs(limit=1)] == ["2"]
    assert [run.id[0] for run in store.runs("/x.c")] == ["2", "0"]
    assert [run.id[0] for run in store.runs(parent=B)] == ["2", "1"]


def test_a_run_is_pending_until_something_of_it_is_recorded(store: RunStore, begin: Begin) -> None:
    recording = begin()
    recording.flush()
    assert store.runs()[0].state is RunState.PENDING
    recording.event(event(1, Kind.RUN_STARTED))
    recording.flush()
    assert store.runs()[0].state is RunState.RUNNING
    recording.end(RunState.CANCELLED)
    assert store.runs()[0].state is RunState.CANCELLED


def test_a_path_that_is_no_text_is_a_notebook_like_others(store: RunStore, begin: Begin) -> None:
    begin(notebook="/home/\udcff/x.c").end(RunState.DONE)
    assert [run.id for run in store.runs("/home/\udcff/x.c")] == [A]


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("aa", "2 runs begin with aa: aa1111111111, aa0000000000; give more of the name"),
        ("", "there is no run ; the last ones are bb0000000000, aa1111111111, aa0000000000"),
        ("aa000000001", "there is no run aa000000001; did you mean aa0000000000"),
        ("cc", "there is no run cc; the last ones are bb0000000000"),
    ],
)
def test_a_name_that_is_not_one_run_s_is_refused_with_those_that_are_near(
    prefix: str, said: str, store: RunStore, begin: Begin
) -> None:
    for run in ("aa0000000000", "aa1111111111", "bb0000000000"):
        begin(run).end(RunState.DONE)
    with pytest.raises(StoreError, match=f"^{said}"):
        store.find_run(prefix)
    assert store.find_run("b").id == "bb0000000000"


def test_a_store_without_runs_says_so(store: RunStore) -> None:
    assert store.runs() == []
    with pytest.raises(StoreError, match="no run abc: none was recorded"):
        store.find_run("abc")


# ---- results ----


def test_an_outcome_is_read_back_with_all_its_facts(store: RunStore, begin: Begin) -> None:
    recording = begin()
    recording.finished(
        "u0", OutcomeKind.OK, trace=trace(("dt", "f" * 32)), value=1.5, started=3.0, seconds=0.5, attempts=2,
        reason="dt changed", compiler="gcc 12", kept=True,
    )  # fmt: skip
    recording.finished("u1", OutcomeKind.FAILED, error="u1: no \ud800", key="k", attempts=1, given=True)
    recording.end(RunState.FAILED)
    first, second = store.find_run(A).results.values()
    assert (first.cell, first.status, first.kept, first.given) == ("u0", "ok", True, False)
    assert (first.started, first.seconds, first.attempts, first.reason) == (3.0, 0.5, 2, "dt changed")
    assert (first.trace, first.key, first.compiler) == (trace(("dt", "f" * 32)), trace().key, "gcc 12")
    assert first.contents == {None: digest(1.5)}
    assert (second.cell, second.status, second.error, second.key) == ("u1", "failed", "u1: no \\ud800", "k")
    assert second.given
    assert second.value.text is None
    assert store.runs()[0].outcomes == {"ok": 1, "failed": 1}


def test_none_is_a_value(store: RunStore, begin: Begin) -> None:
    recording = begin()
    compute(recording, "u0", None)
    recording.end(RunState.DONE)
    assert load(store, A, "u0") is None


def test_a_value_that_can_not_be_stored_leaves_the_outcome_and_the_reason(store: RunStore, begin: Begin) -> None:
    recording = begin()
    compute(recording, "u0", [object()], trace=trace())
    recording.end(RunState.DONE)
    result = store.find_run(A).results["u0"]
    assert (result.status, result.value.text) == ("ok", None)
    assert "class object" in result.value.problem
    assert store.lookup(trace()) is None


def test_equal_arrays_of_several_runs_are_one_file(store: RunStore, begin: Begin) -> None:
    for run in (A, B):
        recording = begin(run)
        compute(recording, "u0", BIG.copy())
        recording.end(RunState.DONE)
    (file,) = store.folder.glob("artifacts/*/*")
    assert (np.load(file) == BIG).all()
    assert (np.load(file, mmap_mode="r") == BIG).all()
    assert all((load(store, run, "u0") == BIG).all() for run in (A, B))


def test_what_is_read_back_can_not_be_written_to(store: RunStore, recorded: Callable[..., str]) -> None:
    recorded(u0=BIG, u1=np.arange(3))
    assert not load(store, A, "u0").flags.writeable
    assert not load(store, A, "u1").flags.writeable


# ---- traces ----


def test_a_result_is_found_by_what_it_depends_on_and_by_nothing_else(store: RunStore, begin: Begin) -> None:
    recording = begin()
    compute(recording, "u0", 1.5, trace=trace(("dt", "f" * 32)))
    recording.flush()
    found = store.lookup(trace(("dt", "f" * 32)))
    assert found is not None
    assert (found.run, found.cell) == (A, "u0")
    loaded = store.load(found)
    assert loaded is not None
    assert (loaded.value, found.contents) == (1.5, {None: digest(1.5)})
    for other in (trace(("dt", "e" * 32)), trace(("dx", "f" * 32)), trace(), trace(("dt", "f" * 32), key="e" * 32)):
        assert store.lookup(other) is None


@pytest.mark.parametrize("part", [trace(("f", "unique 3")), trace(("u", "output 17")), trace(key="python 1")])
def test_what_has_its_name_from_one_process_only_is_not_found(part: Any, store: RunStore, begin: Begin) -> None:
    recording = begin()
    compute(recording, "u0", 1.5, trace=part)
    recording.flush()
    assert store.lookup(part) is None


def test_the_newest_of_several_results_is_found(store: RunStore, begin: Begin) -> None:
    for run, value in ((A, 1), (B, 2)):
        recording = begin(run)
        compute(recording, "u0", value, trace=trace())
        recording.end(RunState.DONE)
    found = store.lookup(trace())
    assert found is not None
    assert found.run == B


def test_a_failure_is_no_result_of_its_trace(store: RunStore, begin: Begin) -> None:
    recording = begin()
    recording.finished("u0", OutcomeKind.FAILED, trace=trace(), error="no")
    recording.flush()
    assert store.lookup(trace()) is None


def test_a_stored_value_goes_into_another_run_as_it_is(store: RunStore, begin: Begin) -> None:
    recording = begin()
    compute(recording, "u0", BIG, trace=trace())
    recording.end(RunState.DONE)
    found = store.lookup(trace())
    assert found is not None
    again = begin(B)
    again.finished("u0", OutcomeKind.OK, trace=trace(), stored=found.value, contents=found.contents, kept=True)
    again.end(RunState.DONE)
    store.delete(A)
    assert (load(store, B, "u0") == BIG).all()


# ---- attempts and events ----


def test_attempts_are_read_back_with_all_their_facts(store: RunStore, begin: Begin) -> None:
    attempts = (
        attempt("u0", 1, OutcomeKind.TIMED_OUT, error="too long", unkillable=True, not_before=3.5,
                cooperation=Cooperation(Answer.LATE, 1.0, 0.1, 0.6), usage=Usage(0.5, 0.25, 1024)),
        attempt("u0", 2),
    )  # fmt: skip
    recording = begin()
    for one in attempts:
        recording.begun("u0", one.number)
        recording.attempt(one)
    recording.finished("u0", OutcomeKind.OK, value=1, attempts=2)
    recording.end(RunState.DONE)
    assert store.find_run(A).attempts == {"u0": attempts}


def test_a_success_is_recorded_with_its_outcome_or_not_at_all(store: RunStore, begin: Begin) -> None:
    recording = begin()
    recording.attempt(attempt("u0"))
    recording.flush()
    assert store.find_run(A).attempts == {}
    recording.finished("u0", OutcomeKind.OK, value=1)
    recording.flush()
    assert store.find_run(A).attempts == {"u0": (attempt("u0"),)}


def test_a_failed_attempt_is_recorded_before_the_next_one(store: RunStore, begin: Begin) -> None:
    recording = begin()
    recording.attempt(attempt("u0", 1, OutcomeKind.CRASHED))
    recording.flush()
    assert [one.outcome for one in store.find_run(A).attempts["u0"]] == [OutcomeKind.CRASHED]


def test_events_are_read_back_without_what_has_no_form_in_json(store: RunStore, begin: Begin) -> None:
    recording = begin()
    recording.event(event(1, done=1, total=2, text="\ud800", parts=[1, ("a", None)], by={"x": 1.5}, result=object()))
    recording.event(event(2, Kind.CELL_DONE, cell="u1"))
    recording.flush()
    first, second = store.events(A)
    assert first == event(1, done=1, total=2, text="\ud800", parts=[1, ["a", None]], by={"x": 1.5})
    assert second == event(2, Kind.CELL_DONE, cell="u1")


def test_an_event_is_announced_once_what_it_tells_of_is_recorded(store: RunStore, begin: Begin) -> None:
    recording, seen = begin(), []

    def look(told: Any) -> None:
        seen.append((told.sequence, len(store.events(A))))

    recording.announce(look)
    for number in range(1, 51):
        recording.event(event(number))
    recording.flush()
    assert [number for number, _ in seen] == list(range(1, 51))
    assert all(recorded >= number for number, recorded in seen)


def test_a_subscriber_that_raises_is_left_out_and_the_others_are_not(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    recording, seen = begin(), []

    def broken(told: Any) -> None:
        raise OSError("no")

    recording.announce(broken)
    recording.announce(lambda told: seen.append(told.sequence))
    recording.event(event(1))
    recording.event(event(2))
    recording.flush()
    assert seen == [1, 2]
    assert caplog.text.count("is left out from now on") == 1


# ---- children, deleting, limits ----


def test_children_are_told_of_as_they_are_at_one_moment(store: RunStore, begin: Begin) -> None:
    parent = begin()
    first, second = begin("1" * 12, parent=A), begin("2" * 12, parent=A)
    first.end(RunState.DONE)
    second.flush()
    before = store.children(A)
    second.end(RunState.DONE)
    assert before.counts == {RunState.DONE: 1, RunState.PENDING: 1}
    assert not before.all_done
    assert store.children(A).all_done
    parent.end(RunState.DONE)


def test_the_points_of_a_sweep_are_children_with_values_of_any_size(store: RunStore, begin: Begin) -> None:
    parent = begin(cells=["u0@0", "u0@1"])
    parent.begin_children([{"u": BIG}, {"u": BIG + 1}], ["u0"])
    parent.end_children([(0, RunState.DONE, "")])
    parent.end(RunState.CANCELLED)
    assert list(store.children(A).states.values()) == [RunState.DONE, RunState.CANCELLED]
    loaded = [store.load(run.point["u"]) for run in store.runs(parent=A)]
    assert [found and digest(found.value) for found in loaded] == [digest(BIG + 1), digest(BIG)]


def test_a_point_was_given_what_its_sweep_was_which_is_kept_once(store: RunStore, begin: Begin) -> None:
    parent = begin(given={"dt": "x" * 2000}, options={"jobs": 3})
    parent.begin_children([{"u": number} for number in range(100)], ["u0"])
    parent.end_children([(7, RunState.FAILED, "\ud800")])
    parent.end(RunState.FAILED)
    point = store.find_run(f"{A}.7")
    assert (point.summary.state, point.summary.problem) == (RunState.FAILED, "\\ud800")
    assert [store.load(stored) for stored in (point.given["dt"], point.summary.point["u"])] == [("x" * 2000,), (7,)]
    assert point.options == {"jobs": 3}
    with database(store.folder) as opened:
        ((kept,),) = opened.execute("SELECT COUNT(*) FROM run WHERE given LIKE '%xxx%'")
    assert kept == 1


def test_no_children_is_not_all_done(store: RunStore) -> None:
    assert not store.children(A).all_done


def test_a_deleted_run_leaves_what_others_need_and_nothing_else(store: RunStore, recorded: Callable[..., str]) -> None:
    recorded(A, u0=BIG, u1=BIG + 1)
    recorded(B, u0=BIG)
    assert store.delete("a") == A
    assert [run.id for run in store.runs()] == [B]
    assert len(list(store.folder.glob("artifacts/*/*"))) == 1
    assert (load(store, B, "u0") == BIG).all()
    store.delete(B)
    assert not list(store.folder.glob("artifacts/*/*"))


def test_a_deleted_run_takes_its_logs_along(store: RunStore, recorded: Callable[..., str]) -> None:
    for run in (recorded(A, u0=1), recorded(B, u0=2)):
        (store.folder / "logs" / run).mkdir(parents=True)
        (store.folder / "logs" / run / "u0.1.out").write_text("said")
    store.delete(A)
    assert [path.name for path in (store.folder / "logs").iterdir()] == [B]


@pytest.mark.parametrize(
    ("others", "short"),
    [
        ([], "3f2a"),
        (["3f2b00000000", "3f1900000000"], "3f2a"),
        (["3f2a1d000000"], "3f2a1c"),
        (["3f2a1b000000", "3f2a1c4000ff"], "3f2a1c40000"),
    ],
)
def test_a_short_name_is_no_other_run_s(others: list[str], short: str, store: RunStore, begin: Begin) -> None:
    run = "3f2a1c400001"
    for name in (run, *others):
        begin(name).flush()
    begin(f"{run}.0", parent=run).flush()  # a point of a sweep
    assert store.shorten(run) == short
    assert store.find_run(short).id == run


def test_a_run_that_goes_on_can_not_be_deleted(store: RunStore, begin: Begin) -> None:
    begin().flush()
    with pytest.raises(StoreError, match=f"run {A} is still going on"):
        store.delete(A)


@pytest.mark.parametrize("over", [False, True])
def test_a_point_of_a_sweep_is_deleted_with_the_sweep_alone(over: bool, store: RunStore, begin: Begin) -> None:
    parent = begin()
    parent.begin_children([{"u": BIG}, {"u": BIG + 1}], ["u0"])
    parent.flush()
    if over:
        parent.end(RunState.DONE)
    with pytest.raises(StoreError, match=f"run {A}.1 is a point of the sweep {A}; delete that"):
        store.delete(f"{A}.1")
    assert len(store.runs(parent=A)) == 2
    parent.end(RunState.DONE)


def test_a_deleted_run_takes_those_that_it_began_along(store: RunStore, begin: Begin) -> None:
    parent, child = begin(), begin(B, parent=A)
    compute(child, "u0", BIG)
    parent.begin_children([{"u": BIG + 1}], ["u0"])
    for recording in (child, parent):
        recording.end(RunState.DONE)
    store.delete(A)
    assert store.runs() == []
    assert not list(store.folder.glob("artifacts/*/*"))
    with database(store.folder) as opened:
        assert [list(opened.execute(f"SELECT * FROM {table}")) for table in ("result", "attempt")] == [[], []]


def test_beyond_the_limit_values_of_the_runs_that_ended_first_go(tmp_path: Path) -> None:
    environ = {"HOTPLATE_RUNS_DIR": str(tmp_path), "HOTPLATE_RUNS_SIZE": "40k"}
    with RunStore.open(environ=environ) as store:
        going_on = store.begin(RunDescription("0" * 12, "x.c"), CELLS)
        compute(going_on, "u0", BIG - 1)
        for run in ("1" * 12, "2" * 12, "3" * 12):
            recording = store.begin(RunDescription(run, "x.c"), CELLS)
            compute(recording, "u0", BIG + int(run[0]), trace=trace(("n", run[0] * 32)))
            recording.end(RunState.DONE)
        loaded = [store.load(store.find_run(run * 12).results["u0"].value) for run in "0123"]
        assert [found is not None for found in loaded] == [True, False, False, True]
        assert len(list(store.folder.glob("artifacts/*/*"))) == 2


def test_a_value_beyond_the_limit_is_not_written_and_that_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RunStore.open(tmp_path, {"HOTPLATE_RUNS_SIZE": "40k"}) as store:
        recording = store.begin(RunDescription(A, "x.c", given={"x": np.arange(6000.0)}), CELLS)
        compute(recording, "u0", [np.arange(3000.0), np.arange(3001.0)])
        compute(recording, "u1", np.arange(6001.0))
        compute(recording, "u2", np.arange(4000.0))
        recording.end(RunState.DONE)
        record = store.find_run(A)
        limit = "larger than HOTPLATE_RUNS_SIZE (40,960 bytes)"
        assert [result.value.problem for result in record.results.values()] == [limit, limit, ""]
        assert record.given["x"].problem == limit
        assert recording.lacking == f"the value of u0 is not kept: {limit}, and 1 more"
        assert caplog.text.count("is not kept") == 1
        assert len(list(tmp_path.glob("artifacts/*/*"))) == 1


def test_a_limit_that_is_no_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="HOTPLATE_RUNS_SIZE is 'plenty'"):
        RunStore.open(tmp_path, {"HOTPLATE_RUNS_SIZE": "plenty"})


def test_a_damaged_value_is_told_of_once_and_recorded_anew(
    store: RunStore, recorded: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    recorded(A, u0=BIG)
    (file,) = store.folder.glob("artifacts/*/*")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    stored = store.find_run(A).results["u0"].value
    assert [store.load(stored), store.load(stored)] == [None, None]
    assert caplog.text.count("is damaged and was removed") == 1
    recorded(B, u0=BIG)
    assert (load(store, A, "u0") == BIG).all()


def test_a_damaged_file_is_replaced_by_whoever_has_the_same_value(tmp_path: Path) -> None:
    for run in (A, B):
        with RunStore.open(tmp_path) as store:
            recording = store.begin(RunDescription(run, "x.c"), CELLS)
            compute(recording, "u0", BIG)
            recording.end(RunState.DONE)
            (file,) = store.folder.glob("artifacts/*/*")
            if run == A:
                file.write_bytes(file.read_bytes()[:-100])
            else:
                assert (load(store, A, "u0") == BIG).all()
