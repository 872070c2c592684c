"""The live panel: how often it draws, on which thread and in which context, and how it ends."""

from __future__ import annotations

import logging
import threading
import time
from contextvars import ContextVar, copy_context
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from hotplate import notebook as notation
from hotplate.events import Event, Kind
from hotplate.jupyter.live_panel import PERIOD, REST, LivePanel
from hotplate.reload import LiveStatus
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

output: ContextVar[str] = ContextVar("output", default="")


class Output:
    """A place where pictures are shown; notes when, and where from."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.contexts: list[str] = []
        self.threads: set[str] = set()
        self.error: Exception | None = None
        self.delay = 0.0

    def __call__(self, bundle: Any) -> Any:
        self.take(bundle)
        return self.take

    def take(self, bundle: Any) -> None:
        if self.error is not None:
            raise self.error
        time.sleep(self.delay)
        self.texts.append(bundle["text/plain"])
        self.contexts.append(output.get())
        self.threads.add(threading.current_thread().name)


@pytest.fixture
def shown() -> Output:
    return Output()


@pytest.fixture
def panel(shown: Output, tmp_path: Path) -> LivePanel:
    graph = notation.build_graph([notation.Node("u0")])
    notebook: Any = SimpleNamespace(path=tmp_path / "heat.c", graph=graph, progress=dict)
    return LivePanel(notebook, shown)


def started(number: int) -> Event:
    return Event(Kind.CELL_STARTED, "r", number, 1000.0 + number, f"c{number}", 1)


def test_it_is_there_at_once_and_says_in_the_end_that_it_is_over(panel: LivePanel, shown: Output) -> None:
    with panel:
        assert len(shown.texts) == 1
    assert shown.texts[-1].startswith("heat.c  ended")


def test_any_number_of_events_are_few_pictures_and_the_last_has_them_all(panel: LivePanel, shown: Output) -> None:
    begun = time.monotonic()
    with panel:
        for number in range(2000):
            panel(started(number))
        assert eventually(lambda: "c1999" in shown.texts[-1] or "more: " in shown.texts[-1])
        took = time.monotonic() - begun
        assert len(shown.texts) <= took / PERIOD + 3


def test_where_pictures_take_long_there_are_fewer_of_them(panel: LivePanel, shown: Output) -> None:
    took, begun = 0.08, time.monotonic()
    shown.delay = took
    with panel:
        for number in range(200):
            panel(started(number))
            time.sleep(0.005)
        elapsed = time.monotonic() - begun
        assert len(shown.texts) <= elapsed / (REST * took) + 3


def test_a_picture_that_shows_the_same_is_not_sent_again(panel: LivePanel, shown: Output) -> None:
    with panel:
        panel(Event(Kind.CELL_RELOADED, "watch", 1, 1000.0, "u0", 0, {"version": 2}))
        panel(started(1))
        assert eventually(lambda: "c1" in shown.texts[-1])
    assert len(shown.texts) == len(set(shown.texts))


def test_it_draws_on_its_own_thread_in_the_context_of_whoever_made_it(shown: Output, panel: LivePanel) -> None:
    def first_cell() -> LivePanel:
        output.set("cell 1")
        return LivePanel(panel._notebook, shown).__enter__()

    mine = copy_context().run(first_cell)
    threading.Thread(target=mine, args=(started(1),)).start()
    assert eventually(lambda: "c1" in shown.texts[-1])
    assert set(shown.contexts) == {"cell 1"}
    assert "hotplate-panel" in shown.threads
    mine.close()


def test_a_status_that_comes_without_an_event_is_shown(panel: LivePanel, shown: Output) -> None:
    live: Any = SimpleNamespace(status=LiveStatus(phase="waiting"))
    with panel:
        panel.follow(live)
        live.status = LiveStatus(trouble="the folder is gone")
        assert eventually(lambda: "the folder is gone" in shown.texts[-1])


def test_where_nothing_can_be_shown_any_more_the_watch_goes_on(
    panel: LivePanel, shown: Output, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="hotplate"), panel:
        shown.error = OSError("the kernel is gone")
        panel(started(1))
        assert eventually(lambda: "could not be drawn" in caplog.text)
        shown.error = None
        panel(started(2))
        assert eventually(lambda: "c2" in shown.texts[-1])


def test_closing_again_or_before_it_was_shown_does_nothing(panel: LivePanel, shown: Output) -> None:
    panel.close()
    with panel:
        pass
    panel.close()
    assert [text.partition("\n")[0] for text in shown.texts].count("heat.c  ended") == 1
