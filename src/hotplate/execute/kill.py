"""ExecutorKillHandle: the end of what runs in workers, at once, for whoever can't wait until it stops by itself."""

from __future__ import annotations

import weakref
from typing import Protocol


class Killable(Protocol):
    """What has cells in workers."""

    def kill(self) -> None:
        """Ends every worker that is at work, at once. Any thread."""


class ExecutorKillHandle:
    """Ends cells that run in workers. May be kept and used by any thread, at any time, as often as one likes.

    Workers are reached by descriptors, not by numbers that another process may have by then. Nothing happens when no
    cell is at work, or when what it belongs to is gone: it keeps nothing alive.
    """

    def __init__(self, target: Killable) -> None:
        self._target = weakref.ref(target)

    def kill(self) -> None:
        """Kills the workers that are at work, with all processes that they started; their calls end as cancelled.

        Cells in this process go on: an AbortHandle can ask those to stop.
        """
        if (target := self._target()) is not None:
            target.kill()
