"""How cells in workers answer requests to stop, how long they have for it, and what they are told to have used."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from hotplate import Policy
from hotplate.execute import AbortHandle, Outcome, OutcomeKind, Request
from hotplate.execute.cooperation import NOBODY_ASKED, Answer
from hotplate.execute.process import ProcessBackend
from tests.integration.isolated_cells import pool_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import hotplate

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Python cells are isolated on Linux alone")

SHORT = 0.3
"""Seconds: enough to begin with a call, even on a processor that is taken away for a while."""
CELLS = """
#include <hotplate.h>
#include <stdlib.h>
#include <time.h>
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + 1e-9 * t.tv_nsec; }
static double used(void) { return (double)clock() / CLOCKS_PER_SEC; }
// %% Cells isolate
// Works for a while after it has seen the request.
int tidy(hp_ctx *ctx, double seconds) {
    while (!hp_check(ctx)) {}
    for (double end = now() + seconds; now() < end;) {}
    return 1;
}
int deaf(double seconds) { for (double end = now() + seconds; now() < end;) {} return 1; }
int works(double seconds) { for (double end = used() + seconds; used() < end;) {} return 1; }
int dies(double seconds) { works(seconds); abort(); }
"""


def python_cells() -> dict[str, Callable[[float], int]]:
    """The same in Python. They are no functions of the module: a worker would import that with all that it imports."""

    def tidy(seconds: float) -> int:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            time.sleep(seconds)
            raise
        return 1

    def deaf(seconds: float) -> int:
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                while time.monotonic() < end:
                    pass
                return 1

    def works(seconds: float) -> int:
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        return 1

    def dies(seconds: float) -> int:
        works(seconds)
        os.abort()

    return {"tidy": tidy, "deaf": deaf, "works": works, "dies": dies}


@pytest.fixture(scope="module")
def notebook(compiled: Callable[..., hotplate.Notebook]) -> Iterator[hotplate.Notebook]:
    notebook = compiled(CELLS)
    yield notebook
    pool_of(notebook, "works").close()


@pytest.fixture(scope="module")
def backend(notebook: hotplate.Notebook) -> Iterator[ProcessBackend]:
    from hotplate.execute.workers.python.pool import PythonPool

    def never(*_: object) -> Any:
        raise AssertionError

    backend = ProcessBackend(pool_of(notebook, "works"), PythonPool(Policy()), Policy(), never)
    yield backend
    backend.stop()


@pytest.fixture(params=["c", "python"])
def execute(
    request: pytest.FixtureRequest, notebook: hotplate.Notebook, backend: ProcessBackend
) -> Callable[..., Outcome]:
    """Makes a call of one of the cells above, which are there in C and in Python."""

    def execute(cell: str, seconds: float = 0.0, **settings: Any) -> Outcome:
        call: Any = notebook.load(cell) if request.param == "c" else python_cells()[cell]
        settings = {"abort": AbortHandle(), **settings}
        return backend.execute(
            Request(cell, request.param, call, {"seconds": seconds}, isolate=True, polls=True, **settings)
        )

    return execute


def test_nobody_asks_a_call_that_is_in_time(execute: Callable[..., Outcome]) -> None:
    outcome = execute("works", timeout=60)
    assert (outcome.kind, outcome.cooperation, outcome.usage) == (OutcomeKind.OK, NOBODY_ASKED, None)


def test_a_cell_that_answers_within_its_grace_cooperates(execute: Callable[..., Outcome]) -> None:
    outcome = execute("tidy", 0.3, timeout=SHORT, grace=60)
    answer = outcome.cooperation
    assert (outcome.kind, answer.answer) == (OutcomeKind.TIMED_OUT, Answer.COOPERATIVE)
    assert answer.requested >= SHORT
    assert answer.returned is not None
    assert answer.observed == answer.returned >= 0.3
    assert outcome.seconds >= answer.requested + 0.3


@pytest.mark.parametrize("cell", ["tidy", "deaf"])
def test_one_that_has_not_returned_when_it_is_over_is_killed(execute: Callable[..., Outcome], cell: str) -> None:
    outcome = execute(cell, 60.0, timeout=SHORT, grace=0.05)
    answer = outcome.cooperation
    assert (outcome.kind, answer.answer, answer.returned) == (OutcomeKind.TIMED_OUT, Answer.UNCOOPERATIVE, None)
    assert answer.requested >= SHORT
    assert not outcome.unkillable


def test_a_request_by_hand_counts_as_one(execute: Callable[..., Outcome]) -> None:
    execute("works")  # so that there is a worker
    abort = AbortHandle()
    threading.Timer(SHORT, abort.abort, ["enough"]).start()
    outcome = execute("tidy", abort=abort, grace=60)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.CANCELLED, "enough")
    assert outcome.cooperation.answer is Answer.COOPERATIVE
    assert outcome.cooperation.requested > 0


def test_a_request_can_ask_what_a_call_used(execute: Callable[..., Outcome]) -> None:
    execute("works", 0.1)
    usage = execute("works", 0.02, measure=True).usage
    assert usage is not None
    assert 0.015 <= usage.user_seconds + usage.system_seconds < 0.1, "what the call before used is not its"


@pytest.mark.parametrize("execute", ["python"], indirect=True)
def test_a_call_of_a_python_cell_is_measured_from_the_moment_at_which_it_was_sent(
    execute: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotplate.execute.workers.python.wire import Link

    prepare, send = Link._untold, Link._send

    def prepare_for_long(*arguments: Any) -> Any:
        time.sleep(1)
        return prepare(*arguments)

    def send_and_be_held_up(*arguments: Any) -> None:
        send(*arguments)
        time.sleep(0.3)

    execute("works", 0.01)
    monkeypatch.setattr(Link, "_send", send_and_be_held_up)
    outcome = execute("works", 0.05, measure=True)
    assert outcome.usage is not None
    assert outcome.usage.user_seconds + outcome.usage.system_seconds >= 0.04
    assert outcome.seconds >= 0.3
    monkeypatch.setattr(Link, "_send", send)
    monkeypatch.setattr(Link, "_untold", prepare_for_long)
    assert execute("works", 0.01, timeout=0.99).kind is OutcomeKind.OK, "what comes before is not the cell's time"


def test_a_worker_that_dies_of_a_call_tells_what_that_used_and_its_peak(execute: Callable[..., Outcome]) -> None:
    outcome = execute("dies", 0.05, measure=True)
    assert outcome.kind is OutcomeKind.CRASHED
    assert outcome.usage is not None
    assert outcome.usage.user_seconds + outcome.usage.system_seconds >= 0.03
    assert outcome.usage.peak_kib > 500
