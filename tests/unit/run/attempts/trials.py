"""A cell whose attempts end as a test wants, and a clock that it can turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hotplate.errors import CellFailed
from hotplate.execute import AbortHandle, Outcome, OutcomeKind
from hotplate.run.attempts import Attempt, AttemptPolicy, AttemptRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass
class FakeClock:
    """Time passes only in waits."""

    time: float = 1000.0
    waits: list[float] = field(default_factory=list)
    during: Callable[[], None] = lambda: None
    """What happens in a wait, before its time is over."""

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float, abort: AbortHandle) -> bool:
        self.waits.append(seconds)
        self.during()
        if abort.aborted:
            return False
        self.time += seconds
        return True


@dataclass
class Trial:
    """A cell whose attempts end as listed, and what is told of them."""

    endings: Iterable[OutcomeKind]
    clock: FakeClock = field(default_factory=FakeClock)
    abort: AbortHandle = field(default_factory=AbortHandle)
    calls: list[tuple[int, bool]] = field(default_factory=list)
    ended: list[Attempt] = field(default_factory=list)
    retrying: list[Attempt] = field(default_factory=list)

    def run(
        self, policy: AttemptPolicy, earlier: tuple[Attempt, ...] = (), random: float = 0.5, made: int = 0
    ) -> Outcome:
        endings = iter(self.endings)

        def attempt(number: int, last: bool) -> Outcome:
            self.calls.append((number, last))
            return outcome(next(endings))

        runner = AttemptRunner(self.clock, lambda: random)
        return runner.run(
            "f",
            policy,
            attempt,
            self.abort,
            earlier=earlier,
            made=made,
            ended=lambda *facts: self.ended.append(Attempt.of(*facts)),
            retrying=self.retrying.append,
        )


def outcome(kind: OutcomeKind, *, unkillable: bool = False) -> Outcome:
    error = None if kind is OutcomeKind.OK else CellFailed("f", f"it {kind}")
    value = "value" if kind is OutcomeKind.OK else None
    return Outcome(kind, value, error, started=1.0, seconds=2.0, attempts=1, unkillable=unkillable)


def record(number: int, kind: OutcomeKind, not_before: float = 0.0) -> Attempt:
    return Attempt("f", number, kind, 1.0, 2.0, f"f: it {kind}", not_before=not_before)
