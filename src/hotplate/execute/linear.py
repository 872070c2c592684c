"""LinearExecutor: one cell at a time, in dependency order, on the calling thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.execute.executor import Frontier

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.execute.abort import AbortHandle
    from hotplate.execute.backend import Outcome
    from hotplate.execute.executor import TaskGraph


class LinearExecutor:
    """Runs tasks one after another. The request to stop is looked at before each task and by the tasks themselves."""

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
        frontier = Frontier(graph, abort, finished, keep_going)
        try:
            while (name := frontier.start()) is not None:
                frontier.finish(name, call(name))
        except BaseException as error:  # KeyboardInterrupt, above all
            frontier.fail(error)
        frontier.give_up()
        if frontier.error is not None:
            raise frontier.error
