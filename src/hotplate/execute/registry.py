"""Executors by name: the built-in ones, and those of other distributions."""

from __future__ import annotations

from typing import TypeGuard

from hotplate.execute.executor import API_VERSION, Executor
from hotplate.execute.linear import LinearExecutor
from hotplate.execute.parallel import ParallelExecutor, ProcessExecutor
from hotplate.execute.plugins import PluginKind


def make_executor(name: str | Executor, jobs: int | None = None) -> Executor:
    """The executor of that name: built in, or from the entry-point group `hotplate.executors`. One is itself.

    Only the chosen one is imported. Raises SettingError when there is none of that name or it can't be used.
    """
    if not isinstance(name, str):
        return _EXECUTORS.checked(name)
    if name == "linear":
        return LinearExecutor()
    if name == "parallel":
        return ParallelExecutor(jobs)
    if name == "process":
        return ProcessExecutor(jobs)
    return _EXECUTORS.make(name, ("linear", "parallel", "process"))


def isolates(executor: Executor) -> bool:
    """Whether an executor wants every cell in a worker, whatever its section says."""
    return bool(getattr(executor, "isolates", False))


def _is_executor(thing: object) -> TypeGuard[Executor]:
    return isinstance(thing, Executor) and isinstance(getattr(thing, "name", None), str)


_EXECUTORS = PluginKind("executor", "hotplate.executors", API_VERSION, _is_executor, ("name", "execute"))
