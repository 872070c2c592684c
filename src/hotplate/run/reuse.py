"""Reuse: a cell whose earlier result still holds is not called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.run.lifecycles import CellContext, Lifecycle, Skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.execute import Outcome


class Reuse(Lifecycle):
    """Skips the call where `find` has the outcome already. Thread-safe if that is."""

    name = "reuse"

    def __init__(self, find: Callable[[str], Outcome | None]) -> None:
        self._find = find

    def setup(self, context: CellContext) -> Skip | None:
        """Looks before each attempt; a later one finds what the first did."""
        outcome = self._find(context.cell)
        return None if outcome is None else Skip(outcome)
