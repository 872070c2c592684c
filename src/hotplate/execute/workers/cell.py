"""IsolatedCell: one version of one cell, called in a worker."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hotplate.abi import lib
from hotplate.errors import CellCrashed, CellFailed, CellTimedOut, HotplateError, LoadError, RunCancelled
from hotplate.execute.backend import GRACE, Outcome, OutcomeKind
from hotplate.execute.cooperation import NOBODY_ASKED, cooperation_of
from hotplate.execute.usage import used_between
from hotplate.execute.verdict import failure_of, overtime, verdict_on
from hotplate.execute.workers import worker as workers
from hotplate.execute.workers.arena import NoSharedMemory, empty
from hotplate.execute.workers.crash.report import Stage, explain_death, kind_of
from hotplate.execute.workers.worker import FALSE_STARTS, Reason, Worker
from hotplate.load import LoadedCell, StateBlock
from hotplate.load.problems import WorkerDied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from hotplate.execute.abort import AbortHandle
    from hotplate.execute.cooperation import Cooperation, Usage
    from hotplate.execute.workers.crash.report import CrashReport
    from hotplate.execute.workers.death import Death
    from hotplate.execute.workers.library import RemoteLibrary
    from hotplate.execute.workers.pool import WorkerPool
    from hotplate.execute.workers.sanitizers.findings import Subject
    from hotplate.toolchain import Unit
    from hotplate.toolchain.toolchain import Toolchain

_SIGKILL = -9  # as subprocess tells it
_STAGES = {
    lib.HP_STAGE_IDLE: Stage.RUN,
    lib.HP_STAGE_OPEN: Stage.OPEN,
    lib.HP_STAGE_INIT: Stage.INIT,
    lib.HP_STAGE_RUN: Stage.RUN,
    lib.HP_STAGE_PUBLISH: Stage.PUBLISH,
    lib.HP_STAGE_CLOSE: Stage.DESTRUCTOR,
}


class IsolatedCell(LoadedCell):
    """A cell that runs in a worker, called like any other. See LoadedCell.

    Its results lie in memory that the worker shared with this process. Raises what LoadedCell does, CellTimedOut, and
    CellCrashed when the worker died of it; the next call has another worker.
    """

    isolated = True

    def __init__(
        self,
        path: Path,
        unit_key: str | None,
        state: StateBlock | None,
        pool: WorkerPool,
        notebook: tuple[Path, str],
        *,
        unit: Callable[[Toolchain], Unit] | None = None,
        sanitized: bool = False,
    ) -> None:
        """Has a worker load the library at `path`; `notebook` is the file that it was built from, and its text.

        `unit` makes its translation unit for another toolchain. `sanitized`: it and the workers have sanitizers.

        Raises LoadError, also when no worker starts or a constructor of a global object ends it, and HandshakeError.
        """
        self._pool = pool
        self._file = path
        self.notebook = notebook
        self.unit = unit
        self.state = state or StateBlock()
        self._sanitized = sanitized
        try:
            library = pool.library(path, unit_key)
        except WorkerDied as died:
            why = f"it {_never_opened()}" if died.death.overdue else self._report(died.death, path.stem, {}).message
            raise LoadError(f"can't load {path}: {why}") from None
        except OSError as error:
            raise LoadError(f"there is no worker to load {path.name}: {error}") from error
        self._library: RemoteLibrary = library
        self._open(library, library.path, self.state, empty)

    def __call__(self, /, *arguments: Any, **named: Any) -> Any:
        """Runs the cell once, in a worker. See the class."""
        outcome = self.attempt(arguments, named)
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    def attempt(
        self,
        arguments: Sequence[Any],
        named: Mapping[str, Any],
        *,
        called: str = "",
        abort: AbortHandle | None = None,
        timeout: float | None = None,
        grace: float = GRACE,
        output: Callable[[int, bytes], None] | None = None,
        echo: bool = True,
        measure: bool = False,
    ) -> Outcome:
        """Makes one call and says how it went. Raises KeyboardInterrupt alone.

        `called` is the name under which its progress is told, where a sweep makes many calls of one cell.
        `timeout` and `grace` are seconds: a call that takes longer is asked to stop, and `grace` later its worker is
        killed. So it is when `abort` says so. For `output`, `echo` and `measure` see Request.
        """
        started = time.time()
        try:
            for left in reversed(range(FALSE_STARTS)):
                with self._pool.worker(self._library.number) as worker:
                    if output is not None or not echo:
                        worker.listen(output, echo=echo)
                    call = _Call(self, called, worker, abort, timeout, grace, started, measure=measure)
                    outcome = call.make(arguments, named)
                if not left or not call.is_false_start:
                    return outcome
            raise AssertionError
        except WorkerDied:
            raise AssertionError("a call takes note of its worker's death") from None
        except OSError as error:
            message = f"there is no worker for {self.name}: {error}"
            return Outcome(OutcomeKind.LOST, error=LoadError(message), started=started)
        except HotplateError as error:
            return Outcome(OutcomeKind.FAILED, error=error, started=started)

    def subject(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> Subject:
        """What findings about one of its calls are about."""
        from hotplate.execute.workers.sanitizers.findings import Subject  # only for who has sanitizers

        notebook, text = self.notebook
        outputs = tuple(port.name for port in self.descriptor.outputs)
        kinds = self._described(arguments, named)
        return Subject(self.name, self.path, notebook, text, self.parameters, outputs, kinds)

    def _report(self, death: Death, cell: str, inputs: Mapping[str, str]) -> CrashReport:
        notebook, text = self.notebook
        report = explain_death(
            cell,
            death.code,
            notebook=notebook,
            text=text,
            stage=_STAGES.get(death.stage, Stage.RUN),
            record=death.crash,
            libraries={self._library.number: self._library.path} if hasattr(self, "_library") else {},
            inputs=inputs,
            output=death.output[1].text or death.output[0].text,
            out_of_memory=death.code == _SIGKILL and self._pool.out_of_memory.again(),
        )
        if not self._sanitized:
            return report
        from hotplate.execute.workers.sanitizers.findings import Subject, report_with_findings  # as above

        if hasattr(self, "_library"):
            subject = replace(self.subject((), {}), kinds=inputs)
        else:  # it died while it was opened
            subject = Subject(cell, self._file, notebook, text, (), (), {})
        return report_with_findings(report, death.output[0].text, death.output[1].text, subject)

    def _described(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> dict[str, str]:
        """What the inputs are, for people: types and shapes."""
        positional = (name for name in self.parameters if name not in self.optional)
        given = {**dict(zip(positional, arguments, strict=False)), **named}
        return {name: kind_of(value) for name, value in given.items()}


class _Call:
    """One call in one worker."""

    def __init__(
        self,
        cell: IsolatedCell,
        called: str,
        worker: Worker,
        abort: AbortHandle | None,
        timeout: float | None,
        grace: float,
        started: float,
        *,
        measure: bool,
    ) -> None:
        self._cell = cell
        self._called = called or cell.name
        self._worker = worker
        self._abort = abort
        self._timeout = timeout
        self._grace = grace
        self._started = started
        self._begin = 0.0
        self._measures = measure
        self._used: Usage | None = None
        self._inputs: Mapping[str, str] = {}
        self.is_false_start = False
        """Whether the worker died, and not of this call, for that had not begun."""

    def make(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> Outcome:
        cell, worker = self._cell, self._worker
        value: Any = None
        error: HotplateError | None = None
        begin = self._begin = time.perf_counter()
        try:
            if cell._library.number not in worker.libraries:
                worker.open(cell._library.path, cell._library.number)
            self._used = worker.used() if self._measures else None
            begin = self._begin = time.perf_counter()
            try:
                worker.enter(self._called, self._timeout, self._grace, self._abort)
                value = LoadedCell.__call__(cell, *arguments, **named)
            finally:
                worker.leave()
        except WorkerDied:
            self._inputs = cell._described(arguments, named)
            return self._died(time.perf_counter() - begin)
        except HotplateError as raised:
            error = raised
        except NoSharedMemory as full:
            error = CellFailed(cell.name, str(full))
        except TypeError:
            raise
        except Exception as raised:
            error = failure_of(cell.name, raised)
        return self._ended(value, error, time.perf_counter() - begin)

    def _ended(self, value: Any, error: HotplateError | None, seconds: float) -> Outcome:
        stdout, stderr = self._worker.printed()
        late = self._worker.waited.asked >= 0 and self._worker.waited.reason == Reason.TIMEOUT
        kind, error = verdict_on(self._cell.name, self._timeout, error, seconds, late=late)
        return Outcome(
            kind,
            value if kind is OutcomeKind.OK else None,
            error,
            self._reason(kind, "interrupted"),
            self._started,
            seconds,
            1,
            stdout,
            stderr,
            self._worker.policy,
            self._cooperation(observed=self._worker.has_observed),
            used_between(self._used, self._worker.used()) if self._measures else None,
        )

    def _reason(self, kind: OutcomeKind, otherwise: str) -> str:
        """Why it was cancelled, if it was."""
        if kind is not OutcomeKind.CANCELLED:
            return ""
        return (self._abort and self._abort.reason) or otherwise

    def _cooperation(self, *, observed: bool, forced: bool = False) -> Cooperation:
        waited, abort = self._worker.waited, self._abort
        ended = waited.nanoseconds / 1e9
        if waited.asked >= 0:
            asked = waited.asked / 1e9
        elif abort is not None and abort.when is not None:  # the cell saw it before who waits for it did
            asked = max(abort.when - self._begin, 0.0)
        elif observed:  # what a signal handler asks has no time; it came before the end
            asked = ended
        else:
            return NOBODY_ASKED
        return cooperation_of(asked, ended, self._grace, observed=observed, forced=forced)

    # ---- when the worker is dead ----

    def _died(self, seconds: float) -> Outcome:
        worker = self._worker
        answer = self._cooperation(observed=worker.has_observed, forced=True)
        opened = self._cell._library.number in worker.libraries
        death = worker.bury()
        stdout, stderr = death.output
        kind, error = self._cause(death, opened=opened)
        if kind is OutcomeKind.TIMED_OUT and opened:
            seconds = worker.waited.nanoseconds / 1e9
        reason, usage = self._reason(kind, "killed"), self._used_up(death) if self._measures else None
        return Outcome(
            kind, None, error, reason, self._started, seconds, 1, stdout, stderr, worker.policy, answer, usage
        )

    def _cause(self, death: Death, *, opened: bool) -> tuple[OutcomeKind, HotplateError]:
        """What a call came to whose worker died, before or after its library was `opened` there."""
        name, waited = self._cell.name, self._worker.waited
        if death.overdue and not opened:
            return OutcomeKind.TIMED_OUT, CellTimedOut(name, f"its library {_never_opened()}")
        if death.overdue:
            return OutcomeKind.TIMED_OUT, self._too_long(", and it did not stop when it was asked to")
        if self._worker.killed or (waited.killed and waited.reason != Reason.NONE):
            kind = OutcomeKind.CANCELLED
            return kind, RunCancelled(f"{name} was stopped: {self._reason(kind, 'killed')}")
        report = self._cell._report(death, name, self._inputs)
        if waited.reason == Reason.TIMEOUT:
            return OutcomeKind.TIMED_OUT, self._too_long(f"; asked to stop, it {report.headline}")
        self.is_false_start = death.idle
        return OutcomeKind.CRASHED, CellCrashed(report)

    def _used_up(self, death: Death) -> Usage | None:
        """What a call used of which the worker died; all that the worker did, if that is this call."""
        return death.usage if self._worker.calls == 1 else used_between(self._used, death.usage)

    def _too_long(self, more: str) -> CellTimedOut:
        return CellTimedOut(self._cell.name, overtime(self._worker.waited.nanoseconds / 1e9, self._timeout) + more)


def _never_opened() -> str:
    return f"did not open within {workers.ANSWER_TIME:g} s; look at what its global objects do"
