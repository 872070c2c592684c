"""The backend that runs cells in this process: what it promises, and what comes of a call."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
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
from hotplate.execute.cooperation import NOBODY_ASKED, Answer
from tests.waiting import eventually

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
    outcome = backend.execute(request(lambda: time.sleep(0.05) or "late", timeout=0.01, grace=30))
    assert (outcome.kind, outcome.value, outcome.unkillable) == (OutcomeKind.TIMED_OUT, None, False)
    assert outcome.seconds >= 0.05


def test_a_call_within_its_timeout_is_left_alone(backend: InProcessBackend) -> None:
    outcome = backend.execute(request(lambda: 1, timeout=60))
    assert (outcome.kind, outcome.value) == (OutcomeKind.OK, 1)


def test_a_deadline_that_was_reached_is_a_timeout_however_the_clocks_round(
    backend: InProcessBackend, monkeypatch: pytest.MonkeyPatch, spin: hotplate.LoadedCell
) -> None:
    monkeypatch.setattr("hotplate.execute.inprocess.time.perf_counter", lambda: 0.0)
    assert backend.execute(request(spin, "c", timeout=0.01, polls=True)).kind is OutcomeKind.TIMED_OUT


# ---- calls that are left behind ----


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What calls wait for that would never end else."""
    gate = threading.Event()
    yield gate
    gate.set()
    assert eventually(lambda: not left_behind())


def left_behind() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if re.fullmatch(r"hotplate-\d+", thread.name)]


def test_a_call_that_does_not_end_is_left_behind_and_says_how_it_could_be(
    backend: InProcessBackend, gate: threading.Event
) -> None:
    outcome = backend.execute(request(gate.wait, timeout=0.01, grace=0.01))
    assert (outcome.kind, outcome.unkillable, outcome.value) == (OutcomeKind.TIMED_OUT, True, None)
    assert isinstance(outcome.error, CellTimedOut)
    assert "0.01 s are allowed" in str(outcome.error)
    assert "Mark it `isolate`" in str(outcome.error)
    assert outcome.seconds > 0.02
    assert len(left_behind()) == 1


def test_its_thread_is_replaced_and_ends_with_it(backend: InProcessBackend, gate: threading.Event) -> None:
    used: list[int] = []

    def remember(wait: bool) -> None:
        used.append(threading.get_ident())
        if wait:
            gate.wait()

    for wait in (False, False, True, False, False):
        backend.execute(request(remember, timeout=60 if not wait else 0.01, grace=0, arguments={"wait": wait}))
    first, second, stuck, *others = used
    assert first == second == stuck, "a thread that behaves is used again"
    assert others[0] == others[1] != stuck


def test_what_it_returns_at_last_is_nobodys(backend: InProcessBackend, gate: threading.Event) -> None:
    outcome = backend.execute(request(lambda: gate.wait() and "late", timeout=0.01, grace=0))
    gate.set()
    assert eventually(lambda: not left_behind())
    assert outcome.value is None
    assert backend.execute(request(lambda: "next", timeout=60)).value == "next"


def test_native_code_that_never_looks_is_left_behind_with_its_progress(backend: InProcessBackend) -> None:
    deaf = hotplate.inline("""
        #include <hotplate.h>
        int32_t deaf(hp_ctx *ctx, const int32_t go[1]) {
            hp_progress(ctx, 3, 10);
            while (!*(const volatile int32_t *)go) {}
            return 0;
        }
    """)
    go = np.zeros(1, np.int32)
    outcome = backend.execute(request(deaf, "c", timeout=0.05, grace=0, polls=True, arguments={"go": go}))
    assert (outcome.kind, outcome.unkillable) == (OutcomeKind.TIMED_OUT, True)
    assert "has not looked for the request to stop (hp_check)" in str(outcome.error)
    assert backend.progress() == {}
    go[0] = 1
    assert eventually(lambda: not left_behind())


