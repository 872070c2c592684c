"""Attempts: how often a cell is tried, when again, and what came of each.

What one attempt consists of is `run.lifecycles`', and the call itself `execute`'s.
"""

from hotplate.run.attempts.backoff import Backoff, ExponentialBackoff, FixedBackoff
from hotplate.run.attempts.clock import Clock
from hotplate.run.attempts.decision import Verdict, decide
from hotplate.run.attempts.policy import AttemptPolicy
from hotplate.run.attempts.record import Attempt, AttemptLog, facts_of
from hotplate.run.attempts.runner import AttemptRunner, counted

__all__ = [
    "Attempt",
    "AttemptLog",
    "AttemptPolicy",
    "AttemptRunner",
    "Backoff",
    "Clock",
    "ExponentialBackoff",
    "FixedBackoff",
    "Verdict",
    "counted",
    "decide",
    "facts_of",
]
