"""The backend that runs cells in this process: what it promises, and what comes of a call."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import hotplate
from hotplate.errors import CellFailed, CellRejected, CellTimedOut, InputError
from hotplate.execute import (
    AbortHandle,
    InProcessBackend,
    Isolation,
    Outcome,
    OutcomeKind,
    Request,
    TimeoutKind,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPIN = """
#include <hotplate.h>
int spin(hp_ctx *ctx) { for (int64_t i = 0; !hp_check(ctx); i++) hp_progress(ctx, 3, 10); return 0; }
"""


@pytest.fixture(scope="module")
def spin() -> hotplate.LoadedCell:
    """A cell that runs until it is asked to stop."""
    return hotplate.inline(SPIN)


@pytest.fixture
def backend() -> InProcessBackend:
    return InProcessBackend()


def request(call: Callable[..., Any], language: str = "python", **settings: Any) -> Request:
    defaults: dict[str, Any] = {"cell": "f", "arguments": {}, "abort": AbortHandle()}
    return Request(**{**defaults, **settings}, language=language, call=call)


def test_it_claims_no_protection_and_no_more_than_cooperative_timeouts(backend: InProcessBackend) -> None:
    able = backend.capabilities
    assert (able.isolation, able.timeout) == (Isolation.IN_PROCESS, TimeoutKind.COOPERATIVE)
    others = ("network", "filesystem", "environment", "memory", "persistent_workspace", "structured_output")
    assert not any(getattr(able, name) for name in others)


def test_it_has_no_lifecycle(backend: InProcessBackend) -> None:
    backend.restart()
    assert backend.is_running


@pytest.mark.parametrize(("language", "supported"), [("c", True), ("c++", True), ("python", True), ("fortran", False)])
def test_it_runs_three_languages(backend: InProcessBackend, language: str, supported: bool) -> None:
    assert backend.supports_language(language) is supported
    outcome = backend.execute(request(lambda: 1, language))
    assert (outcome.kind is OutcomeKind.REJECTED) is not supported


def test_a_value_comes_back_with_times(backend: InProcessBackend) -> None:
    before = time.time()
    outcome = backend.execute(request(lambda x: x + 1, arguments={"x": 1}))
    assert (outcome.kind, outcome.value, outcome.error, outcome.attempts) == (OutcomeKind.OK, 2, None, 1)
    assert before <= outcome.started <= time.time()
    assert outcome.seconds > 0


def test_isolation_is_refused_before_anything_runs(backend: InProcessBackend) -> None:
    called: list[int] = []
    outcome = backend.execute(request(lambda: called.append(1), isolate=True))
    assert outcome.kind is OutcomeKind.REJECTED
    assert isinstance(outcome.error, CellRejected)
    assert "isolate" in outcome.reason
    assert called == []


def test_after_an_abort_nothing_is_called(backend: InProcessBackend) -> None:
    called: list[int] = []
    handle = AbortHandle()
    handle.abort("enough")
    outcome = backend.execute(request(lambda: called.append(1), abort=handle))
    assert (outcome.kind, outcome.reason, called) == (OutcomeKind.CANCELLED, "enough", [])


@pytest.mark.parametrize(
    ("raised", "message"),
    [(KeyError("x"), "f: KeyError: 'x'"), (MemoryError("3 PiB"), "f: 3 PiB"), (MemoryError(), "f: out of memory")],
)
def test_an_exception_is_the_cells_failure_with_its_cause(
    backend: InProcessBackend, raised: Exception, message: str
) -> None:
    outcome = backend.execute(request(raising(raised)))
    assert outcome.kind is OutcomeKind.FAILED
    assert isinstance(outcome.error, CellFailed)
    assert str(outcome.error) == message
    assert outcome.error.__cause__ is raised


def test_an_error_of_hotplate_passes_as_it_is(backend: InProcessBackend) -> None:
    error = InputError("x wants float64")
    assert backend.execute(request(raising(error))).error is error


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit(3)])
def test_what_ends_the_program_is_no_outcome(backend: InProcessBackend, raised: BaseException) -> None:
    with pytest.raises(type(raised)):
        backend.execute(request(raising(raised)))


def raising(error: BaseException) -> Callable[[], None]:
    def call() -> None:
        raise error

    return call


def test_a_cell_that_polls_ends_at_its_timeout(backend: InProcessBackend, spin: hotplate.LoadedCell) -> None:
    handle = AbortHandle()
    outcome = backend.execute(request(spin, "c", timeout=0.05, polls=True, abort=handle))
    assert outcome.kind is OutcomeKind.TIMED_OUT
    assert isinstance(outcome.error, CellTimedOut)
    assert "0.05 s are allowed" in str(outcome.error)
    assert not handle.aborted, "a timeout ends the call, not the run"


def test_a_call_that_does_not_look_is_timed_out_when_it_returns(backend: InProcessBackend) -> None:
    outcome = backend.execute(request(lambda: time.sleep(0.05) or "late", timeout=0.01))
    assert (outcome.kind, outcome.value) == (OutcomeKind.TIMED_OUT, None)
    assert outcome.seconds >= 0.05


def test_a_call_within_its_timeout_is_left_alone(backend: InProcessBackend) -> None:
    outcome = backend.execute(request(lambda: 1, timeout=60))
    assert (outcome.kind, outcome.value) == (OutcomeKind.OK, 1)


def test_a_deadline_that_was_reached_is_a_timeout_however_the_clocks_round(
    backend: InProcessBackend, monkeypatch: pytest.MonkeyPatch, spin: hotplate.LoadedCell
) -> None:
    monkeypatch.setattr("hotplate.execute.inprocess.time.perf_counter", lambda: 0.0)
    assert backend.execute(request(spin, "c", timeout=0.01, polls=True)).kind is OutcomeKind.TIMED_OUT


@pytest.fixture
def spinning(backend: InProcessBackend, spin: hotplate.LoadedCell) -> Iterator[tuple[AbortHandle, list[Outcome]]]:
    """A call in progress on a thread of its own."""
    handle, outcomes = AbortHandle(), list[Outcome]()
    call = request(spin, "c", abort=handle, polls=True)
    thread = threading.Thread(target=lambda: outcomes.append(backend.execute(call)))
    thread.start()
    yield handle, outcomes
    handle.abort()
    thread.join()


def test_an_abort_reaches_native_code(spinning: tuple[AbortHandle, list[Outcome]]) -> None:
    handle, outcomes = spinning
    handle.abort("enough")
    while not outcomes:
        time.sleep(0.001)
    assert outcomes[0].kind is OutcomeKind.CANCELLED


def test_progress_is_seen_while_the_call_runs_and_gone_after(
    backend: InProcessBackend, spinning: tuple[AbortHandle, list[Outcome]]
) -> None:
    handle, outcomes = spinning
    while not (seen := backend.progress()):
        time.sleep(0.001)
    assert seen == {"f": (3, 10)}
    handle.abort()
    while not outcomes:
        time.sleep(0.001)
    assert backend.progress() == {}


def test_it_does_not_block_an_event_loop(backend: InProcessBackend, spin: hotplate.LoadedCell) -> None:
    handle = AbortHandle()

    async def both() -> Outcome:
        call = asyncio.ensure_future(backend.execute_async(request(spin, "c", abort=handle, polls=True)))
        while not backend.progress():
            await asyncio.sleep(0.001)
        handle.abort()
        return await call

    assert asyncio.run(both()).kind is OutcomeKind.CANCELLED
