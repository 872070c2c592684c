"""LinearExecutor: one cell at a time, in dependency order, on the calling thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.execute.executor import TaskGraph
from hotplate.execute.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.execute.abort import AbortHandle
    from hotplate.execute.backend import Outcome


class LinearExecutor:
    """Runs tasks one after another. The request to stop is looked at before each task and by the tasks themselves.

    The order is the one given, whatever times are expected: alone, a task gains nothing by starting early.
    """

    name = "linear"

    def execute(
        self,
        graph: TaskGraph,
        call: Callable[[str], Outcome],
        abort: AbortHandle,
        finished: Callable[[str, Outcome], None],
        *,
        keep_going: bool = False,
    ) -> None:
        """See Executor.execute."""
        scheduler = Scheduler(TaskGraph(graph.order, graph.needs), abort, finished, keep_going)
        try:
            while (name := scheduler.start()) is not None:
                scheduler.finish(name, call(name))
        except BaseException as error:  # KeyboardInterrupt, above all
            scheduler.fail(error)
        scheduler.give_up()
        if scheduler.error is not None:
            raise scheduler.error
