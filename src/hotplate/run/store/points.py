"""Points: the numbered places in the store where the end of the process could matter."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Point(IntEnum):
    """A moment between two steps, of which the first has been made. Tests end the process at each of them."""

    TALLY_MADE = 1
    ATTEMPT_COUNTED = 2
    """The attempt is in the tally, and nowhere else."""
    QUEUED = 3
    """The writer has taken what is pending."""
    TEMPORARY_OPENED = 4
    TEMPORARY_WRITTEN = 5
    TEMPORARY_SYNCED = 6
    ARTIFACT_RENAMED = 7
    """It has its name, and neither a row nor, for certain, an entry in the directory on the disk."""
    ARTIFACT_SYNCED = 8
    TRANSACTION_BEGUN = 9
    ROWS_WRITTEN = 10
    COMMITTED = 11
    """Nobody has been told yet."""
    ANNOUNCED = 12
    RUN_ENDED = 13
    """Its end is recorded, the tally is still there."""
    TALLY_REMOVED = 14
    LOSS_WRITTEN = 15
    """A dead owner's run is `lost` in a transaction that is still open."""
    LOSS_COMMITTED = 16
    CLAIM_WRITTEN = 17
    CLAIM_COMMITTED = 18
    """The run belongs to this process, which has no tally for it yet."""
    ARTIFACTS_FORGOTTEN = 19
    """Their rows are gone, the files are still there."""
    ARTIFACT_DELETED = 20


_hook: Callable[[Point], None] | None = None


def reached(point: Point) -> None:
    """Says that a point was reached; costs next to nothing unless somebody listens."""
    if _hook is not None:
        _hook(point)


def listen(hook: Callable[[Point], None] | None) -> None:
    """Has a function called at each point from now on, in the thread that reaches it; None: nobody listens any more."""
    global _hook  # noqa: PLW0603 - one listener in the process: what it does at a point is to end that process
    _hook = hook