def test_a_call_with_a_timeout_sees_what_its_caller_sees(backend: InProcessBackend) -> None:
    with np.errstate(divide="raise"):
        outcome = backend.execute(request(lambda: np.ones(1) / 0, timeout=60))
    assert "FloatingPointError" in str(outcome.error)


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit(3)])
def test_what_ends_the_program_passes_from_the_other_thread(backend: InProcessBackend, raised: BaseException) -> None:
    with pytest.raises(type(raised)):
        backend.execute(request(raising(raised), timeout=60))
    assert backend.execute(request(lambda: 1, timeout=60)).value == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_child_that_was_forked_has_threads_of_its_own(backend: InProcessBackend) -> None:
    backend.execute(request(lambda: 1, timeout=60))
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # of Python 3.12, about threads and forks: that is the point
        child = os.fork()
    if child == 0:
        os._exit(backend.execute(request(lambda: 42, timeout=60)).value)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42


# ---- how calls answer, and what they use ----


def test_nobody_asked_a_call_that_was_in_time(backend: InProcessBackend, spin: hotplate.LoadedCell) -> None:
    for timeout in (None, 60):
        assert backend.execute(request(lambda: 1, timeout=timeout)).cooperation == NOBODY_ASKED


def test_a_cell_that_polls_cooperates(backend: InProcessBackend, spin: hotplate.LoadedCell) -> None:
    answer = backend.execute(request(spin, "c", timeout=0.05, grace=30, polls=True)).cooperation
    assert answer.answer is Answer.COOPERATIVE
    assert answer.requested > 0.05
    assert answer.returned is not None
    assert answer.observed == answer.returned


def test_a_call_that_ends_without_a_look_was_not_seen_to_observe(backend: InProcessBackend) -> None:
    answer = backend.execute(request(lambda: time.sleep(0.05), timeout=0.01, grace=30)).cooperation
    assert (answer.answer, answer.observed) == (Answer.COOPERATIVE, None)


def test_a_call_that_is_left_behind_never_answered(backend: InProcessBackend, gate: threading.Event) -> None:
    answer = backend.execute(request(gate.wait, timeout=0.01, grace=0)).cooperation
    assert (answer.answer, answer.observed, answer.returned) == (Answer.UNCOOPERATIVE, None, None)
    assert answer.requested > 0.01


def test_an_answer_after_the_grace_period_is_late(spinning: tuple[AbortHandle, list[Outcome]]) -> None:
    handle, outcomes = spinning
    handle.abort("enough")
    assert eventually(lambda: outcomes)
    answer = outcomes[0].cooperation
    assert answer.answer is Answer.LATE, "the fixture gives no grace"
    assert answer.returned is not None
    assert answer.observed == answer.returned > 0


@pytest.mark.parametrize("timeout", [None, 60.0])
def test_a_request_can_ask_what_the_call_used(backend: InProcessBackend, timeout: float | None) -> None:
    def work() -> None:
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass

    usage = backend.execute(request(work, timeout=timeout, measure=True)).usage
    if sys.platform != "linux":
        assert usage is None
        return
    assert usage is not None
    assert usage.user_seconds + usage.system_seconds >= 0.015
    assert backend.execute(request(work, timeout=timeout)).usage is None


@pytest.fixture(params=[None, 3600.0], ids=["unlimited", "limited"])
def limit(request: pytest.FixtureRequest) -> float | None:
    """A time-out that is never reached, and none: the call is made on another thread, or on the one that asks."""
    limit: float | None = request.param
    return limit


@pytest.fixture
def spinning(
    backend: InProcessBackend, spin: hotplate.LoadedCell, limit: float | None
) -> Iterator[tuple[AbortHandle, list[Outcome]]]:
    """A call in progress on a thread of its own."""
    handle, outcomes = AbortHandle(), list[Outcome]()
    call = request(spin, "c", abort=handle, polls=True, grace=0, timeout=limit)
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
    assert (outcomes[0].kind, outcomes[0].reason) == (OutcomeKind.CANCELLED, "enough")


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
