"""What follows an attempt.

    first ──► running ──ok, or nothing to retry──► ended (the outcome of the attempt)
               ▲   │
          time │   │ RETRY
               │   ▼
              waiting ──request to stop──► ended (cancelled; no attempt is burned)

`decide` is the arrow out of *running*: each Verdict but RETRY ends the cell.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from hotplate.errors import SettingError
from hotplate.execute.backend import OutcomeKind
from hotplate.run.attempts.policy import CAUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.execute.backend import Outcome
    from hotplate.run.attempts.policy import AttemptPolicy


class Verdict(Enum):
    """What follows an attempt, with the reason for people. The first that holds counts, in this order."""

    DONE = "it has its value"
    FINAL = "another attempt would end the same way, or nobody wants it"
    UNASKED = "its policy does not retry this"
    UNKILLABLE = "the call still runs and can't be ended: two at once could disturb each other"
    IMPURE = "it is impure, and retries of impure cells have to be asked for"
    SPENT = "it was the last attempt"
    OVER_BUDGET = "the budget for this cause is spent"
    RETRY = "another attempt follows"


_OK, _DONE = OutcomeKind.OK, Verdict.DONE  # once: see Outcome.ok


def decide(policy: AttemptPolicy, attempt: int, outcome: Outcome, spent: Mapping[OutcomeKind, int]) -> Verdict:
    """What follows attempt number `attempt`, which ended in `outcome`.

    `spent` says how many further attempts each cause has cost before this one. Raises SettingError for an attempt that
    can't have been: one before the first or after the last.
    """
    if not 1 <= attempt <= policy.max_attempts:
        raise SettingError(f"there is no attempt {attempt} of {policy.max_attempts}: they count from 1 to max_attempts")
    kind = outcome.kind
    if kind is _OK:
        return _DONE
    if kind not in CAUSES:
        return Verdict.FINAL
    if kind not in policy.retry_on:
        return Verdict.UNASKED
    return _bounded(policy, attempt, outcome, spent)


def _bounded(policy: AttemptPolicy, attempt: int, outcome: Outcome, spent: Mapping[OutcomeKind, int]) -> Verdict:
    """What keeps a cause that the policy retries from being retried."""
    if outcome.unkillable:
        return Verdict.UNKILLABLE
    if policy.impure and not policy.retry_impure:
        return Verdict.IMPURE
    if attempt == policy.max_attempts:
        return Verdict.SPENT
    budget = policy.retry_on[outcome.kind]
    if budget is not None and spent.get(outcome.kind, 0) >= budget:
        return Verdict.OVER_BUDGET
    return Verdict.RETRY
