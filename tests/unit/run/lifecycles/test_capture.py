"""What a cell writes in a worker, as events and in files."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from hotplate.events import Emitter, Event, Kind
from hotplate.execute import Outcome, OutcomeKind
from hotplate.run.lifecycles.capture import BACKLOG, Capture
from hotplate.run.lifecycles.texts import PIECE
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hotplate.run.lifecycles import CellContext

    Begin = Callable[..., CellContext]

OK = Outcome(OutcomeKind.OK)


def write(context: CellContext, stream: int, data: bytes) -> None:
    assert context.output is not None
    context.output(stream, data)


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.data["stream"], event.data["text"]) for event in events]


def text_of(events: list[Event], stream: str) -> str:
    return "".join(event.data["text"] for event in events if event.data["stream"] == stream)


# ---- events ----


def test_what_is_written_is_told_while_the_cell_runs(attempt: Begin, events: list[Event]) -> None:
    context = attempt(2)
    Capture().setup(context)
    write(context, 1, b"hello\n")
    assert eventually(lambda: told(events)) == [("stdout", "hello\n")]
    assert (events[0].kind, events[0].cell, events[0].attempt) == (Kind.CELL_OUTPUT, "u1", 2)


def test_the_rest_is_told_when_the_call_is_over(attempt: Begin, events: list[Event]) -> None:
    context, capture = attempt(), Capture()
    capture.setup(context)
    for i in range(1000):
        write(context, 1, b"%d\n" % i)
    write(context, 2, b"an error, and half of \xe2\x82")
    capture.teardown(context, OK)
    assert text_of(events, "stdout") == "".join(f"{i}\n" for i in range(1000))
    assert text_of(events, "stderr") == "an error, and half of \ufffd"


def test_the_streams_stay_in_their_order(attempt: Begin, events: list[Event]) -> None:
    context, capture = attempt(), Capture()
    capture.setup(context)
    for stream, data in [(1, b"a"), (2, b"b"), (1, b"c"), (1, b"d")]:
        write(context, stream, data)
    capture.teardown(context, OK)
    assert "".join(text for _, text in told(events)) == "abcd"


def test_no_event_has_more_than_a_piece(attempt: Begin, events: list[Event]) -> None:
    context, capture = attempt(), Capture()
    capture.setup(context)
    write(context, 1, "é".encode() * PIECE)
    capture.teardown(context, OK)
    assert text_of(events, "stdout") == "é" * PIECE
    assert max(len(event.data["text"].encode()) for event in events) <= PIECE


def test_a_slow_subscriber_costs_events_which_are_counted_and_holds_nobody_up(attempt: Begin) -> None:
    gate, events = threading.Event(), []

    def slow(event: Event) -> None:
        events.append(event)
        gate.wait()

    context, capture = attempt(), Capture()
    context.emitter = Emitter("r1", (slow,))
    capture.setup(context)
    write(context, 1, b"first")
    assert eventually(lambda: events)
    for _ in range(40):
        write(context, 1, "€".encode() * (PIECE // 2))  # with 40 x 96 KiB, more than may wait
    gate.set()
    capture.teardown(context, OK)
    later = sum(len(event.data["text"].encode()) for event in events[1:])
    assert 0 < later <= BACKLOG
    assert later + sum(event.data["dropped"] for event in events) == 40 * 3 * (PIECE // 2)


def test_a_gap_cuts_between_characters(attempt: Begin, events: list[Event]) -> None:
    gate, seen = threading.Event(), []

    def slow(event: Event) -> None:
        seen.append(event)
        gate.wait()

    context, capture = attempt(), Capture()
    context.emitter = Emitter("r1", (slow,))
    capture.setup(context)
    write(context, 1, b"first")
    assert eventually(lambda: seen)
    write(context, 1, b"x" * (BACKLOG - 1) + b"\xe2")
    write(context, 1, b"\x82")  # there is no room for it
    gate.set()
    assert eventually(lambda: sum(len(event.data["text"]) for event in seen) == BACKLOG + 4)
    write(context, 1, b"\xacend")
    capture.teardown(context, OK)
    assert (seen[-1].data["text"], seen[-1].data["dropped"]) == ("end", 3)


def test_what_runs_here_is_not_listened_to(attempt: Begin) -> None:
    context = attempt(isolated=False)
    Capture().setup(context)
    Capture().teardown(context, OK)
    assert (context.output, context.echo) == (None, True)


@pytest.mark.parametrize("echo", [True, False])
def test_output_is_passed_on_as_asked(attempt: Begin, echo: bool) -> None:
    context = attempt()
    Capture(echo=echo).setup(context)
    assert context.echo is echo


def test_whoever_hears_besides_hears_the_same(attempt: Begin, events: list[Event]) -> None:
    before: list[bytes] = []
    after: list[bytes] = []
    context, capture = attempt(), Capture()
    context.hear(lambda _, data: before.append(data))
    capture.setup(context)
    context.hear(lambda _, data: after.append(data))
    write(context, 1, b"text")
    capture.teardown(context, OK)
    assert (before, text_of(events, "stdout"), after) == ([b"text"], "text", [b"text"])


# ---- files ----


def test_logs_hold_everything_byte_for_byte(attempt: Begin, tmp_path: Path) -> None:
    context, capture = attempt(3), Capture(tmp_path / "logs")
    capture.setup(context)
    data = bytes(range(256)) * 20_000
    for at in range(0, len(data), PIECE):
        write(context, 1, data[at : at + PIECE])
    write(context, 2, b"no\n")
    capture.teardown(context, OK)
    assert (tmp_path / "logs/u1.3.out").read_bytes() == data
    assert (tmp_path / "logs/u1.3.err").read_bytes() == b"no\n"


def test_a_log_is_there_while_the_cell_runs(attempt: Begin, tmp_path: Path) -> None:
    context, capture = attempt(), Capture(tmp_path)
    capture.setup(context)
    write(context, 1, b"so far")
    assert (tmp_path / "u1.1.out").read_bytes() == b"so far"
    capture.teardown(context, OK)


def test_silent_cells_leave_no_files(attempt: Begin, tmp_path: Path) -> None:
    context, capture = attempt(), Capture(tmp_path)
    capture.setup(context)
    capture.teardown(context, OK)
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_cannot_be_written_is_told_of_once_and_events_go_on(
    attempt: Begin, events: list[Event], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs").write_text("a file, no folder")
    context, capture = attempt(), Capture(tmp_path / "logs")
    capture.setup(context)
    with caplog.at_level(logging.WARNING, "hotplate"):
        write(context, 1, b"a")
        write(context, 1, b"b")
    capture.teardown(context, OK)
    assert text_of(events, "stdout") == "ab"
    assert [
        record.message.startswith(f"the log {tmp_path / 'logs' / 'u1.1.out'} ends early") for record in caplog.records
    ] == [True]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's full device, which Wine shows as well")
def test_a_full_disk_costs_the_log_and_not_the_result(
    attempt: Begin, events: list[Event], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "u1.1.out").symlink_to("/dev/full")
    context, capture = attempt(), Capture(tmp_path)
    capture.setup(context)
    write(context, 1, b"text")
    assert capture.teardown(context, OK) is None  # type: ignore[func-returns-value]
    assert text_of(events, "stdout") == "text"
    assert "No space left" in caplog.text
