"""An executor that runs what became ready last first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.execute import Outcome, Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.execute import AbortHandle, TaskGraph


class Backwards:
    """Runs one task at a time."""

    name = "backwards"
    api_version = 1

    def execute(
        self,
        graph: TaskGraph,
        call: Callable[[str], Outcome],
        abort: AbortHandle,
        finished: Callable[[str, Outcome], None],
        *,
        keep_going: bool = False,
    ) -> None:
        scheduler = Scheduler(graph, abort, finished, keep_going)
        ready: list[str] = []
        try:
            while True:
                while (name := scheduler.start()) is not None:
                    ready.append(name)
                if not ready or abort.aborted:
                    break
                latest = ready.pop()
                scheduler.finish(latest, call(latest))
        except BaseException as error:
            scheduler.fail(error)
        scheduler.give_up()
        if scheduler.error is not None:
            raise scheduler.error
