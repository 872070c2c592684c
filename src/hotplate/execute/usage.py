"""What a call uses of the machine, as the system tells it."""

from __future__ import annotations

import functools
import sys
import time
from typing import Any

from hotplate.execute.cooperation import Usage

if sys.platform == "linux":

    def thread_usage() -> Usage | None:
        """What the calling thread has used so far (getrusage(2), RUSAGE_THREAD); None where nobody can tell."""
        used = _resource().getrusage(_OF_THREAD)
        return Usage(used[0], used[1])

    @functools.cache
    def _resource() -> Any:
        import resource  # 1 ms, for who asks

        return resource

    _OF_THREAD = 1  # RUSAGE_THREAD, <linux/resource.h>

    def process_usage(process: int) -> Usage | None:
        """What a process has used so far, without its children; None when there is no such process.

        It must not have been waited for, or the number may be another's by now. About 3 µs.
        """
        # The clocks of another process, as clock_getcpuclockid(3) makes their numbers. 0 and 1 (all, and the user's
        # code) count ticks; 2 is exact. The kernel divides exact time by the ticks for getrusage(2), and so does this.
        try:
            ticks, user, exact = (time.clock_gettime((~process << 3) | which) for which in (0, 1, 2))
        except OSError:
            return None
        in_user = exact * min(user / ticks, 1.0) if ticks else exact
        return Usage(in_user, exact - in_user)

else:

    def thread_usage() -> Usage | None:
        """Nobody can tell here."""
        return None

    def process_usage(process: int) -> Usage | None:  # noqa: ARG001 - what it is elsewhere
        """Nobody can tell here."""
        return None


def used_between(before: Usage | None, after: Usage | None) -> Usage | None:
    """What was used between the two; None where one of them is not known."""
    if before is None or after is None:
        return None
    user, system = after.user_seconds - before.user_seconds, after.system_seconds - before.system_seconds
    if user < 0 or system < 0:  # the sum is exact, how it is divided may change
        total = max(user + system, 0.0)
        user = min(max(user, 0.0), total)
        system = total - user
    return Usage(user, system, after.peak_kib)
