"""What the evaluation itself puts around each call, as lifecycles: conditions, reuse, what traps are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.notebook.node import FAILURE
from hotplate.run.lifecycles import CellContext, Lifecycle, Skip

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotplate.execute import Outcome


class Conditions(Lifecycle):
    """Skips a cell whose condition is not met. Thread-safe if `unmet` is."""

    name = "conditions"

    def __init__(self, unmet: Callable[[str], Outcome | None]) -> None:
        """`unmet` has the outcome of a cell that is not called because of its condition."""
        self._unmet = unmet

    def setup(self, context: CellContext) -> Skip | None:
        """Looks at what the condition is about."""
        outcome = self._unmet(context.cell)
        return None if outcome is None else Skip(outcome)


class Reuse(Lifecycle):
    """Skips a call whose earlier result still holds. Thread-safe if `find` is."""

    name = "reuse"

    def __init__(self, find: Callable[[str], Outcome | None]) -> None:
        """`find` has the outcome of a cell that need not be computed."""
        self._find = find

    def setup(self, context: CellContext) -> Skip | None:
        """Looks before each attempt; a later one finds what the first did."""
        outcome = self._find(context.cell)
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
