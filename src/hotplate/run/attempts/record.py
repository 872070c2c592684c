"""Attempt: the record of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.execute.cooperation import NOBODY_ASKED
from hotplate.frozen import quickly_made

if TYPE_CHECKING:
    from hotplate.execute import OutcomeKind
    from hotplate.execute.cooperation import Cooperation, Usage


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

    @property
    def died(self) -> bool:
        """Whether the whole process ended in it: nothing is known of it but that it began."""
        return self.outcome == "lost" and not self.started
