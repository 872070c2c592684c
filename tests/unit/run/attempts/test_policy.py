"""What a policy says, refuses, and reads from a section."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from hotplate.errors import SettingError
from hotplate.execute import OutcomeKind
from hotplate.execute.backend import GRACE
from hotplate.notebook.sections import read_marker
from hotplate.run.attempts import AttemptPolicy, ExponentialBackoff, FixedBackoff

CRASHED, TIMED_OUT, LOST, FAILED = (
    OutcomeKind.CRASHED,
    OutcomeKind.TIMED_OUT,
    OutcomeKind.LOST,
    OutcomeKind.FAILED,
)


def policy_of(text: str) -> AttemptPolicy:
    marker = read_marker(f"// %% Step {text}")
    assert marker is not None
    assert marker.problems == ()
    return AttemptPolicy.of(marker.attributes)


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", AttemptPolicy(grace=GRACE, max_attempts=1)),
        ("retries=2", AttemptPolicy(max_attempts=3)),
        ("timeout=3 grace=0.5", AttemptPolicy(timeout=3.0, grace=0.5)),
        ("grace=0", AttemptPolicy(grace=0.0)),
        ('retries=1 backoff="0.5"', AttemptPolicy(max_attempts=2, backoff=FixedBackoff(0.5))),
        ('retries=1 backoff="0.1..10"', AttemptPolicy(max_attempts=2, backoff=ExponentialBackoff(0.1, 10.0))),
        (
            'retries=4 retry_on="failed timed_out:1"',
            AttemptPolicy(max_attempts=5, retry_on={FAILED: None, TIMED_OUT: 1}),
        ),
        ('impure retries=1 retry_on="impure"', AttemptPolicy(max_attempts=2, impure=True, retry_impure=True)),
        (
            'impure retries=1 retry_on="lost impure"',
            AttemptPolicy(max_attempts=2, retry_on={LOST: None}, impure=True, retry_impure=True),
        ),
    ],
)
def test_reads_what_a_section_says(text: str, policy: AttemptPolicy) -> None:
    assert policy_of(text) == policy


def test_crashes_time_outs_and_losses_are_retried_unless_something_else_is_said() -> None:
    assert dict(AttemptPolicy().retry_on) == {CRASHED: None, TIMED_OUT: None, LOST: None}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_attempts": 0}, "max_attempts can't be 0"),
        ({"max_attempts": -3}, "max_attempts can't be -3"),
        ({"timeout": 0.0}, "timeout can't be 0"),
        ({"timeout": float("nan")}, "timeout can't be nan"),
        ({"grace": -0.1}, "grace can't be -0.1"),
        ({"grace": float("inf")}, "grace can't be inf"),
        ({"retry_on": {"cancelled": None}}, "retry_on can't have cancelled"),
        ({"retry_on": {"ok": None}}, "retry_on can't have ok"),
        ({"retry_on": {"crashed": -1}}, "budget of crashed can't be -1"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        AttemptPolicy(**settings)


def test_causes_may_be_given_as_words_and_can_not_be_changed_later() -> None:
    causes: Any = {"crashed": 2}
    policy = AttemptPolicy(retry_on=causes)
    causes["failed"] = 1
    assert dict(policy.retry_on) == {CRASHED: 2}
    with pytest.raises(TypeError):
        policy.retry_on[FAILED] = 1  # type: ignore[index]  # that it can't be is the point


def test_it_is_a_value_that_can_be_sent_and_be_a_key() -> None:
    policy = AttemptPolicy(2.0, max_attempts=3, retry_on={CRASHED: 1}, backoff=ExponentialBackoff(0.1, 1.0))
    copy = pickle.loads(pickle.dumps(policy))
    assert copy == policy
    assert {policy: 1}[copy] == 1


@pytest.mark.parametrize(
    ("policy", "attempt", "spent", "last"),
    [
        (AttemptPolicy(), 1, {}, True),
        (AttemptPolicy(max_attempts=2), 1, {}, False),
        (AttemptPolicy(max_attempts=2), 2, {}, True),
        (AttemptPolicy(max_attempts=2, retry_on={}), 1, {}, True),
        (AttemptPolicy(max_attempts=2, impure=True), 1, {}, True),
        (AttemptPolicy(max_attempts=2, impure=True, retry_impure=True), 1, {}, False),
        (AttemptPolicy(max_attempts=9, retry_on={CRASHED: 1, LOST: 0}), 2, {CRASHED: 1}, True),
        (AttemptPolicy(max_attempts=9, retry_on={CRASHED: 1, LOST: 1}), 2, {CRASHED: 1}, False),
    ],
)
def test_knows_an_attempt_that_no_other_can_follow(
    policy: AttemptPolicy, attempt: int, spent: dict[OutcomeKind, int], last: bool
) -> None:
    assert policy.is_last(attempt, spent) is last


def test_causes_without_budgets_may_be_a_sequence() -> None:
    assert AttemptPolicy(retry_on=("failed", "lost")) == AttemptPolicy(retry_on={"failed": None, "lost": None})  # type: ignore[arg-type, dict-item]


def test_a_backoff_in_seconds_is_a_fixed_one() -> None:
    assert AttemptPolicy(backoff=3) == AttemptPolicy(backoff=FixedBackoff(3.0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "setting",
    [
        {"backoff": "3"},
        {"backoff": -1},
        {"backoff": True},
        {"retry_on": "failed"},
        {"retry_on": 5},
        {"retry_on": {"failed": "x"}},
        {"max_attempts": "3"},
        {"max_attempts": 2.5},
        {"timeout": "3"},
        {"grace": None},
    ],
)
def test_a_setting_of_another_kind_is_refused_when_it_is_made(setting: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=next(iter(setting)).replace("retry_on", "retry_on|budget")):
        AttemptPolicy(**setting)
