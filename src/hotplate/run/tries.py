"""Tries: the attempts that a run makes at its cells, each with what surrounds a call."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from hotplate.errors import AttemptsSpent
from hotplate.events import Kind
from hotplate.execute import AbortHandle, Outcome, OutcomeKind, Request
from hotplate.run.attempts import AttemptPolicy, AttemptRunner, Verdict, decide
from hotplate.run.lifecycles import CellContext, Evaluator
from hotplate.run.memory import NONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.execute import Backend
    from hotplate.run.attempts import Attempt
    from hotplate.run.memory import Earlier
    from hotplate.run.recorder import Recorder
    from hotplate.run.task import Task

_STARTED = Kind.CELL_STARTED  # once: see Outcome.ok
MOST_DEATHS = 3
"""Times that a process may end in a cell, over all resumes, until the cell is not tried any more."""


class Tries:
    """Tries cells as their policies say. Thread-safe."""

    def __init__(
        self, backend: Backend, recorder: Recorder, policies: Mapping[str, AttemptPolicy], *, measures: bool
    ) -> None:
        """`policies` stand in place of what sections say, by cell. `measures`: what calls use is noted."""
        self._backend = backend
        self._recorder = recorder
        self._emit = recorder.emitter.emit
        self._policies = policies
        self._measures = measures
        self._by_attributes: dict[int, AttemptPolicy] = {}
        self._runner = AttemptRunner()
        self._retried: dict[str, list[OutcomeKind]] = {}
        """What further attempts were made after, by cell."""
        self.evaluator = Evaluator(())
        """What surrounds each call."""
        self.abort = AbortHandle()
        """What stops the cells that run now."""

    def make(self, task: Task, earlier: Earlier = NONE) -> Outcome:
        """Tries a cell until it has its value, or its policy says that this is enough.

        `earlier` are the attempts before its run was resumed: numbers go on, whatever counts for the cap.
        """
        if earlier.deaths >= MOST_DEATHS:
            return _deadly(task.name, earlier)
        if earlier.counted:
            self._retried[task.name] = [made.outcome for made in earlier.counted[:-1]]  # of the last one it is told yet
        policy = self._policy(task)
        return self._runner.run(
            task.name,
            policy,
            lambda number, last: self._attempt(task, policy, number, last=last),
            self.abort,
            earlier=earlier.counted,
            made=earlier.made,
            retrying=self._tell_of_retry,
            ended=self._recorder.attempted,
        )

    def is_final(self, context: CellContext, outcome: Outcome) -> bool:
        """Whether no other attempt follows one that ended so."""
        retried = self._retried.get(context.cell, [])
        verdict = decide(self._policy(context.task), len(retried) + 1, outcome, Counter(retried))
        return context.last or verdict is not Verdict.RETRY

    def _policy(self, task: Task) -> AttemptPolicy:
        if (policy := self._policies.get(task.name)) is not None:
            impure = task.attributes.impure  # which the cell is, whoever says how it is tried
            return replace(policy, impure=True) if impure and not policy.impure else policy
        # By identity: all cells of a section share the object, and its hash takes as long as the policy.
        policy = self._by_attributes.get(id(task.attributes))
        if policy is None:
            policy = self._by_attributes[id(task.attributes)] = AttemptPolicy.of(task.attributes)
        return policy

    def _attempt(self, task: Task, policy: AttemptPolicy, number: int, *, last: bool) -> Outcome:
        context = CellContext(task, number, self.abort, self._recorder.emitter, last=last)
        return self.evaluator.evaluate(context, lambda context: self._call(context, policy))

    def _call(self, context: CellContext, policy: AttemptPolicy) -> Outcome:
        task = context.task
        assert context.arguments is not None  # `Arguments` collected them, or there is no call
        self._recorder.begun(task.name, context.attempt)
        self._emit(_STARTED, task.name, context.attempt)
        context.request = request = Request(
            cell=task.name,
            language=task.language,
            call=task.call,
            arguments=context.arguments,
            abort=self.abort,
            results=context.results,
            timeout=policy.timeout,
            grace=policy.grace,
            isolate=task.isolated,
            clean_env=task.attributes.clean_env,
            polls=task.polls,
            output=context.output,
            echo=context.echo,
            measure=self._measures,
        )
        return self._backend.execute(request)

    def _tell_of_retry(self, made: Attempt) -> None:
        data = {"outcome": made.outcome, "error": made.error, "not_before": made.not_before}
        self._emit(Kind.CELL_RETRYING, made.cell, made.number, **data)
        self._retried.setdefault(made.cell, []).append(made.outcome)


def _deadly(name: str, earlier: Earlier) -> Outcome:
    error = AttemptsSpent(
        name,
        f"the whole process ended {earlier.deaths} times while it was under way. Isolate it, so that it ends nothing "
        "but itself, or edit it, or resume with --again (again=True), which counts from 1",
    )
    return Outcome(OutcomeKind.LOST, error=error)
