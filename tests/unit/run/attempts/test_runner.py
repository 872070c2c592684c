"""The loop of attempts: what is called, told and waited for, with a clock of its own."""

from __future__ import annotations

import itertools
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotplate.errors import AttemptsSpent, RunCancelled
from hotplate.execute import AbortHandle, OutcomeKind
from hotplate.run.attempts import Attempt, AttemptPolicy, ExponentialBackoff, FixedBackoff, clock
from hotplate.run.attempts.clock import SystemClock
from tests.unit.run.attempts.trials import FakeClock, Trial, record
from tests.waiting import eventually

OK, FAILED, CRASHED, TIMED_OUT, LOST, CANCELLED = (
    OutcomeKind.OK,
    OutcomeKind.FAILED,
    OutcomeKind.CRASHED,
    OutcomeKind.TIMED_OUT,
    OutcomeKind.LOST,
    OutcomeKind.CANCELLED,
)
THREE = AttemptPolicy(max_attempts=3)
WAITING = AttemptPolicy(max_attempts=3, backoff=FixedBackoff(2.0))


def test_a_cell_that_ends_well_is_called_once_and_told_of_once() -> None:
    trial = Trial([OK])
    outcome = trial.run(THREE)
    assert (outcome.kind, outcome.value, outcome.attempts) == (OK, "value", 1)
    assert trial.calls == [(1, False)]
    assert trial.ended == [Attempt("f", 1, OK, 1.0, 2.0)]
    assert (trial.retrying, trial.clock.waits) == ([], [])


def test_it_is_tried_until_it_ends_well() -> None:
    trial = Trial([CRASHED, LOST, OK])
    outcome = trial.run(THREE)
    assert (outcome.kind, outcome.attempts) == (OK, 3)
    assert trial.calls == [(1, False), (2, False), (3, True)]
    assert [(one.number, one.outcome) for one in trial.ended] == [(1, CRASHED), (2, LOST), (3, OK)]
    assert trial.retrying == trial.ended[:2]


def test_the_last_attempt_says_how_it_ended_and_that_none_follows() -> None:
    trial = Trial(itertools.repeat(CRASHED))
    outcome = trial.run(THREE)
    assert (outcome.kind, outcome.attempts, str(outcome.error)) == (CRASHED, 3, "f: it crashed")
    assert [one.error for one in trial.ended] == ["f: it crashed"] * 3
    assert [one.not_before for one in trial.ended] == [1000.0, 1000.0, 0.0]


def test_a_cause_with_a_budget_ends_the_attempts_when_it_is_spent() -> None:
    trial = Trial([TIMED_OUT, CRASHED, TIMED_OUT])
    outcome = trial.run(AttemptPolicy(max_attempts=9, retry_on={CRASHED: None, TIMED_OUT: 1}))
    assert (outcome.kind, outcome.attempts) == (TIMED_OUT, 3)


def test_it_waits_as_the_backoff_says_and_records_until_when() -> None:
    trial = Trial([CRASHED, CRASHED, OK])
    trial.run(AttemptPolicy(max_attempts=3, backoff=ExponentialBackoff(4.0, 60.0)), random=0.25)
    assert trial.clock.waits == [1.0, 2.0]
    assert [one.not_before for one in trial.ended] == [1001.0, 1003.0, 0.0]


def test_a_request_to_stop_during_the_wait_burns_no_attempt() -> None:
    trial = Trial([CRASHED])
    trial.clock.during = lambda: trial.abort.abort("enough")
    outcome = trial.run(WAITING)
    assert (outcome.kind, outcome.attempts) == (CANCELLED, 1)
    assert outcome.reason == "enough; attempt 1 crashed (f: it crashed)"
    assert isinstance(outcome.error, RunCancelled)
    assert str(outcome.error.__cause__) == "f: it crashed"
    assert len(trial.calls) == len(trial.ended) == len(trial.retrying) == 1


def test_a_request_to_stop_during_the_attempt_leaves_no_wait() -> None:
    trial = Trial([CRASHED])
    trial.abort.abort("enough")
    outcome = trial.run(WAITING)
    assert (outcome.kind, trial.clock.waits, trial.retrying) == (CANCELLED, [], [])


def test_an_attempt_that_raises_ends_everything() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    trial = Trial([CRASHED, CRASHED], FakeClock(during=interrupted))
    with pytest.raises(KeyboardInterrupt):
        trial.run(WAITING)
    assert len(trial.calls) == 1


# ---- a run that goes on where another ended ----


def test_earlier_attempts_count() -> None:
    trial = Trial(itertools.repeat(CRASHED))
    outcome = trial.run(THREE, earlier=(record(1, CRASHED),))
    assert trial.calls == [(2, False), (3, True)]
    assert outcome.attempts == 3


@pytest.mark.parametrize(
    ("policy", "made", "spent"),
    [
        (AttemptPolicy(), 1, "its one attempt was"),
        (AttemptPolicy(), 3, "all 3 of its attempts were"),
        (AttemptPolicy(max_attempts=2), 2, "all 2 of its attempts were"),
        (AttemptPolicy(max_attempts=9, retry_on={CRASHED: 1}), 2, "all that crashed may cost was"),
    ],
)
def test_the_error_says_what_was_spent(policy: AttemptPolicy, made: int, spent: str) -> None:
    error = Trial([]).run(policy, earlier=[record(i + 1, CRASHED) for i in range(made)]).error
    assert str(error).startswith(f"f: {spent} spent before the run was resumed; the last one crashed")


