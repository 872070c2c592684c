"""How a call answered when it was asked to stop, and what it used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Answer(StrEnum):
    """What became of a request to stop."""

    NOT_APPLICABLE = "not_applicable"
    """Nobody asked."""
    COOPERATIVE = "cooperative"
    """The call returned within the grace period."""
    LATE = "late"
    """It returned by itself, after the grace period."""
    UNCOOPERATIVE = "uncooperative"
    """It never did: it was killed, or left behind where nothing can be killed."""


@dataclass(frozen=True, slots=True)
class Cooperation:
    """How one call answered a request to stop. All times are in seconds."""

    answer: Answer = Answer.NOT_APPLICABLE
    requested: float = 0.0
    """From the begin of the call to the request."""
    observed: float | None = None
    """From the request to the cell's look at it; None: it was never seen to look, or nobody can tell when."""
    returned: float | None = None
    """From the request to the end of the call; None: it did not return by itself."""


NOBODY_ASKED = Cooperation()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used of the machine, as getrusage(2) tells it."""

    user_seconds: float = 0.0
    system_seconds: float = 0.0
    peak_kib: int = 0
    """Of the worker that died in it; 0 where that is not known."""
