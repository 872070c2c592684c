"""Calls a cell that crashed once more, with the same inputs, under AddressSanitizer and UBSan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate.errors import CellCrashed, HotplateError
from hotplate.execute.backend import OutcomeKind
from hotplate.execute.workers.cell import IsolatedCell
from hotplate.execute.workers.crash.report import Diagnosis
from hotplate.execute.workers.native import native_pool
from hotplate.execute.workers.sanitizers.findings import explain_findings
from hotplate.execute.workers.sanitizers.report import parse_report
from hotplate.toolchain.model import BuildFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.execute.abort import AbortHandle
    from hotplate.execute.backend import Outcome
    from hotplate.execute.workers.policy import Policy
    from hotplate.toolchain.toolchain import Toolchain

_NAMES = "AddressSanitizer and UBSan"
_LEAST = 10.0  # seconds: start-up, and a first touch of all memory
_SLOWER = 50  # times: 2 to 4 by the checks, the rest by -O1 instead of -O3


def diagnose(
    cell: IsolatedCell,
    arguments: Mapping[str, Any],
    *,
    toolchain: Toolchain,
    policy: Policy,
    abort: AbortHandle,
    seconds: float,
) -> Diagnosis:
    """Rebuilds the cell with sanitizers and calls it in a worker that has them too.

    It starts from the memory (hp_state) that the cell had before the call, and leaves it as it is. What it prints is
    not shown again; what else it does to the world, it does again. `seconds` is how long the first call took. Raises
    KeyboardInterrupt alone: what prevents a diagnosis is said in it.
    """
    try:
        return _replayed(cell, arguments, toolchain, policy, abort, max(_LEAST, _SLOWER * seconds))
    except (HotplateError, OSError) as error:
        return Diagnosis(f"it could not be called again under {_NAMES}: {error}")


def _replayed(
    cell: IsolatedCell,
    arguments: Mapping[str, Any],
    toolchain: Toolchain,
    policy: Policy,
    abort: AbortHandle,
    limit: float,
) -> Diagnosis:
    assert cell.unit is not None
    sanitizing = toolchain.sanitizing(cell.unit(toolchain).language)
    built = sanitizing.builder.build(cell.unit(sanitizing))
    if isinstance(built, BuildFailure):
        return Diagnosis(f"with {_NAMES} it does not compile:", built.diagnostics)
    state = cell.state.snapshot()
    if state is None:
        return Diagnosis(f"it was not called again under {_NAMES}: another call is using its hp_state")
    # A call that goes on after what UBSan finds comes to the end that the first one came to.
    pool = native_pool(sanitizing, policy, 1, sink=_nowhere, halt=False)
    try:
        again = IsolatedCell(built.library, built.unit_key, state, pool, cell.notebook)
        outcome = again.attempt((), arguments, abort=abort, timeout=limit)
    finally:
        pool.close()
    return _diagnosis(again, outcome, arguments)


def _diagnosis(cell: IsolatedCell, outcome: Outcome, arguments: Mapping[str, Any]) -> Diagnosis:
    findings = parse_report(outcome.stderr.text)
    if findings:
        told, _ = explain_findings(findings, cell.subject((), arguments))
        return Diagnosis(f"called again on the same inputs, {_NAMES} found:", told)
    if isinstance(outcome.error, CellCrashed):
        return Diagnosis(f"called again on the same inputs, it {outcome.error.report.headline}; {_NAMES} found nothing")
    if outcome.kind is OutcomeKind.TIMED_OUT:
        return Diagnosis(f"called again on the same inputs, it ran {outcome.seconds:.3g} s under {_NAMES} without end")
    if outcome.kind is OutcomeKind.CANCELLED:
        return Diagnosis(f"the call under {_NAMES} was stopped")
    return Diagnosis(f"called again on the same inputs, it did not happen again under {_NAMES}")


def _nowhere(_: int, __: bytes) -> None:
    """What was printed once is not printed twice."""
