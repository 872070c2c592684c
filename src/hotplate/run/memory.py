"""Memory: results that were recorded, by this run before it was resumed or by others."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from hotplate.execute import OutcomeKind
from hotplate.run.attempts import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotplate.run.attempts import Attempt
    from hotplate.run.state import Trace
    from hotplate.run.store import CellRecord, RunRecord, RunStore
    from hotplate.run.task import Task


FORGIVEN = "forgiven"
"""Among a run's options: by cell the number up to which attempts count no more. Resumes add it, nobody chooses it."""


class Recalled(NamedTuple):
    """A result of an earlier run."""

    value: Any
    seconds: float
    run: str
    """The run that computed it."""
    trace: Trace | None
    """What it was computed under; None: nobody can tell."""
    holds: bool = True
    """Whether that is what the cell would be computed under now; if not, it was asked for all the same."""


class Earlier(NamedTuple):
    """The attempts at a cell before its run was resumed."""

    counted: tuple[Attempt, ...] = ()
    """Those that its policy counts, in order."""
    made: int = 0
    """The number of the last one."""
    deaths: int = 0
    """How often the whole process ended in one."""


NONE = Earlier()


class Memory(Protocol):
    """Where a run looks for results that its session does not have. Thread-safe."""

    def recall(self, task: Task, trace: Trace | None) -> Recalled | None:
        """The result of a cell that was computed under this trace (None: nobody can tell), if it holds."""

    def earlier(self, task: Task, trace: Trace | None) -> Earlier:
        """The attempts at the cell that count for another one under this trace."""

    def why(self, task: Task, trace: Trace | None) -> str:
        """Why nothing was recalled, for people; "" where there is no more to say than that there was nothing."""


class Recorded:
    """The results of all recorded runs. What was computed from the same code and the same inputs holds."""

    def __init__(self, store: RunStore) -> None:
        self._store = store

    def recall(self, task: Task, trace: Trace | None) -> Recalled | None:
        """See Memory. An impure cell has no such result."""
        found = None if trace is None or task.attributes.impure else self._store.lookup(trace)
        loaded = None if found is None else self._store.load(found)
        return None if found is None or loaded is None else Recalled(loaded.value, found.seconds, found.run, trace)

    def earlier(self, task: Task, trace: Trace | None) -> Earlier:  # noqa: ARG002 - a new run counts from 1
        """None."""
        return NONE

    def why(self, task: Task, trace: Trace | None) -> str:  # noqa: ARG002 - many runs, of which none is meant
        """Nothing."""
        return ""


class Mode(StrEnum):
    """Which results a resumed run takes over."""

    REUSE = "reuse"
    """Those that still hold for the file as it is."""
    STRICT = "strict"
    """The same, and the file must be what it was."""
    FORCE = "force"
    """All of them, whatever has changed."""


class Resumed:
    """What a run that is resumed takes over from its own record."""

    def __init__(
        self,
        store: RunStore,
        record: RunRecord,
        mode: Mode = Mode.REUSE,
        forgiven: Mapping[str, int] | None = None,
        *,
        reuses: bool = False,
    ) -> None:
        """Up to the number in `forgiven`, attempts at a cell do not count. With `reuses` it takes results of others."""
        self._store = store
        self._record = record
        self._others = Recorded(store) if reuses else None
        self._mode = mode
        self._forgiven = forgiven or {}

    def recall(self, task: Task, trace: Trace | None) -> Recalled | None:
        """See Memory. What this run has computed holds for impure cells as well: the run goes on, it does not begin."""
        own = self._record.results.get(task.name)
        if own is not None and self._holds(own, trace):
            loaded = self._store.load(own.value)
            if loaded is not None:
                return Recalled(loaded.value, own.seconds, self._record.id, own.trace, _is_of(own, trace))
        return None if self._others is None else self._others.recall(task, trace)

    def earlier(self, task: Task, trace: Trace | None) -> Earlier:
        """See Memory. Attempts at other code, or with other inputs, do not count."""
        attempts = self._record.attempts.get(task.name, ())
        if not attempts:
            return NONE
        own, made = self._record.results.get(task.name), attempts[-1].number
        # A process that ended in the last attempt left no trace of it: the result is one of an attempt before.
        if own is not None and own.attempts == made and own.trace != trace:
            return Earlier(made=made)
        forgiven = self._forgiven.get(task.name, 0)
        since = [attempt for attempt in _since_success(attempts) if attempt.number > forgiven]
        deaths = sum(attempt.died for attempt in since)
        return Earlier(counted([attempt for attempt in since if not attempt.died]), made, deaths)

    def why(self, task: Task, trace: Trace | None) -> str:
        """See Memory."""
        own = self._record.results.get(task.name)
        return "" if own is None else _why_not(own, trace)

    def _holds(self, own: CellRecord, trace: Trace | None) -> bool:
        if own.status != OutcomeKind.OK:
            return False
        return self._mode is Mode.FORCE or _is_of(own, trace)


def _why_not(own: CellRecord, trace: Trace | None) -> str:
    if own.status != OutcomeKind.OK:
        return f"{own.status.replace('_', ' ')} before"
    if own.trace is None or trace is None:
        return "nobody can tell whether its value still holds"
    if own.trace.key != trace.key:
        return "edited"
    if changed := [name for name, content in trace.inputs if (name, content) not in own.trace.inputs]:
        return f"{', '.join(changed)} changed"
    if own.value.text is None:
        return f"its value could not be kept: {own.value.problem}"
    return "its recorded value is damaged or gone"


def _is_of(own: CellRecord, trace: Trace | None) -> bool:
    """Where the trace can't be told, as for inputs that are no values, nothing says that the result still holds."""
    return trace is not None and own.trace == trace


def _since_success(attempts: Sequence[Attempt]) -> Sequence[Attempt]:
    begin = max((i + 1 for i, attempt in enumerate(attempts) if attempt.outcome is OutcomeKind.OK), default=0)
    return attempts[begin:]
