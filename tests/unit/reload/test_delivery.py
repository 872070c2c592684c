"""Events reach those who asked for them on a thread of its own, and those who may not be late at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from hotplate.events import Emitter, Event, Kind, PromptSink
from hotplate.reload.delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 20.0


class Prompt(PromptSink):
    """Notes the cells of its events."""

    def __init__(self) -> None:
        self.cells: list[str] = []

    def __call__(self, event: Event) -> None:
        self.cells.append(event.cell)


@pytest.fixture
def delivering() -> Iterator[Callable[..., tuple[Delivery, Emitter]]]:
    started: list[Delivery] = []

    def start(*sinks: Callable[[Event], None]) -> tuple[Delivery, Emitter]:
        delivery = Delivery(sinks)
        delivery.start()
        started.append(delivery)
        return delivery, Emitter("run", (delivery,))

    yield start
    for delivery in started:
        delivery.stop(PATIENCE)


def test_events_come_in_order_and_on_another_thread(delivering: Callable[..., tuple[Delivery, Emitter]]) -> None:
    seen: list[tuple[int, threading.Thread]] = []
    delivery, emitter = delivering(lambda event: seen.append((event.sequence, threading.current_thread())))
    for _ in range(100):
        emitter.emit(Kind.CELL_STARTED, "a")
    delivery.flush(PATIENCE)
    assert [number for number, _ in seen] == list(range(1, 101))
    assert threading.current_thread() not in {thread for _, thread in seen}


def test_whoever_is_slow_delays_neither_the_cause_nor_prompt_sinks(
    delivering: Callable[..., tuple[Delivery, Emitter]],
) -> None:
    gate, prompt = threading.Event(), Prompt()
    _, emitter = delivering(lambda _: gate.wait(PATIENCE), prompt)
    for cell in ("a", "b", "c"):
        emitter.emit(Kind.CELL_STARTED, cell)
    assert prompt.cells == ["a", "b", "c"]
    gate.set()


def test_a_sink_that_raises_is_left_out_from_then_on(
    delivering: Callable[..., tuple[Delivery, Emitter]], caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[Event] = []
    others: list[str] = []

    def broken(event: Event) -> None:
        calls.append(event)
        raise ValueError("no room")

    delivery, emitter = delivering(broken, lambda event: others.append(event.cell))
    emitter.emit(Kind.CELL_STARTED, "a")
    emitter.emit(Kind.CELL_STARTED, "b")
    delivery.flush(PATIENCE)
    assert len(calls) == 1
    assert others == ["a", "b"]
    assert "is left out from now on" in caplog.text


def test_stopping_delivers_what_was_taken(delivering: Callable[..., tuple[Delivery, Emitter]]) -> None:
    seen: list[str] = []
    delivery, emitter = delivering(lambda event: seen.append(event.cell))
    for cell in ("a", "b", "c"):
        emitter.emit(Kind.CELL_STARTED, cell)
    delivery.stop(PATIENCE)
    assert seen == ["a", "b", "c"]
