"""What follows an attempt: the whole matrix, against the rules written down once more."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotplate.errors import SettingError
from hotplate.execute import OutcomeKind
from hotplate.run.attempts import AttemptPolicy, Verdict, decide
from tests.unit.run.attempts.trials import outcome

RETRIABLE = (OutcomeKind.CRASHED, OutcomeKind.TIMED_OUT, OutcomeKind.LOST, OutcomeKind.FAILED)
PROPERTY = settings(max_examples=300, deadline=None, database=None, derandomize=True)


@pytest.mark.parametrize("kind", OutcomeKind)
@pytest.mark.parametrize(("most", "attempt"), [(most, at) for most in range(1, 5) for at in range(1, most + 1)])
def test_the_full_matrix_of_outcomes_attempts_and_caps(kind: OutcomeKind, most: int, attempt: int) -> None:
    by_default = kind in (OutcomeKind.CRASHED, OutcomeKind.TIMED_OUT, OutcomeKind.LOST)
    retried = decide(AttemptPolicy(max_attempts=most), attempt, outcome(kind), {}) is Verdict.RETRY
    assert retried is (by_default and attempt < most)


@pytest.mark.parametrize("kind", OutcomeKind)
@pytest.mark.parametrize(("most", "attempt"), [(1, 0), (3, 0), (3, -1), (1, 2), (3, 4)])
def test_an_attempt_that_can_not_have_been_is_an_error(kind: OutcomeKind, most: int, attempt: int) -> None:
    with pytest.raises(SettingError, match=f"no attempt {attempt} of {most}"):
        decide(AttemptPolicy(max_attempts=most), attempt, outcome(kind), {})


causes = st.dictionaries(st.sampled_from(RETRIABLE), st.none() | st.integers(0, 3))


@PROPERTY
@given(
    most=st.integers(1, 6),
    attempt=st.integers(1, 6),
    kind=st.sampled_from(OutcomeKind),
    unkillable=st.booleans(),
    impure=st.booleans(),
    asked=st.booleans(),
    retry_on=causes,
    spent=st.dictionaries(st.sampled_from(RETRIABLE), st.integers(0, 4)),
)
def test_another_attempt_follows_only_if_everything_allows_it(
    most: int,
    attempt: int,
    kind: OutcomeKind,
    unkillable: bool,
    impure: bool,
    asked: bool,
    retry_on: dict[OutcomeKind, int | None],
    spent: dict[OutcomeKind, int],
) -> None:
    policy = AttemptPolicy(max_attempts=most, retry_on=retry_on, impure=impure, retry_impure=asked)
    if attempt > most:
        with pytest.raises(SettingError):
            decide(policy, attempt, outcome(kind), spent)
        return
    budget = retry_on.get(kind, 0)
    left = budget is None or spent.get(kind, 0) < budget
    allowed = kind in retry_on and attempt < most and left and not unkillable and (asked or not impure)
    verdict = decide(policy, attempt, outcome(kind, unkillable=unkillable), spent)
    assert (verdict is Verdict.RETRY) is allowed
    assert not (allowed and policy.is_last(attempt, spent)), "what is said to be the last must be"


def test_every_verdict_can_be_reached() -> None:
    policies = [
        AttemptPolicy(max_attempts=2, impure=impure, retry_on={OutcomeKind.CRASHED: budget})
        for impure, budget in itertools.product((False, True), (0, None))
    ]
    reached = {
        decide(policy, attempt, outcome(kind, unkillable=unkillable), {})
        for policy, attempt, kind, unkillable in itertools.product(policies, (1, 2), OutcomeKind, (False, True))
    }
    assert reached == set(Verdict)
