"""Diagnose: a crash is looked into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.execute import OutcomeKind
from hotplate.run.lifecycles.lifecycle import Lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.execute import Backend, Outcome
    from hotplate.run.lifecycles.context import CellContext


def _is_last(context: CellContext, _: Outcome) -> bool:
    return context.last


class Diagnose(Lifecycle):
    """Has the backend find out more about a crash that no other attempt follows, for which the cell is called again."""

    name = "diagnose"

    def __init__(self, backend: Backend, is_final: Callable[[CellContext, Outcome], bool] = _is_last) -> None:
        """`is_final` says whether an attempt that ended so is the cell's last."""
        self._backend = backend
        self._is_final = is_final

    def teardown(self, context: CellContext, outcome: Outcome) -> Outcome | None:
        """The same crash, with what was found."""
        if outcome.kind is not OutcomeKind.CRASHED or context.request is None:
            return None
        return self._backend.diagnose(context.request, outcome) if self._is_final(context, outcome) else None
