"""AttemptRunner: tries a cell until it has its value, or its policy says that this is enough."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from hotplate.errors import AttemptsSpent, RunCancelled
from hotplate.execute.backend import Outcome, OutcomeKind
from hotplate.run.attempts.clock import SystemClock
from hotplate.run.attempts.decision import Verdict, decide
from hotplate.run.attempts.policy import CAUSES
from hotplate.run.attempts.record import Attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hotplate.execute.abort import AbortHandle
    from hotplate.run.attempts.clock import Clock
    from hotplate.run.attempts.policy import AttemptPolicy

_RETRY = Verdict.RETRY  # once: see Outcome.ok


class AttemptRunner:
    """Makes the attempts at cells, one after another. Thread-safe: one can serve a whole run."""

    def __init__(self, clock: Clock | None = None, random: Callable[[], float] | None = None) -> None:
        """`random` gives numbers from 0 up to 1, for backoffs with jitter."""
        self._clock = clock or SystemClock()
        self._random = random or _random

    def run(
        self,
        cell: str,
        policy: AttemptPolicy,
        attempt: Callable[[int, bool], Outcome],
        abort: AbortHandle,
        *,
        earlier: Sequence[Attempt] = (),
        made: int = 0,
        retrying: Callable[[Attempt], None],
        ended: Callable[[str, int, Outcome, float], None],
    ) -> Outcome:
        """The outcome of the last attempt, or a cancelled one when `abort` put an end to the wait for the next.

        `attempt(number, last)` makes attempt `number`; `last` says that no other follows, whatever it ends in.
        `earlier` are those that runs before this one made, in order: see `counted`. `made` is the number of the last
        one of all, from which numbers go on; not all may count for what the policy says. `ended` is told of
        each attempt when it is over, and when the next may begin (0: there is none), `retrying` before each wait.
        """
        number = 1  # as the policy counts
        spent: dict[OutcomeKind, int] = {}
        if earlier and (before := counted(earlier)):
            made = max(made, before[-1].number)
            if (over := self._resume(cell, policy, before, made, abort, retrying)) is not None:
                return over
            number, spent = len(before) + 1, dict(Counter(record.outcome for record in before))
        uncounted = made + 1 - number
        while True:
            outcome = attempt(number + uncounted, policy.is_last(number, spent))
            if not outcome.attempts:
                return outcome
            if outcome.attempts != number + uncounted:
                outcome = replace(outcome, attempts=number + uncounted)
            if decide(policy, number, outcome, spent) is not _RETRY:
                ended(cell, number + uncounted, outcome, 0.0)
                return outcome
            not_before = self._next(policy, number)
            ended(cell, number + uncounted, outcome, not_before)
            record = Attempt.of(cell, number + uncounted, outcome, not_before)
            if not self._pause(policy, record, abort, retrying):
                return _cancelled(cell, record, record.number, abort, outcome)
            spent[outcome.kind] = spent.get(outcome.kind, 0) + 1
            number += 1

    def _resume(
        self,
        cell: str,
        policy: AttemptPolicy,
        before: tuple[Attempt, ...],
        made: int,
        abort: AbortHandle,
        retrying: Callable[[Attempt], None],
    ) -> Outcome | None:
        """Goes on where the runs before ended: waits for the next attempt's time. An outcome when there is none."""
        if _is_over(policy, before):
            return _refused(cell, policy, before, made)
        return None if self._pause(policy, before[-1], abort, retrying) else _cancelled(cell, before[-1], made, abort)

    def _next(self, policy: AttemptPolicy, number: int) -> float:
        """When the attempt after this one may begin."""
        return self._clock.now() + policy.backoff.wait(number, self._random)

    def _pause(
        self, policy: AttemptPolicy, before: Attempt, abort: AbortHandle, retrying: Callable[[Attempt], None]
    ) -> bool:
        """Waits for the next attempt's time; returns whether it may begin."""
        if abort.aborted:
            return False
        retrying(before)
        # Never longer than the policy waits: the system's clock may have been set back meanwhile.
        left = min(before.not_before - self._clock.now(), policy.backoff.longest)
        return self._clock.wait(left, abort) if left > 0 else not abort.aborted


def counted(earlier: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """The attempts that count towards the cap and the budgets: those that ended badly of themselves.

    One that was cancelled burned nothing, and one whose value is gone has to be made again: it starts the count anew.
    """
    begin = max((i + 1 for i, record in enumerate(earlier) if record.outcome is OutcomeKind.OK), default=0)
    return tuple(record for record in earlier[begin:] if record.outcome in CAUSES)


def _is_over(policy: AttemptPolicy, before: tuple[Attempt, ...]) -> bool:
    """Whether no attempt is left for a run that goes on.

    Going on asks for another attempt, so it is made after what the policy does not retry by itself as well.
    """
    last = before[-1].outcome
    budget = policy.retry_on.get(last)
    cost = sum(record.outcome is last for record in before[:-1])
    return len(before) >= policy.max_attempts or (budget is not None and cost >= budget)


def _refused(cell: str, policy: AttemptPolicy, before: tuple[Attempt, ...], made: int) -> Outcome:
    last = before[-1]
    error = AttemptsSpent(
        cell,
        f"{_what_was_spent(policy, before)} spent before the run was resumed; the last one {_ending(last)}. "
        "Give it more (`retries` and `retry_on` of its section, or `attempts`), or resume with --again (again=True), "
        "which counts from 1",
    )
    return Outcome(
        last.outcome,
        error=error,
        started=last.started,
        seconds=last.seconds,
        attempts=made,
        cooperation=last.cooperation,
        usage=last.usage,
        unkillable=last.unkillable,
    )


def _what_was_spent(policy: AttemptPolicy, before: Sequence[Attempt]) -> str:
    if len(before) < policy.max_attempts:
        return f"all that {before[-1].outcome} may cost was"
    # Those that were made may be more than there are now: a policy that was given then is not recorded.
    return "its one attempt was" if len(before) == 1 else f"all {len(before)} of its attempts were"


def _cancelled(cell: str, last: Attempt, made: int, abort: AbortHandle, outcome: Outcome | None = None) -> Outcome:
    reason = f"{abort.reason}; attempt {last.number} {_ending(last)}"
    error = RunCancelled(f"{cell} was cancelled before attempt {made + 1}: {reason}")
    if outcome is None:
        return Outcome(OutcomeKind.CANCELLED, error=error, reason=reason, attempts=made)
    error.__cause__ = outcome.error
    return replace(outcome, kind=OutcomeKind.CANCELLED, error=error, reason=reason)


def _ending(last: Attempt) -> str:
    how = last.outcome.value.replace("_", " ")
    return f"{'was lost' if last.outcome is OutcomeKind.LOST else how}{last.error and f' ({last.error})'}"


def _random() -> float:
    from random import random  # 4 ms, for jitter alone

    return random()
