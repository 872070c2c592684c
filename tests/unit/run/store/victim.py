"""A process that records runs and is killed at a moment that the test names: `python victim.py FOLDER`.

It reads lines `POINT OCCURRENCE` and forks a process for each, which kills itself when it reaches that point for that
time (point 0: any). What that process says goes to stdout, then how many points it reached, or that it was killed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.execute import OutcomeKind
from hotplate.run.store import RunDescription, RunState, RunStore
from hotplate.run.store.points import Point, listen
from tests.unit.run.store.samples import KEY, attempt, compute, event, trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.events import Event
    from hotplate.run.store import Recording

VALUES: dict[str, Any] = {
    "scalar": 1.5, "array": np.arange(1000.0), "flaky": np.arange(2000.0), "text": "é" * 5000, "last": (1, [2.5]),
}  # fmt: skip
FIRST, SECOND = "1" * 12, "2" * 12
LIMIT = "30k"  # less than both runs' values take


def run_all(folder: Path, tell: Callable[[str], None]) -> None:
    """Resumes what can be, then does the second run, unless it was there; its end removes values of the first."""
    with RunStore.open(folder, {"HOTPLATE_RUNS_SIZE": LIMIT}) as store:
        runs = {run.id: run.state for run in reversed(store.runs())}
        for run in [run for run, state in runs.items() if state is not RunState.DONE]:
            resume(store, run, tell)
        if SECOND not in runs:
            carry_on(begin(store, SECOND), tell, set(), {}, shift=1)


def resume(store: RunStore, run: str, tell: Callable[[str], None]) -> None:
    record, recording = store.claim(run)
    done = {cell for cell, result in record.results.items() if result.status == "ok"}
    counts = {cell: attempts[-1].number for cell, attempts in record.attempts.items()}
    carry_on(recording, tell, done, counts, shift=int(run == SECOND))


def begin(store: RunStore, run: str) -> Recording:
    return store.begin(RunDescription(run, "x.c", "text", given={"g": np.arange(600.0)}), list(VALUES))


def carry_on(
    recording: Recording, tell: Callable[[str], None], done: set[str], counts: dict[str, int], shift: int = 0
) -> None:
    """Does what is left of a run: each cell is tried until it ends well, `flaky` fails at first."""

    def told(happened: Event) -> None:
        tell(f"told {recording.id} {happened.cell}")

    recording.announce(told)
    for sequence, cell in enumerate(VALUES, 1):
        if cell in done:
            tell(f"kept {recording.id} {cell}")
            continue
        number = counts.get(cell, 0) + 1
        if cell == "flaky" and number == 1:
            tell(f"begins {recording.id} {cell} 1")
            recording.begun(cell, 1)
            tell(f"begun {recording.id} {cell} 1")
            recording.attempt(attempt(cell, 1, OutcomeKind.CRASHED))
            number = 2
        tell(f"begins {recording.id} {cell} {number}")
        value = value_of(cell, shift)
        compute(recording, cell, value, number, trace=trace((cell, f"{shift}" * 32), key=KEY))
        tell(f"begun {recording.id} {cell} {number}")
        recording.event(event(sequence, cell=cell))
        if sequence % 2:
            recording.flush()
    recording.end(RunState.DONE)
    tell(f"ended {recording.id}")


def value_of(cell: str, shift: int) -> Any:
    value = VALUES[cell]
    return value + shift if isinstance(value, np.ndarray) else value


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())  # at once: a kill must not come between a line and its end


def _kill() -> None:
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def _run(folder: Path, point: int, occurrence: int) -> None:
    left = occurrence
    reached = 0

    def count(now: Point) -> None:
        nonlocal left, reached
        reached += 1
        if point in (0, now):
            left -= 1
            if left == 0:
                _kill()

    listen(count)
    run_all(folder, _say)
    listen(None)
    _say(f"reached {reached}")


def _serve() -> None:
    for line in sys.stdin:
        folder, point, occurrence = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            _run(Path(folder), int(point), int(occurrence))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        _say(f"over {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    _serve()
