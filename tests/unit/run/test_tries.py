"""Tries: what a run knows of the attempts that it makes at its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hotplate.execute import OutcomeKind
from hotplate.notebook import Attributes
from hotplate.run import Recorder, Task
from hotplate.run.attempts import Attempt, AttemptPolicy
from hotplate.run.lifecycles import Evaluator, Lifecycle
from hotplate.run.memory import Earlier
from hotplate.run.tries import Tries
from tests.unit.run.conftest import ScriptedBackend

if TYPE_CHECKING:
    from hotplate.execute import Outcome
    from hotplate.run.lifecycles import CellContext

CRASHED, LOST = OutcomeKind.CRASHED, OutcomeKind.LOST


class Asks(Lifecycle):
    """Asks behind each call whether another follows."""

    name = "asks"

    def __init__(self, tries: Tries) -> None:
        self._tries = tries
        self.told: list[tuple[int, bool]] = []

    def setup(self, context: CellContext) -> None:
        context.arguments = {}

    def teardown(self, context: CellContext, outcome: Outcome) -> None:
        self.told.append((context.attempt, self._tries.is_final(context, outcome)))


@pytest.mark.parametrize(
    ("before", "told"),
    [(0, [(1, False), (2, False), (3, True)]), (1, [(2, False), (3, True)]), (2, [(3, True)])],
)
def test_which_attempt_is_the_last_of_its_cause_holds_over_resumes(before: int, told: list[tuple[int, bool]]) -> None:
    backend = ScriptedBackend()
    backend.script["a"] = [CRASHED]
    policy = AttemptPolicy(max_attempts=9, retry_on={CRASHED: 2, LOST: None})
    tries = Tries(backend, Recorder(), {"a": policy}, measures=False)
    asks = Asks(tries)
    tries.evaluator = Evaluator([asks])
    earlier = tuple(Attempt("a", number, CRASHED, 1.0, 1.0) for number in range(1, before + 1))
    tries.make(Task("a", "python", int, "k", Attributes()), Earlier(earlier, before))
    assert asks.told == told
