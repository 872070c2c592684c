"""When a crash is looked into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hotplate.execute import Backend, Outcome, OutcomeKind, Request
from hotplate.run.lifecycles.diagnose import Diagnose

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.run.lifecycles import CellContext

FOUND = Outcome(OutcomeKind.CRASHED, reason="line 7")


class Doctor(Backend):
    def __init__(self) -> None:
        self.asked: list[tuple[Request, Outcome]] = []

    def supports_language(self, language: str) -> bool:
        return True

    def execute(self, request: Request) -> Outcome:
        pytest.fail("it only diagnoses")

    def diagnose(self, request: Request, outcome: Outcome) -> Outcome:
        self.asked.append((request, outcome))
        return FOUND


def ended(context: CellContext, kind: OutcomeKind, **options: Any) -> tuple[Outcome | None, Doctor]:
    doctor = Doctor()
    context.request = Request("u1", "c", print, {}, context.abort)
    return Diagnose(doctor, **options).teardown(context, Outcome(kind)), doctor


def test_the_last_crash_is_diagnosed(attempt: Callable[..., CellContext]) -> None:
    context = attempt()
    outcome, doctor = ended(context, OutcomeKind.CRASHED)
    assert outcome is FOUND
    assert doctor.asked == [(context.request, Outcome(OutcomeKind.CRASHED))]


def test_a_crash_that_is_tried_again_is_not(attempt: Callable[..., CellContext]) -> None:
    outcome, doctor = ended(attempt(last=False), OutcomeKind.CRASHED)
    assert (outcome, doctor.asked) == (None, [])


def test_whoever_knows_better_says_which_crash_is_the_last(attempt: Callable[..., CellContext]) -> None:
    outcome, _ = ended(attempt(last=False), OutcomeKind.CRASHED, is_final=lambda *_: True)
    assert outcome is FOUND


@pytest.mark.parametrize("kind", [kind for kind in OutcomeKind if kind is not OutcomeKind.CRASHED])
def test_nothing_else_is(attempt: Callable[..., CellContext], kind: OutcomeKind) -> None:
    outcome, doctor = ended(attempt(), kind)
    assert (outcome, doctor.asked) == (None, [])


def test_a_crash_before_the_call_is_not(attempt: Callable[..., CellContext]) -> None:
    doctor = Doctor()
    assert Diagnose(doctor).teardown(attempt(), Outcome(OutcomeKind.CRASHED)) is None
    assert doctor.asked == []
