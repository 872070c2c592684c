"""Events: how they are numbered, kept and handed on."""

from __future__ import annotations

import gc
import itertools
from typing import TYPE_CHECKING

from hotplate.events import Emitter, Event, EventLog, Kind

if TYPE_CHECKING:
    from hotplate.events import Sink


def emitter_with_log(*sinks: Sink, results: dict[str, str] | None = None) -> tuple[Emitter, EventLog]:
    log = EventLog("r1", results or {})
    return Emitter("r1", sinks, clock=map(float, itertools.count(100)).__next__, log=log), log


def test_a_log_gives_back_the_events_that_sinks_were_told_of() -> None:
    told: list[Event] = []
    emitter, log = emitter_with_log(told.append, results={"u0": "first"})
    emitter.emit(Kind.CELL_STARTED, "u0", 1)
    emitter.emit(Kind.CELL_DONE, "u0", 1, result="first")
    emitter.emit(Kind.RUN_DONE, ok=True)
    assert log.events() == tuple(told)
    stamps = [(event.run, event.sequence, event.time) for event in told]
    assert stamps == [("r1", 1, 100.0), ("r1", 2, 101.0), ("r1", 3, 102.0)]


def test_a_log_does_not_keep_what_a_cell_prints() -> None:
    emitter, log = emitter_with_log()
    emitter.emit(Kind.CELL_OUTPUT, "u0", 1, text="x" * 1000)
    emitter.emit(Kind.CELL_STARTED, "u0", 1)
    assert [event.kind for event in log.events()] == [Kind.CELL_STARTED]


def test_the_end_of_a_cell_has_the_result_that_the_run_has_by_then() -> None:
    results = {"u0": "large"}
    emitter, log = emitter_with_log(results=results)
    emitter.emit(Kind.CELL_DONE, "u0", 1, result="large")
    results["u0"] = "small"
    assert [dict(event.data) for event in log.events()] == [{"result": "small"}]


def test_a_sink_that_raises_is_left_out_from_then_on() -> None:
    told: list[int] = []

    def broken(event: Event) -> None:
        told.append(event.sequence)
        raise ValueError

    others: list[Event] = []
    emitter, _ = emitter_with_log(broken, others.append)
    emitter.emit(Kind.RUN_STARTED)
    emitter.emit(Kind.RUN_DONE)
    assert (told, len(others)) == ([1], 2)


def test_an_event_that_is_kept_is_no_object_that_the_collector_goes_through() -> None:
    emitter, _ = emitter_with_log()
    emitter.emit(Kind.CELL_STARTED, "u0", 1)
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(100):
        emitter.emit(Kind.CELL_STARTED, "u0", 1)
        emitter.emit(Kind.CELL_DONE, "u0", 1, result="first")
    assert len(gc.get_objects()) < before + 50
