"""What a call in a worker writes reaches whoever made the request, while it runs and to the last byte."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if sys.platform != "linux":
    pytest.skip("these cells use POSIX, and Python workers run on Linux", allow_module_level=True)

from hotplate.execute import AbortHandle, Outcome, OutcomeKind, Request
from hotplate.execute.process import ProcessBackend
from hotplate.execute.workers.policy import Policy
from hotplate.execute.workers.python.pool import PythonPool
from tests.integration.isolated_cells import pool_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import hotplate


@pytest.fixture(scope="module")
def backend(nb: hotplate.Notebook) -> Iterator[ProcessBackend]:
    python = PythonPool(Policy())
    yield ProcessBackend(pool_of(nb), python, Policy(), lambda *_: pytest.fail("nobody asked for a diagnosis"))
    python.close()


class Heard:
    """All that a call wrote, by stream."""

    def __init__(self) -> None:
        self.data = {1: b"", 2: b""}

    def __call__(self, stream: int, data: bytes) -> None:
        self.data[stream] += data


@pytest.fixture
def call(backend: ProcessBackend, nb: hotplate.Notebook) -> Callable[..., Outcome]:
    """Calls a native cell by name, or a Python function."""

    def call(
        what: str | Callable[..., Any], output: Heard, *, echo: bool = False, timeout: float | None = None, **given: Any
    ) -> Outcome:
        name, language = (what, "c") if isinstance(what, str) else (what.__name__, "python")
        loaded = nb.load(what) if isinstance(what, str) else what
        return backend.execute(
            Request(
                name, language, loaded, given, AbortHandle(), timeout=timeout, isolate=True, output=output, echo=echo
            )
        )

    return call


def talks_in_python(lines: int) -> int:
    for i in range(lines):
        print("out", i)
    print("err", file=sys.stderr)
    return lines


def dies_talking_in_python(size: int) -> None:
    os.write(1, b"x" * size)
    os.abort()


def prints_without_end() -> None:
    while True:
        with suppress(KeyboardInterrupt):
            os.write(1, b"again and again\n" * 100)


LINES = b"".join(b"out %d\n" % i for i in range(20_000))


@pytest.mark.parametrize("cell", ["talks", talks_in_python], ids=["native", "python"])
def test_all_of_both_streams_is_heard(call: Callable[..., Outcome], cell: Any) -> None:
    heard = Heard()
    assert call(cell, heard, lines=20_000).ok
    assert heard.data == {1: LINES, 2: b"err\n"}


@pytest.mark.parametrize("cell", ["talks", talks_in_python], ids=["native", "python"])
@pytest.mark.parametrize("echo", [False, True])
def test_it_is_echoed_only_if_asked_for(
    call: Callable[..., Outcome], capfd: pytest.CaptureFixture[str], cell: Any, echo: bool
) -> None:
    call(cell, Heard(), echo=echo, lines=1)
    assert capfd.readouterr() == (("out 0\n", "err\n") if echo else ("", ""))


@pytest.mark.parametrize("cell", ["talks", talks_in_python], ids=["native", "python"])
def test_the_next_call_is_heard_by_whom_it_names_alone(call: Callable[..., Outcome], cell: Any) -> None:
    first, second = Heard(), Heard()
    call(cell, first, lines=1)
    call(cell, second, lines=2)
    assert (first.data[1], second.data[1]) == (b"out 0\n", b"out 0\nout 1\n")


def test_what_is_called_directly_after_is_heard_by_nobody(call: Callable[..., Outcome], nb: hotplate.Notebook) -> None:
    heard = Heard()
    call("talks", heard, lines=1)
    nb.load("talks")(5)
    assert heard.data[1] == b"out 0\n"


def test_arguments_that_do_not_fit_leave_no_listener_behind(
    call: Callable[..., Outcome], nb: hotplate.Notebook
) -> None:
    heard = Heard()
    with pytest.raises(TypeError):
        call("talks", heard, nonsense=1)
    nb.load("talks")(5)
    assert heard.data == {1: b"", 2: b""}


@pytest.mark.parametrize(
    ("cell", "arguments", "said"),
    [("dies_talking", {}, b"told before the end"), (dies_talking_in_python, {"size": 65_536}, b"x" * 65_536)],
    ids=["native", "python"],
)
def test_the_last_words_of_a_crash_are_heard(
    call: Callable[..., Outcome], cell: Any, arguments: dict[str, int], said: bytes
) -> None:
    heard = Heard()
    outcome = call(cell, heard, **arguments)
    assert outcome.kind is OutcomeKind.CRASHED
    assert heard.data[1] == said


def test_all_that_a_killed_call_wrote_is_heard(call: Callable[..., Outcome]) -> None:
    heard = Heard()
    outcome = call(prints_without_end, heard, timeout=0.1)
    assert outcome.kind is OutcomeKind.TIMED_OUT
    kept = outcome.stdout
    assert len(heard.data[1]) == len(kept.head) + kept.dropped + len(kept.tail)
