"""Executing cells: the backend (where one call runs) and the executors (in what order the calls run).

What lives here knows how to call and in which order. What to build and which results are still valid is `session`'s.
"""

from hotplate.execute.abort import AbortHandle
from hotplate.execute.backend import Backend, Capabilities, Isolation, Outcome, OutcomeKind, Request, TimeoutKind
from hotplate.execute.dispatch import DispatchQueue
from hotplate.execute.executor import Executor, TaskGraph
from hotplate.execute.inprocess import InProcessBackend
from hotplate.execute.kill import ExecutorKillHandle
from hotplate.execute.linear import LinearExecutor
from hotplate.execute.parallel import ParallelExecutor
from hotplate.execute.registry import isolates, make_executor
from hotplate.execute.scheduler import Scheduler

__all__ = [
    "AbortHandle",
    "Backend",
    "Capabilities",
    "DispatchQueue",
    "Executor",
    "ExecutorKillHandle",
    "InProcessBackend",
    "Isolation",
    "LinearExecutor",
    "Outcome",
    "OutcomeKind",
    "ParallelExecutor",
    "Request",
    "Scheduler",
    "TaskGraph",
    "TimeoutKind",
    "isolates",
    "make_executor",
]
