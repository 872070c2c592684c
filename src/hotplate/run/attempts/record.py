"""Attempt: the record of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotplate.execute.backend import OutcomeKind
from hotplate.execute.cooperation import NOBODY_ASKED
from hotplate.frozen import quickly_made

if TYPE_CHECKING:
    from hotplate.execute.backend import Outcome
    from hotplate.execute.cooperation import Cooperation, Usage

Facts = tuple[Any, ...]
_OK = OutcomeKind.OK  # once: see Outcome.ok


@quickly_made
@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a cell, when it is over. Times are in seconds, points in time since the epoch."""

    cell: str
    number: int
    """From 1; a resumed run goes on counting."""
    outcome: OutcomeKind
    started: float
    seconds: float
    error: str = ""
    cooperation: Cooperation = NOBODY_ASKED
    usage: Usage | None = None
    unkillable: bool = False
    """Whether the call goes on in this process: nothing can end it."""
    not_before: float = 0.0
    """When the next attempt may begin; 0: there is none."""

    @classmethod
    def of(cls, cell: str, number: int, outcome: Outcome, not_before: float = 0.0) -> Attempt:
        """The attempt that ended so."""
        return cls(*facts_of(cell, number, outcome, not_before))

    @property
    def died(self) -> bool:
        """Whether the whole process ended in it: nothing is known of it but that it began."""
        return self.outcome == "lost" and not self.started


class AttemptLog:
    """Attempts in the order in which they ended, kept as their parts, which become objects for who asks: see EventLog.

    Thread-safe.
    """

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[Any] = []

    def add(self, facts: Facts) -> None:
        """Keeps what there is to know of an attempt."""
        self._parts += facts

    def attempts(self) -> tuple[Attempt, ...]:
        """All of them."""
        parts = iter(tuple(self._parts))
        return tuple(Attempt(*facts) for facts in zip(*[parts] * 10, strict=True))


def facts_of(cell: str, number: int, outcome: Outcome, not_before: float = 0.0) -> Facts:
    """What there is to know of an attempt, as the fields of an Attempt; not its value, nor the exception itself."""
    kind, error = outcome.kind, ""
    if kind is not _OK:
        error = outcome.reason if outcome.error is None else str(outcome.error)
    return (
        cell, number, kind, outcome.started, outcome.seconds, error,
        outcome.cooperation, outcome.usage, outcome.unkillable, not_before,
    )  # fmt: skip
