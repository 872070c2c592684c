"""ProcessBackend: cells run in workers, which can crash and be killed without harm."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from hotplate.errors import CellCrashed, CellRejected
from hotplate.execute.backend import Backend, Capabilities, Isolation, Outcome, OutcomeKind, Request, TimeoutKind
from hotplate.execute.workers.cell import IsolatedCell
from hotplate.execute.workers.finals import Finals
from hotplate.execute.workers.policy import CONTROLS, Level, Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotplate.execute.abort import AbortHandle
    from hotplate.execute.workers.crash.report import CrashReport, Diagnosis
    from hotplate.execute.workers.pool import WorkerPool


class PythonCalls(Protocol):
    """What calls Python functions in workers: PythonPool, where there is one."""

    def execute(self, request: Request) -> Outcome:
        """Makes the call."""

    def kill(self) -> None:
        """Ends every worker that is at work, at once. Any thread."""

    def close(self) -> None:
        """Ends every worker."""


_HINT = (
    "hotplate run --on-crash=diagnose, or run(..., on_crash='diagnose'), calls it again with sanitizers, "
    "which say what went wrong"
)


class ProcessBackend(Backend):
    """Calls cells in workers of a pool. A crash costs the call, and a time-out ends it whatever the cell does."""

    name = "process"

    def __init__(
        self,
        pool: WorkerPool,
        python: PythonCalls | None,
        policy: Policy,
        diagnose: Callable[[IsolatedCell, Mapping[str, Any], AbortHandle, float], Diagnosis],
    ) -> None:
        """`pool` is for native cells, `python` for Python functions (None: they can't be isolated here).

        Both keep to `policy`. `diagnose` calls a cell that crashed once more, with its arguments.
        """
        self._diagnose = diagnose
        self._pool = pool
        self._python = python
        self._policy = policy
        self.capabilities = _capabilities(policy)
        self._finals = Finals()

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
        arguments = self._finals.shared(request.arguments, request.results)
        outcome = request.call.attempt(
            (),
            arguments,
            called=request.cell,
            abort=request.abort,
            timeout=request.timeout,
            grace=request.grace,
            output=request.output,
            echo=request.echo,
            measure=request.measure,
        )
        if (report := _fault(request, outcome)) is not None:
            return replace(outcome, error=CellCrashed(replace(report, hint=_HINT)))
        return outcome

    def diagnose(self, request: Request, outcome: Outcome) -> Outcome:
        """See Backend.diagnose."""
        report = _fault(request, outcome)
        if report is None or request.abort.aborted:
            return outcome
        assert isinstance(request.call, IsolatedCell)
        diagnosis = self._diagnose(request.call, request.arguments, request.abort, outcome.seconds)
        return replace(outcome, error=CellCrashed(replace(report, diagnosis=diagnosis, hint="")))

    def progress(self) -> Mapping[str, tuple[int, int]]:
        """See Backend.progress."""
        return self._pool.progress()

    def start(self) -> None:
        """Keeps workers again, after `stop`; each is started when a call needs it."""
        self._pool.open()

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
        if request.clean_env and self._policy.environment is Level.ALLOW:
            return (
                "it asks for a clean environment, and the policy passes on all variables; take clean_env off its "
                "section, or environment=Level.ALLOW out of the policy (its `variables` passes on some)"
            )
        loaded_here = request.language != "python" and not isinstance(request.call, IsolatedCell)
        return "it was loaded into this process; load it again" if loaded_here else ""


def _fault(request: Request, outcome: Outcome) -> CrashReport | None:
    """The report on a crash that another call with sanitizers may say more about."""
    if not isinstance(outcome.error, CellCrashed) or not isinstance(request.call, IsolatedCell):
        return None
    report: CrashReport = outcome.error.report
    return report if request.call.unit is not None and report.is_fault else None


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
