"""ProcessBackend: cells run in workers, which can crash and be killed without harm."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

from hotplate.errors import CellRejected
from hotplate.execute.backend import Backend, Capabilities, Isolation, Outcome, OutcomeKind, Request, TimeoutKind
from hotplate.execute.workers.cell import IsolatedCell
from hotplate.execute.workers.policy import CONTROLS, Level, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.execute.workers.pool import WorkerPool


class PythonCalls(Protocol):
    """What calls Python functions in workers: PythonPool, where there is one."""

    def execute(self, request: Request) -> Outcome:
        """Makes the call."""

    def kill(self) -> None:
        """Ends every worker that is at work, at once. Any thread."""

    def close(self) -> None:
        """Ends every worker."""


class ProcessBackend(Backend):
    """Calls cells in workers of a pool. A crash costs the call, and a time-out ends it whatever the cell does."""

    name = "process"

    def __init__(self, pool: WorkerPool, python: PythonCalls | None, policy: Policy) -> None:
        """`pool` is for native cells, `python` for Python functions (None: they can't be isolated here).

        Both keep to `policy`.
        """
        self._pool = pool
        self._python = python
        self._policy = policy
        self.capabilities = _capabilities(policy)

    def supports_language(self, language: str) -> bool:
        """C and C++; Python where its functions can be isolated."""
        return language in ("c", "c++") or (language == "python" and self._python is not None)

    def execute(self, request: Request) -> Outcome:
        """See Backend.execute."""
        if reason := self._refusal(request):
            return Outcome(OutcomeKind.REJECTED, error=CellRejected(request.cell, reason), reason=reason)
        if request.abort.aborted:
            return Outcome(OutcomeKind.CANCELLED, reason=request.abort.reason)
        if request.language == "python":
            assert self._python is not None
            return self._python.execute(request)
        assert isinstance(request.call, IsolatedCell)
        return request.call.attempt((), request.arguments, abort=request.abort, timeout=request.timeout)

    def progress(self) -> Mapping[str, tuple[int, int]]:
        """See Backend.progress."""
        return self._pool.progress()

    def stop(self) -> None:
        """Ends every worker."""
        self._pool.close()
        if self._python is not None:
            self._python.close()

    def kill(self) -> None:
        """Ends every worker that is at work, at once; their calls end as cancelled. Any thread."""
        self._pool.kill()
        if self._python is not None:
            self._python.kill()

    def _refusal(self, request: Request) -> str:
        if request.language == "python" and self._python is None:
            return f"Python cells can't be isolated on {sys.platform} yet; take isolate off, or choose another executor"
        if not self.supports_language(request.language):
            return f"the {self.name} backend can't run {request.language}"
        if request.language == "python" and self._policy.confines:
            return "Python cells can't be sandboxed; leave the sandbox out, or run without this cell"
        loaded_here = request.language != "python" and not isinstance(request.call, IsolatedCell)
        return "it was loaded into this process; load it again" if loaded_here else ""


def _capabilities(policy: Policy) -> Capabilities:
    """What is enforced whatever the machine: a worker that can't keep a required control does not start."""
    required = {name for name in CONTROLS if policy.level(name) is Level.REQUIRE}
    return Capabilities(
        isolation=Isolation.SANDBOXED
        if required >= {"filesystem", "network", "processes", "peers"}
        else Isolation.PROCESS,
        timeout=TimeoutKind.HARD,
        network="network" in required,
        filesystem="filesystem" in required,
        environment="environment" in required,
        memory="memory" in required,
    )
