"""A clean environment on request: where it can't be had nothing runs, and where it was is told."""

from __future__ import annotations

from typing import Any

import pytest

from hotplate.execute import AbortHandle, InProcessBackend, OutcomeKind, Request
from hotplate.execute.process import ProcessBackend
from hotplate.execute.workers.enforced import EffectivePolicy, State
from hotplate.execute.workers.policy import Level, Policy


def request(*, isolate: bool) -> Request:
    def call() -> None:
        pytest.fail("nothing may run")

    return Request("u1", "c", call, {}, AbortHandle(), isolate=isolate, clean_env=True)


def test_a_policy_that_passes_on_all_variables_refuses_the_cell() -> None:
    no_workers: Any = None
    backend = ProcessBackend(no_workers, None, Policy(environment=Level.ALLOW), no_workers)
    outcome = backend.execute(request(isolate=True))
    assert outcome.kind is OutcomeKind.REJECTED
    assert "u1: it asks for a clean environment, and the policy passes on all variables; take clean_env off" in str(
        outcome.error
    )


def test_this_process_refuses_the_cell() -> None:
    outcome = InProcessBackend().execute(request(isolate=False))
    assert outcome.kind is OutcomeKind.REJECTED
    assert "it takes isolate as well" in str(outcome.error)


@pytest.mark.parametrize(
    ("level", "state"), [(Level.REQUIRE, State.ENFORCED), (Level.PREFER, State.ENFORCED), (Level.ALLOW, State.OPEN)]
)
def test_the_environment_is_part_of_what_was_in_force(level: Level, state: State) -> None:
    effective = EffectivePolicy((), 0, 0).with_environment(level)
    assert effective["environment"].state is state
    assert ("environment: enforced by the way it is started" in effective.describe()) is (state is State.ENFORCED)
