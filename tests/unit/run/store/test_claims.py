"""Who may go on with a run, and what is known of it then."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

from hotplate.errors import StoreError
from hotplate.execute import OutcomeKind
from hotplate.execute.cooperation import Usage
from hotplate.run.store import Owner, Recording, RunDescription, RunState, RunStore, writer
from hotplate.run.store.owner import SILENCE
from tests.unit.run.store.samples import CELLS, attempt, compute, database, event
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Begin = Callable[..., Recording]

RUN = "a" * 12


def orphan(store: RunStore, change: str = "started = started - 1") -> None:
    """Makes the run one of a process that is not there any more."""
    with database(store.folder) as opened:
        opened.execute(f"UPDATE run SET {change}")


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED, RunState.LOST])
def test_a_run_that_ended_without_being_done_can_be_resumed(state: RunState, store: RunStore, begin: Begin) -> None:
    recording = begin()
    compute(recording, "u0", 1.5)
    recording.begun("u1", 1)
    recording.attempt(attempt("u1", 1, OutcomeKind.CRASHED))
    recording.finished("u1", OutcomeKind.CRASHED, attempts=1)
    recording.end(state)
    record, again = store.claim("aa")
    assert record.summary.state is RunState.RESUMING
    assert record.results["u0"].status == "ok"
    assert [one.number for one in record.attempts["u1"]] == [1]
    compute(again, "u1", 2.5, number=2)
    again.end(RunState.DONE)
    record = store.find_run(RUN)
    assert record.summary.state is RunState.DONE
    assert [one.outcome for one in record.attempts["u1"]] == [OutcomeKind.CRASHED, OutcomeKind.OK]
    assert {cell: result.status for cell, result in record.results.items()} == {"u0": "ok", "u1": "ok"}


def test_a_run_that_is_done_is_not_resumed(store: RunStore, recorded: Callable[..., str]) -> None:
    recorded(RUN)
    with pytest.raises(StoreError, match=f"run {RUN} is done, so there is nothing to resume"):
        store.claim(RUN)


def test_a_run_that_goes_on_is_not_taken_over(store: RunStore, begin: Begin) -> None:
    begin().flush()
    with pytest.raises(StoreError, match=f"run {RUN} is still going on, in {Owner.mine()}"):
        store.claim(RUN)


def test_a_run_whose_owner_died_is_lost_with_the_attempts_that_had_begun(store: RunStore, begin: Begin) -> None:
    recording = begin()
    compute(recording, "u0", 1.5)
    recording.begun("u1", 1)
    recording.attempt(attempt("u1", 1, OutcomeKind.CRASHED))
    recording.begun("u1", 2)
    recording.flush()
    recording._tally.close()  # as the end of the process does, before which Windows removes no file that it has open
    orphan(store)
    (run,) = store.runs()
    assert run.state is RunState.LOST
    assert run.problem
    attempts = store.find_run(RUN).attempts
    assert [one.outcome for one in attempts["u1"]] == [OutcomeKind.CRASHED, OutcomeKind.LOST]
    assert [one.outcome for one in attempts["u0"]] == [OutcomeKind.OK]
    assert "u2" not in attempts
    # Windows deletes no file that is mapped, as this one is by the process that plays the dead one.
    assert sys.platform == "win32" or not list((store.folder / "tallies").iterdir())


def test_an_attempt_that_had_ended_did_not_end_the_process(store: RunStore, begin: Begin) -> None:
    recording = begin()
    recording.flush()
    recording.begun("u0", 1)
    recording.attempt(attempt("u0"))
    recording.begun("u1", 1)
    orphan(store)
    attempts = store.find_run(RUN).attempts
    assert [(one.outcome, one.died) for one in attempts["u0"]] == [(OutcomeKind.CANCELLED, False)]
    assert [(one.outcome, one.died) for one in attempts["u1"]] == [(OutcomeKind.LOST, True)]


def test_lost_attempts_are_counted_once_over_several_resumes(store: RunStore, begin: Begin) -> None:
    recording = begin()
    for number in (1, 2, 3):
        recording.begun("u0", number)
        recording.flush()
        orphan(store)
        record, recording = store.claim(RUN)
        assert [one.number for one in record.attempts["u0"]] == list(range(1, number + 1))
    recording.end(RunState.CANCELLED)
    assert [one.outcome for one in store.find_run(RUN).attempts["u0"]] == [OutcomeKind.LOST] * 3


def test_a_run_that_is_resumed_may_be_of_another_text_and_have_more_cells(store: RunStore, begin: Begin) -> None:
    recording = begin(text="old", plan="p1", given={"dt": 1.0}, point={"n": 1})
    recording.begun("u2", 1)
    recording.flush()
    orphan(store)
    before, again = store.claim(RUN)
    assert (before.text, before.plan) == ("old", "p1")
    again.revise(RunDescription(RUN, "x.c", "new", "p2", ["v"], {"dt": 2.0}, {"jobs": 1}, version="2"), ["v", "u2"])
    again.begun("v", 1)
    again.flush()
    orphan(store)
    record = store.find_run(RUN)
    assert (record.text, record.plan, record.cells, record.options) == ("new", "p2", (*CELLS, "v"), {"jobs": 1})
    assert (record.summary.targets, record.summary.version, record.given["dt"].text) == (("v",), "2", "2.0")
    assert record.summary.point["n"].text == "1"
    assert {cell: len(attempts) for cell, attempts in record.attempts.items()} == {"u2": 1, "v": 1}


def test_attempts_of_a_cell_that_nobody_told_of_are_not_forgotten(store: RunStore, begin: Begin) -> None:
    recording = begin()
    recording.begun("u0", 1)
    recording.begun("surprise", 1)
    recording.begun("another", 1)
    recording.begun("another", 2)
    recording.flush()
    orphan(store)
    record, again = store.claim(RUN)
    assert {cell: len(attempts) for cell, attempts in record.attempts.items()} == {"u0": 1, "surprise": 1, "another": 2}
    again.begun("surprise", 2)
    again.flush()
    orphan(store)
    assert [one.number for one in store.find_run(RUN).attempts["surprise"]] == [1, 2]


def test_the_attempt_that_a_result_came_of_is_known_when_a_resumed_run_takes_that_result_over(
    store: RunStore, begin: Begin
) -> None:
    recording = begin()
    used = Usage(0.5, 0.25, 3)
    recording.begun("u0", 1)
    recording.attempt(attempt("u0", usage=used))
    recording.finished("u0", OutcomeKind.OK, value=1.5, attempts=1, started=100.0, seconds=0.25)
    recording.end(RunState.FAILED)
    before = store.find_run(RUN).attempts
    assert before == {"u0": (attempt("u0", usage=used),)}
    record, again = store.claim(RUN)
    assert record.attempts == before
    again.finished("u0", OutcomeKind.OK, stored=record.results["u0"].value, kept=True)
    again.end(RunState.DONE)
    assert store.find_run(RUN).attempts == before


@pytest.mark.parametrize("fact", [{"seconds": 0.5}, {"started": 0.0}])
def test_an_outcome_that_says_other_times_than_its_attempt_does_not_stand_for_it(
    fact: dict[str, float], store: RunStore, begin: Begin
) -> None:
    recording = begin()
    compute(recording, "u0", 1.5, **fact)
    recording.end(RunState.DONE)
    assert store.find_run(RUN).attempts == {"u0": (attempt("u0"),)}


def test_the_numbers_of_events_go_on(store: RunStore, begin: Begin) -> None:
    recording = begin()
    recording.event(event(1))
    recording.event(event(2))
    recording.end(RunState.FAILED)
    record, again = store.claim(RUN)
    assert record.last_event == 2
    again.event(event(1))
    again.end(RunState.DONE)
    assert [one.sequence for one in store.events(RUN)] == [1, 2, 3]


def test_of_many_that_claim_a_run_one_gets_it(tmp_path: Path) -> None:
    with RunStore.open(tmp_path) as first:
        first.begin(RunDescription(RUN, "x.c"), CELLS).end(RunState.FAILED)
    stores = [RunStore.open(tmp_path) for _ in range(4)]
    won: list[Recording] = []
    refused: list[str] = []
    start = threading.Barrier(4)

    def claim(store: RunStore) -> None:
        start.wait()
        try:
            won.append(store.claim(RUN)[1])
        except StoreError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=claim, args=[store]) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(refused) == 3
    assert all("still going on" in said for said in refused)
    won[0].end(RunState.DONE)
    for store in stores:
        store.close()


def test_who_was_taken_for_dead_records_no_more_when_it_comes_back(
    store: RunStore, begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    sleeper = begin()
    sleeper.begin_children([{"n": 1}], ["u0"])
    sleeper.begun("u0", 1)
    sleeper.flush()
    orphan(store, f"host = 'far', boot = 'far', heartbeat = heartbeat - {SILENCE + 1}")
    _, heir = store.claim(RUN)
    told: list[int] = []
    sleeper.announce(lambda happened: told.append(happened.sequence))
    compute(sleeper, "u0", "too late")
    sleeper.end_children([(0, RunState.DONE, "")])
    sleeper.event(event(1))
    sleeper.end(RunState.DONE)
    assert "is not this process's any more" in str(sleeper.error)
    assert told == [1]
    assert store.find_run(RUN).summary.state is RunState.RESUMING
    assert not store.children(RUN).all_done
    compute(heir, "u0", "in time", number=2)
    heir.end(RunState.DONE)
    assert heir.error is None
    found = store.load(store.find_run(RUN).results["u0"].value)
    assert found is not None
    assert found.value == "in time"
    assert caplog.text.count("any more") == 1


def test_a_run_of_another_machine_is_lost_once_it_was_silent_for_long(store: RunStore, begin: Begin) -> None:
    begin().flush()
    orphan(store, "host = 'far', boot = 'far'")
    assert store.runs()[0].state is RunState.PENDING
    orphan(store, f"heartbeat = heartbeat - {SILENCE + 1}")
    assert store.runs()[0].state is RunState.LOST


def test_a_run_that_goes_on_gives_signs_of_life_and_one_that_ended_does_not(
    store: RunStore, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BEAT", 0.01)
    ended, recording = begin("b" * 12), begin()
    ended.end(RunState.DONE)
    ended.end_children([])  # as somebody may tell of something whom an interrupt left behind
    ended.flush()

    def beats() -> dict[str, float]:
        with database(store.folder) as opened:
            return dict(opened.execute("SELECT id, heartbeat FROM run"))

    before = beats()
    assert eventually(lambda: beats()[RUN] > before[RUN])
    assert beats()["b" * 12] == before["b" * 12]
    recording.end(RunState.DONE)


def test_the_break_before_a_resume_is_no_time_that_a_run_was_worked_on(
    store: RunStore, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BEAT", 3600)
    recording = begin()
    recording.begin_children([{"n": 1}, {"n": 2}], ["u0"])
    recording.flush()
    orphan(store, "began = began - 30, heartbeat = heartbeat - 30")
    assert 30 <= store.runs()[-1].worked < 1000
    recording.end_children([(0, RunState.DONE, "")])
    recording.end(RunState.FAILED)
    orphan(store, "began = began - 5000, heartbeat = heartbeat - 5000, ended = ended - 5000")
    _, again = store.claim(RUN)
    again.end_children([(1, RunState.DONE, "")])
    again.end(RunState.DONE)
    assert [30 <= run.worked < 1000 for run in store.runs()] == [True] * 3


def test_a_name_that_is_taken_is_not_recorded_twice(
    store: RunStore, recorded: Callable[..., str], begin: Begin
) -> None:
    recorded(RUN, u0=1)
    again = begin(RUN)
    compute(again, "u0", 2)
    again.end(RunState.FAILED)
    assert again.error is not None
    assert store.runs()[0].state is RunState.DONE
    assert begin("b" * 12).error is None
