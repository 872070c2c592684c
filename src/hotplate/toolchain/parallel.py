"""Runs several compilers at a time, and leaves none behind."""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")

_PATIENCE = 0.1  # seconds from Ctrl-C to its effect, at most


def in_parallel(work: Callable[[T], R], items: Sequence[T], jobs: int, stop: threading.Event) -> list[R]:
    """What `work` returns for each item, in their order; at most `jobs` calls at a time.

    The first call that raises ends it, as Ctrl-C does: `stop` is set, which has to end the other calls, and once none
    is left that exception goes on.
    """
    with ThreadPoolExecutor(min(jobs, len(items)), thread_name_prefix="hotplate-build") as pool:
        futures: list[Future[R]] = []
        try:
            futures += (pool.submit(work, item) for item in items)
            # In steps: on Windows, Ctrl-C can't interrupt a wait without a time-out.
            while wait(futures, _PATIENCE, FIRST_EXCEPTION).not_done:
                _raise_first(futures)
            _raise_first(futures)
        finally:
            # Nothing left to stop when all went well. Else each thread kills its own compiler before the pool closes.
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
        return [future.result() for future in futures]


def _raise_first(futures: Sequence[Future[R]]) -> None:
    for future in futures:
        if future.done() and (error := future.exception()):
            raise error
