"""How a call answered when it was asked to stop, and what it used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hotplate.frozen import quickly_made


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
    """From the request to the time by which the cell had looked at it: its end, if it said then that it had, for a look
    itself is too cheap to be timed. None: it was never seen to look."""
    returned: float | None = None
    """From the request to the end of the call; None: it did not return by itself."""


NOBODY_ASKED = Cooperation()


def cooperation_of(
    requested: float, ended: float, grace: float, *, observed: bool, forced: bool = False
) -> Cooperation:
    """How a call answered that was asked to stop after `requested` seconds and whose end came after `ended`.

    `observed`: it was seen to look at the request. `forced`: that end was not its own. A request that came when all was
    over asked nobody.
    """
    if requested > ended and not observed:
        return NOBODY_ASKED
    took = max(ended - requested, 0.0)
    if forced:
        return Cooperation(Answer.UNCOOPERATIVE, requested, took if observed else None)
    answer = Answer.COOPERATIVE if took <= grace else Answer.LATE
    return Cooperation(answer, requested, took if observed else None, took)


@quickly_made
@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used of the machine, as getrusage(2) tells it."""

    user_seconds: float = 0.0
    system_seconds: float = 0.0
    peak_kib: int = 0
    """Of the worker that died in it; 0 where that is not known."""
