"""ProcessBackend: cells run in workers, which can crash and be killed without harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.errors import CellRejected
from hotplate.execute.backend import Backend, Capabilities, Isolation, Outcome, OutcomeKind, Request, TimeoutKind
from hotplate.execute.workers.cell import IsolatedCell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.execute.workers.pool import WorkerPool


class ProcessBackend(Backend):
    """Calls cells in workers of a pool. A crash costs the call, and a time-out ends it whatever the cell does."""

    name = "process"
    capabilities = Capabilities(isolation=Isolation.PROCESS, timeout=TimeoutKind.HARD, environment=True)

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def supports_language(self, language: str) -> bool:
        """C and C++."""
        return language in ("c", "c++")

    def execute(self, request: Request) -> Outcome:
        """See Backend.execute."""
        if reason := self._refusal(request):
            return Outcome(OutcomeKind.REJECTED, error=CellRejected(request.cell, reason), reason=reason)
        if request.abort.aborted:
            return Outcome(OutcomeKind.CANCELLED, reason=request.abort.reason)
        assert isinstance(request.call, IsolatedCell)
        return request.call.attempt((), request.arguments, abort=request.abort, timeout=request.timeout)

    def progress(self) -> Mapping[str, tuple[int, int]]:
        """See Backend.progress."""
        return self._pool.progress()

    def stop(self) -> None:
        """Ends every worker."""
        self._pool.close()

    def _refusal(self, request: Request) -> str:
        if not self.supports_language(request.language):
            return f"it is written in {request.language}, and only C and C++ cells can be isolated; take isolate off it"
        return "" if isinstance(request.call, IsolatedCell) else "it was loaded into this process"
