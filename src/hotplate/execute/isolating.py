"""ProcessExecutor: independent cells at the same time, each in a worker of its own."""

from __future__ import annotations

from hotplate.execute.parallel import ParallelExecutor


class ProcessExecutor(ParallelExecutor):
    """Orders cells as ParallelExecutor does and has all of them isolated, so that each can be killed."""

    name = "process"
    isolates = True
    grace = 2.0
    """Seconds: a worker that was asked to stop is killed before they are over, so nothing is left behind."""
