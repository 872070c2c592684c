"""What the end of a call means, wherever it ran."""

from __future__ import annotations

from hotplate.errors import CellFailed, CellTimedOut, HotplateError, RunCancelled
from hotplate.execute.backend import OutcomeKind

_OK = OutcomeKind.OK  # once: see Outcome.ok


def failure_of(cell: str, error: Exception) -> CellFailed:
    """What a Python function raised, or NumPy about a result that can't be allocated."""
    said = str(error) or "out of memory" if isinstance(error, MemoryError) else f"{type(error).__name__}: {error}"
    failed = CellFailed(cell, said)
    failed.__cause__ = error
    return failed


def overtime(seconds: float, allowed: float | None) -> str:
    """What is said of a call that was not over when its time was."""
    return f"ran {seconds:.3g} s, {allowed:g} s are allowed (timeout)"


def left_behind(cell: str, seconds: float, allowed: float, *, polls: bool, observed: bool) -> CellTimedOut:
    """What is said of a call that goes on in this process although its time is over."""
    why = "it never looks for the request to stop (hp_check)"
    if polls:
        why = "it has seen the request to stop" if observed else "it has not looked for the request to stop (hp_check)"
    return CellTimedOut(
        cell,
        f"{overtime(seconds, allowed)}; {why}, and nothing can end it in this process, where it goes on until it "
        f"returns. Mark it `isolate`: then it is killed",
    )


def verdict_on(
    cell: str, timeout: float | None, error: HotplateError | None, seconds: float, *, late: bool
) -> tuple[OutcomeKind, HotplateError | None]:
    """What came of a call that raised `error` or nothing. `late`: it was asked to stop because of its time-out."""
    if timeout is not None and (late or seconds > timeout):
        return OutcomeKind.TIMED_OUT, CellTimedOut(cell, overtime(seconds, timeout))
    if error is None:
        return _OK, None
    return (OutcomeKind.CANCELLED if isinstance(error, RunCancelled) else OutcomeKind.FAILED), error
