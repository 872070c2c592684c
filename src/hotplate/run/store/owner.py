"""Owner: the process that a run belongs to, and whether it is still there."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass

from hotplate import _platform

SILENCE = 60.0
"""Seconds without a heartbeat after which an owner that can't be looked at counts as dead."""


@dataclass(frozen=True, slots=True)
class Owner:
    """One process, told from all others, before and after it."""

    host: str
    pid: int
    started: int
    """See `_platform.process_start`."""
    boot: str
    namespace: str

    @classmethod
    def mine(cls) -> Owner:
        """This process."""
        return _owner(os.getpid())

    def is_alive(self, silent_for: float, viewer: Owner | None = None) -> bool:
        """Whether the process is still there, as far as this process can tell, or `viewer` could.

        Exact where both have the same process numbers: another process that got the number has another start time.
        After a restart of the machine it is dead. Elsewhere (another machine, a container) it counts as alive until
        it was silent for longer than `SILENCE` seconds.
        """
        viewer = viewer or Owner.mine()
        if (self.boot, self.namespace) == (viewer.boot, viewer.namespace) and (self.boot or self.host == viewer.host):
            try:
                return _platform.process_start(self.pid) == self.started
            except PermissionError:
                pass
        elif self.host == viewer.host and self.boot != viewer.boot:
            return False
        return silent_for <= SILENCE

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@functools.lru_cache(maxsize=1)
def _owner(pid: int) -> Owner:  # asked again in a child that was forked
    try:
        started = _platform.process_start(pid) or 0
    except PermissionError:
        started = 0
    return Owner(_platform.host_name(), pid, started, _platform.boot_id(), _platform.process_namespace())
