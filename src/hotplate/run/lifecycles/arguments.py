"""Arguments: what a cell is called with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from hotplate.errors import CellFailed
from hotplate.execute import Outcome, OutcomeKind
from hotplate.run.lifecycles.lifecycle import Lifecycle, Skip
from hotplate.values import field_value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from hotplate.notebook.graph import Source
    from hotplate.run.lifecycles.context import CellContext


class Arguments(Lifecycle):
    """Collects what the call is given; a cell that needs a field that a result does not have fails without a call.

    Whether shapes fit each other is found by the call itself, which has to look at them anyway.
    """

    name = "arguments"

    def __init__(
        self,
        wiring: Mapping[str, tuple[tuple[str, Source | None], ...]],
        value: Callable[[str], Any],
        given: Collection[str],
    ) -> None:
        """`wiring` is the graph's, `value` has a cell's or an input's by name; `given` are those of the caller."""
        self._wiring = wiring
        self._value = value
        self._given = frozenset(given)

    def setup(self, context: CellContext) -> Skip | None:
        """Collects them."""
        arguments, results, value, given = {}, [], self._value, self._given
        try:
            for parameter, source in self._wiring[context.cell]:
                if source is not None:
                    if source.cell not in given:
                        results.append(parameter)
                    found = value(source.cell)
                    arguments[parameter] = found if source.field is None else _field(context.cell, found, source.field)
                elif parameter in given:
                    arguments[parameter] = value(parameter)
        except CellFailed as error:
            return Skip(Outcome(OutcomeKind.FAILED, error=error, started=time.time()))
        context.arguments = arguments
        context.results = frozenset(results)
        return None


def _field(consumer: str, value: Any, field: str) -> Any:
    try:
        return field_value(value, field)
    except AttributeError as error:
        raise CellFailed(consumer, f"it needs {field} of a result, and {error}") from None
