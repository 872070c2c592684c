"""A direct call in a worker, with what it prints in the output of the Jupyter cell, which may be stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate.execute import OutcomeKind
from hotplate.execute.interrupt import hearing, watch
from hotplate.jupyter.interrupting import interruptible, stopped_words
from hotplate.jupyter.outcome import quietly
from hotplate.jupyter.voice import Echo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotplate.execute import Outcome
    from hotplate.execute.workers.cell import IsolatedCell
    from hotplate.jupyter.places import Places


def call_in_worker(cell: IsolatedCell, arguments: Sequence[Any], named: Mapping[str, Any], places: Places) -> Outcome:
    """Makes the call and says how it went. Raises KeyboardInterrupt with how the cell answered when it was stopped."""
    echo = Echo(places)
    try:
        with interruptible(lambda: True) as abort:
            watch.arm()
            with hearing(abort):
                outcome = cell.attempt(arguments, named, abort=abort, output=echo, echo=False)
    finally:
        echo.close()
    if abort.aborted and outcome.kind is OutcomeKind.CANCELLED:
        raise quietly(KeyboardInterrupt(), stopped_words(cell.name, outcome)) from None
    return outcome
