"""Lifecycle: something that is done before and after each attempt at a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from hotplate.execute import Outcome
    from hotplate.run.lifecycles.context import CellContext

API_VERSION = 1
"""The version of what lifecycles see: this module and CellContext. It grows when an older lifecycle would not work."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A setup's answer that makes the call needless: this is its outcome. Later setups are left out as well."""

    outcome: Outcome


@runtime_checkable
class Lifecycle(Protocol):
    """Surrounds each attempt at a cell. A class that derives from it writes what it needs of the two methods.

    One object serves all cells of a run, several at once on different threads. What belongs to one attempt is kept by
    its context, which is a key for that. An exception makes an attempt that went well a failed one; it never hides how
    the cell itself ended.
    """

    name: str
    """For messages."""

    def setup(self, context: CellContext) -> Skip | None:  # noqa: ARG002 - for those that do something before
        """Is called before the call, in the order of the lifecycles. Nothing by default."""
        return None

    def teardown(self, context: CellContext, outcome: Outcome) -> Outcome | None:  # noqa: ARG002 - see setup
        """Is called after it, in reverse order, if `setup` was called, whatever became of that. Nothing by default.

        The outcome that it returns takes the place of the one that it is given.
        """
        return None
