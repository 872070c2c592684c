"""One run of a notebook's cells: which results are still valid, how the others are computed, and the record of it.

What lives here decides what a run executes and keeps what came of it. Building and loading the cells is `reload`'s, the
order of calls `execute`'s.
"""

from hotplate.run.evaluation import Evaluation
from hotplate.run.plan import plan_hash, plan_run
from hotplate.run.python_cell import PythonCell
from hotplate.run.recorder import Recorder
from hotplate.run.result import CellResult, Run
from hotplate.run.state import StateManager
from hotplate.run.task import Task
from hotplate.run.version import Version

__all__ = [
    "CellResult",
    "Evaluation",
    "PythonCell",
    "Recorder",
    "Run",
    "StateManager",
    "Task",
    "Version",
    "plan_hash",
    "plan_run",
]
