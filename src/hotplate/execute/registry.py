"""Executors by name: the built-in ones, and those of other distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.errors import SettingError
from hotplate.execute.executor import Executor
from hotplate.execute.linear import LinearExecutor
from hotplate.execute.parallel import ParallelExecutor, ProcessExecutor

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRY_POINTS = "hotplate.executors"
"""The entry-point group where other distributions register executors: a name and a factory without arguments."""


def make_executor(name: str | Executor, jobs: int | None = None) -> Executor:
    """The executor of that name: built in, or from the entry-point group `hotplate.executors`. One is itself.

    Only the chosen one is imported. Raises SettingError when there is none of that name or it can't be made.
    """
    if not isinstance(name, str):
        return name
    if name == "linear":
        return LinearExecutor()
    if name == "parallel":
        return ParallelExecutor(jobs)
    if name == "process":
        return ProcessExecutor(jobs)
    from importlib.metadata import entry_points  # 30 ms, only for executors from elsewhere

    for entry_point in entry_points(group=ENTRY_POINTS, name=name):
        return _load(entry_point.load, f"the executor {name} of {entry_point.value}")
    others = sorted({entry_point.name for entry_point in entry_points(group=ENTRY_POINTS)})
    message = f"there is no executor {name}; there are {', '.join(['linear', 'parallel', 'process', *others])}"
    raise SettingError(message)


def isolates(executor: Executor) -> bool:
    """Whether an executor wants every cell in a worker, whatever its section says."""
    return bool(getattr(executor, "isolates", False))


def _load(load: Callable[[], Callable[[], object]], what: str) -> Executor:
    try:
        executor = load()()
    except Exception as error:
        message = f"{what} can't be used: {type(error).__name__}: {error}"
        raise SettingError(message) from error
    if not isinstance(executor, Executor):
        message = f"{what} can't be used: {type(executor).__name__} has no `name` and `execute`"
        raise SettingError(message)
    return executor
