"""One run of a notebook's cells: which results are still valid, how the others are computed, and the record of it.

What lives here decides what a run executes and keeps what came of it. Building is `toolchain`'s, the order of calls
`execute`'s.
"""

from hotplate.run.evaluation import Evaluation, Task
from hotplate.run.native import NativeCells
from hotplate.run.plan import plan_run
from hotplate.run.python_cell import PythonCell
from hotplate.run.result import CellResult, Run
from hotplate.run.state import StateManager

__all__ = ["CellResult", "Evaluation", "NativeCells", "PythonCell", "Run", "StateManager", "Task", "plan_run"]
