"""What the evaluation itself puts around each call, as lifecycles: conditions, reuse, what traps are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.notebook.node import FAILURE
from hotplate.run.lifecycles import CellContext, Lifecycle, Skip

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotplate.execute import Outcome


class Spare(Lifecycle):
    """Spares a call whose outcome is known without it. Thread-safe if `outcome_of` is."""

    def __init__(self, name: str, outcome_of: Callable[[str], Outcome | None]) -> None:
        """`outcome_of` has the outcome of a cell that need not be called: None for one that has to be."""
        self.name = name
        self._outcome_of = outcome_of

    def setup(self, context: CellContext) -> Skip | None:
        """Looks before each attempt; a later one finds what the first did."""
        outcome = self._outcome_of(context.cell)
        return None if outcome is None else Skip(outcome)


class TellFailure(Lifecycle):
    """Tells traps what went wrong. Comes after the arguments were collected."""

    name = "failure"

    def __init__(self, told: Mapping[str, str]) -> None:
        """`told` has the text for each trap that takes one."""
        self._told = told

    def setup(self, context: CellContext) -> None:
        """Adds the text to the arguments."""
        if (text := self._told.get(context.cell)) is not None:
            context.arguments = {**(context.arguments or {}), FAILURE: text}
