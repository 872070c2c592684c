"""An executor as another package may have it, and the distribution that registers it."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from hotplate.execute import Outcome, OutcomeKind, Scheduler

if TYPE_CHECKING:
    from pathlib import Path

    from hotplate.execute import TaskGraph


class Pooled:
    """The scheduler, and futures of a pool."""

    name = "pooled"
    api_version = 1

    def execute(self, graph: TaskGraph, call: Any, abort: Any, finished: Any, *, keep_going: bool = False) -> None:
        scheduler = Scheduler(graph, abort, finished, keep_going)
        running: dict[Any, str] = {}
        with ThreadPoolExecutor(3) as pool:
            while True:
                while (name := scheduler.start()) is not None:
                    running[pool.submit(call, name)] = name
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    if (error := future.exception()) is not None:
                        scheduler.fail(error)
                    outcome = Outcome(OutcomeKind.LOST, error=error) if error else future.result()
                    scheduler.finish(running.pop(future), outcome)
        scheduler.give_up()
        if scheduler.error is not None:
            raise scheduler.error


def install(folder: Path) -> None:
    """Registers it as `pooled` in a folder that is to be on the module search path."""
    info = folder / "pooled_executor-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pooled-executor\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[hotplate.executors]\npooled = {__name__}:Pooled\n")
