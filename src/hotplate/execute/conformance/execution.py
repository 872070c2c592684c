"""One execution of a case, and all that an executor did in it."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

from hotplate.execute.abort import AbortHandle
from hotplate.execute.backend import Outcome, OutcomeKind
from hotplate.execute.executor import TaskGraph

if TYPE_CHECKING:
    from hotplate.execute.conformance.cases import Case
    from hotplate.execute.executor import Executor


class Execution:
    """What an executor is given for a case, and what it did. Used once."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._told_late: set[str] = set()
        """Told of when the abort handle was set already: after these, nothing may start."""
        self.abort = AbortHandle()
        self.called: list[str] = []
        self.told: list[str] = []
        self.outcomes: dict[str, Outcome] = {}
        """The first outcome that each task was told to have."""
        self.reached: set[str] = set()
        """The tasks that have raised what the case says."""
        self.raised: BaseException | None = None
        self.problems: list[str] = []

    def run(self, executor: Executor) -> None:
        """Has the executor run the graph, and keeps what it raises."""
        case = self._case
        if case.abort_at == 0:
            self.abort.abort("stopped before it began")
        graph = TaskGraph(list(case.needs), case.needs, case.seconds)
        try:
            executor.execute(graph, self._call, self.abort, self._finished, keep_going=case.keep_going)
        except BaseException as error:
            self.raised = error

    def _call(self, name: str) -> Outcome:
        case = self._case
        with self._lock:
            self._look_at_call(name)
            self.called.append(name)
            number = len(self.called)
        if number == case.abort_at:
            self._abort_from_outside()
        if name == case.call_raises:
            self.reached.add(name)
            raise SystemExit(name)
        kind = case.ends.get(name, OutcomeKind.OK)
        if kind is not OutcomeKind.OK:
            return Outcome(kind, reason=f"{name} is to end so")
        return Outcome(kind, self._value(name))

    def _look_at_call(self, name: str) -> None:
        """Notes what is wrong with a call that begins."""
        if name in self.called:
            self.problems.append(f"{name} was called again")
        if self._case.abort_at == 0:
            self.problems.append(f"{name} was called, though the abort handle was set before")
        for need in self._case.needs[name]:
            outcome = self.outcomes.get(need)
            if outcome is None:
                self.problems.append(f"{name} was called before `finished` had returned for {need}, which it needs")
            elif need in self._told_late:
                self.problems.append(f"{name} was called after the abort handle was set")

    def _abort_from_outside(self) -> None:
        other = threading.Thread(target=self.abort.abort, args=("stopped from outside",))
        other.start()
        other.join()

    def _value(self, name: str) -> bytes:
        """A digest of the task's name and of the values that it takes."""
        digest = hashlib.blake2b(name.encode(), digest_size=16)
        for need in self._case.needs[name]:
            outcome = self.outcomes.get(need)
            digest.update(outcome.value if outcome is not None and outcome.ok else b"no value")
        return digest.digest()

    def _finished(self, name: str, outcome: Outcome) -> None:
        if not self._telling.acquire(blocking=False):
            self.problems.append(f"`finished` was told of {name} while it was told of another task")
            return
        try:
            if self.abort.aborted:
                self._told_late.add(name)
            self.told.append(name)
            self.outcomes.setdefault(name, outcome)
        finally:
            self._telling.release()
        if name == self._case.finished_raises:
            self.reached.add(name)
            raise LookupError(name)
