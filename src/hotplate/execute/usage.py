"""What a call uses of the machine, as the system tells it."""

from __future__ import annotations

import functools
import sys
import time
from typing import Any

from hotplate.execute.cooperation import Usage

Times = tuple[float, float]
"""Seconds in the user's code, and in the system's."""

if sys.platform == "linux":

    def thread_times() -> Times | None:
        """What the calling thread has used so far (getrusage(2), RUSAGE_THREAD); None where nobody can tell."""
        times: Times = _getrusage()(_OF_THREAD)[:2]
        return times

    @functools.cache
    def _getrusage() -> Any:
        from resource import getrusage  # 1 ms, for who asks

        return getrusage

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

    def thread_times() -> Times | None:
        """Nobody can tell here."""
        return None

    def process_usage(process: int) -> Usage | None:  # noqa: ARG001 - what it is elsewhere
        """Nobody can tell here."""
        return None


def used_between(before: Usage | None, after: Usage | None) -> Usage | None:
    """What was used between the two; None where one of them is not known."""
    if before is None or after is None:
        return None
    begin, end = (before.user_seconds, before.system_seconds), (after.user_seconds, after.system_seconds)
    return _difference(begin, end, after.peak_kib)


def used_since(before: Times | None) -> Usage | None:
    """What the calling thread has used since `thread_times` said this; None where that is not known."""
    if before is None or (after := thread_times()) is None:
        return None
    return _difference(before, after)


def _difference(before: Times, after: Times, peak_kib: int = 0) -> Usage:
    user, system = after[0] - before[0], after[1] - before[1]
    if user < 0 or system < 0:  # the sum is exact, how it is divided may change
        total = max(user + system, 0.0)
        user = min(max(user, 0.0), total)
        system = total - user
    return Usage(user, system, peak_kib)
