"""In what order calls run: what an executor is given, and what it promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hotplate.execute.abort import AbortHandle
    from hotplate.execute.backend import Outcome


API_VERSION = 1
"""The version of what executors see: this module and Scheduler. It grows when an older executor would not work."""


@dataclass(frozen=True, slots=True)
class TaskGraph:
    """What is to be run: names in a valid order, and for each the names that it needs among them."""

    order: Sequence[str]
    needs: Mapping[str, Iterable[str]]
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long each is expected to take, where that is known. Executors may go by it; it changes no result."""


@runtime_checkable
class Executor(Protocol):
    """Runs the tasks of a graph, each after what it needs, each exactly once.

    One that has an attribute `isolates` that is true wants every cell in a worker, whatever its section says.
    """

    name: str

    def execute(
        self,
        graph: TaskGraph,
        call: Callable[[str], Outcome],
        abort: AbortHandle,
        finished: Callable[[str, Outcome], None],
        *,
        keep_going: bool = False,
    ) -> None:
        """Runs everything and returns when nothing runs any more.

        `call` runs one task, on any thread; `finished` is told of every task once, also of those that never ran
        (skipped, cancelled), one at a time. The first failure stops the rest, or with `keep_going` only what depends on
        it. Setting `abort` does the same from outside. An exception of either ends the run, and is raised when nothing
        runs any more. Scheduler keeps all of this for an executor; conformance tries whether one does.
        """
        ...
