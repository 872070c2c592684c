"""ProcessBackend: cells run in workers, which can crash and be killed without harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.errors import CellRejected
from hotplate.execute.backend import Backend, Capabilities, Isolation, Outcome, OutcomeKind, Request, TimeoutKind
from hotplate.execute.workers.cell import IsolatedCell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.execute.workers.pool import WorkerPool
    from hotplate.execute.workers.python_pool import PythonPool


class ProcessBackend(Backend):
    """Calls cells in workers of a pool. A crash costs the call, and a time-out ends it whatever the cell does."""

    name = "process"
    capabilities = Capabilities(isolation=Isolation.PROCESS, timeout=TimeoutKind.HARD, environment=True)

    def __init__(self, pool: WorkerPool, python: PythonPool) -> None:
        """`pool` is for native cells, `python` for Python functions."""
        self._pool = pool
        self._python = python

    def supports_language(self, language: str) -> bool:
        """All three: C, C++ and Python."""
        return language in ("c", "c++", "python")

    def execute(self, request: Request) -> Outcome:
        """See Backend.execute."""
        if reason := self._refusal(request):
            return Outcome(OutcomeKind.REJECTED, error=CellRejected(request.cell, reason), reason=reason)
        if request.abort.aborted:
            return Outcome(OutcomeKind.CANCELLED, reason=request.abort.reason)
        if request.language == "python":
            return self._python.execute(request)
        assert isinstance(request.call, IsolatedCell)
        return request.call.attempt((), request.arguments, abort=request.abort, timeout=request.timeout)

    def progress(self) -> Mapping[str, tuple[int, int]]:
        """See Backend.progress."""
        return self._pool.progress()

    def stop(self) -> None:
        """Ends every worker."""
        self._pool.close()
        self._python.close()

    def kill(self) -> None:
        """Ends every worker that is at work, at once; their calls end as cancelled. Any thread."""
        self._pool.kill()
        self._python.kill()

    def _refusal(self, request: Request) -> str:
        if not self.supports_language(request.language):
            return f"the {self.name} backend can't run {request.language}"
        loaded_here = request.language != "python" and not isinstance(request.call, IsolatedCell)
        return "it was loaded into this process; load it again" if loaded_here else ""
