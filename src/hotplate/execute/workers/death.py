"""Death: how a worker of native cells ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.abi import lib
from hotplate.execute.cooperation import Usage

if TYPE_CHECKING:
    from hotplate.execute.captured import Captured


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker ended."""

    code: int
    """Its exit code, or minus the signal."""
    stage: int
    """What it was at (HP_STAGE_... in page.h)."""
    crash: bytes
    """What its signal handler found; see csrc/worker/crash.h."""
    output: tuple[Captured, Captured]
    overdue: bool
    """Whether it was killed because it gave no answer in time."""
    user_seconds: float
    system_seconds: float
    peak_kib: int

    @property
    def usage(self) -> Usage:
        """What it has used from its start on."""
        return Usage(self.user_seconds, self.system_seconds, self.peak_kib)

    @property
    def idle(self) -> bool:
        """Whether it had not begun with what it was given last: that is not to blame, and can be given to another."""
        return self.stage == int(lib.HP_STAGE_IDLE)