@pytest.mark.parametrize("kind", [CRASHED, FAILED])
def test_without_an_attempt_left_nothing_is_called_and_the_error_names_the_way_out(kind: OutcomeKind) -> None:
    trial = Trial([])
    outcome = trial.run(AttemptPolicy(max_attempts=2), earlier=(record(1, kind), record(2, kind)))
    assert (outcome.kind, outcome.attempts, trial.calls, trial.ended) == (kind, 2, [], [])
    assert isinstance(outcome.error, AttemptsSpent)
    assert "`retries`" in str(outcome.error)


def test_earlier_attempts_count_towards_the_budget_of_their_cause() -> None:
    policy = AttemptPolicy(max_attempts=9, retry_on={CRASHED: 1, LOST: None})
    once, twice = (record(1, CRASHED),), (record(1, CRASHED), record(2, CRASHED))
    assert Trial([CRASHED]).run(policy, once).attempts == 2
    assert isinstance(Trial([]).run(policy, twice).error, AttemptsSpent)


def test_to_go_on_asks_for_another_attempt_after_what_is_not_retried_by_itself() -> None:
    assert Trial([OK]).run(THREE, earlier=(record(1, FAILED),)).attempts == 2


@pytest.mark.parametrize("earlier", [(CANCELLED,), (CANCELLED, CANCELLED), (OK,), (CRASHED, OK)])
def test_what_was_cancelled_and_what_ended_well_burned_no_attempt(earlier: tuple[OutcomeKind, ...]) -> None:
    trial = Trial([OK])
    trial.run(AttemptPolicy(), tuple(record(i + 1, kind) for i, kind in enumerate(earlier)))
    assert trial.calls == [(1, True)]


@pytest.mark.parametrize("policy", [AttemptPolicy(), THREE])
def test_numbers_go_on_from_the_last_attempt_whether_it_counts_or_not(policy: AttemptPolicy) -> None:
    trial, earlier = Trial([CRASHED, OK]), (record(2, CRASHED),)
    outcome = trial.run(policy, earlier, made=4)
    again = policy is THREE
    assert trial.calls == ([(5, False), (6, True)] if again else [])
    assert [one.number for one in trial.ended] == ([5, 6] if again else [])
    assert outcome.attempts == (6 if again else 4)


def test_what_is_left_of_a_wait_is_waited_for() -> None:
    trial = Trial([OK])
    trial.run(WAITING, earlier=(record(1, CRASHED, not_before=1001.5),))
    assert trial.clock.waits == [1.5]
    assert [one.number for one in trial.retrying] == [1]


@pytest.mark.parametrize(("not_before", "waits"), [(1e9, [2.0]), (0.0, []), (999.0, [])])
def test_a_clock_that_was_set_does_not_make_it_wait_longer_than_the_backoff(
    not_before: float, waits: list[float]
) -> None:
    trial = Trial([OK])
    trial.run(WAITING, earlier=(record(1, CRASHED, not_before=not_before),))
    assert trial.clock.waits == waits


def test_a_request_to_stop_before_the_first_attempt_of_a_resumed_run_burns_none() -> None:
    trial = Trial([])
    trial.abort.abort("enough")
    outcome = trial.run(THREE, earlier=(record(1, CRASHED),))
    assert (outcome.kind, outcome.attempts, trial.calls) == (CANCELLED, 1, [])


# ---- whatever happens ----


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(
    most=st.integers(1, 5),
    budget=st.none() | st.integers(0, 3),
    endings=st.lists(st.sampled_from(OutcomeKind), min_size=5, max_size=5),
    split=st.integers(0, 5),
)
def test_the_cap_and_the_budgets_hold_over_any_number_of_runs(
    most: int, budget: int | None, endings: list[OutcomeKind], split: int
) -> None:
    """A run that is cut off after any attempt and resumed makes the same attempts as one that is not."""
    policy = AttemptPolicy(max_attempts=most, retry_on={CRASHED: budget, TIMED_OUT: None})
    whole = Trial(endings)
    last = whole.run(policy)
    assert [number for number, _ in whole.calls] == list(range(1, len(whole.ended) + 1))
    assert len(whole.calls) <= most
    assert sum(one.outcome is CRASHED and one.not_before > 0 for one in whole.ended) <= (
        most if budget is None else budget
    )

    before = tuple(one for one in whole.ended if one.not_before > 0)[:split]
    resumed = Trial(endings[len(before) :])
    assert resumed.run(policy, before).kind is last.kind
    assert [*before, *resumed.ended] == whole.ended


def test_a_request_to_stop_wakes_a_real_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_LONGEST_SLEEP", 3600.0)  # so that it does not wake by itself
    abort, results = AbortHandle(), list[bool]()
    thread = threading.Thread(target=lambda: results.append(SystemClock().wait(3600.0, abort)), daemon=True)
    thread.start()
    assert eventually(lambda: abort._children), "it listens"
    abort.abort()
    assert eventually(lambda: results) == [False]
    assert abort._children == []


def test_after_a_request_to_stop_nothing_is_waited_for() -> None:
    abort = AbortHandle()
    abort.abort()
    assert not SystemClock().wait(3600.0, abort)


def test_a_real_wait_lasts_as_long_as_it_should() -> None:
    begin = time.monotonic()
    assert SystemClock().wait(0.02, AbortHandle())
    assert time.monotonic() - begin >= 0.02
