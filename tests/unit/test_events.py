"""Events: how they are numbered, kept and handed on."""

from __future__ import annotations

import gc

from hotplate.events import Emitter, Event, EventLog, Kind


def emitter_with_log(*sinks: object) -> tuple[Emitter, EventLog]:
    log = EventLog("r1")
    return Emitter("r1", sinks, clock=iter(range(100, 200)).__next__, log=log), log  # type: ignore[arg-type]  # any will do


def test_a_log_gives_back_the_events_that_sinks_were_told_of() -> None:
    told: list[Event] = []
    emitter, log = emitter_with_log(told.append)
    emitter.emit(Kind.CELL_STARTED, "u0", 1)
    emitter.emit(Kind.CELL_DONE, "u0", 1, result="first")
    emitter.emit(Kind.RUN_DONE, ok=True)
    assert log.events() == tuple(told)
    assert [(event.run, event.sequence, event.time) for event in told] == [
        ("r1", 1, 100),
        ("r1", 2, 101),
        ("r1", 3, 102),
    ]


def test_a_log_does_not_keep_what_a_cell_prints() -> None:
    emitter, log = emitter_with_log()
    emitter.emit(Kind.CELL_OUTPUT, "u0", 1, text="x" * 1000)
    emitter.emit(Kind.CELL_STARTED, "u0", 1)
    assert [event.kind for event in log.events()] == [Kind.CELL_STARTED]


def test_the_result_of_an_event_can_be_let_go_of() -> None:
    emitter, log = emitter_with_log()
    emitter.emit(Kind.CELL_DONE, "u0", 1, result="large", more=2)
    emitter.emit(Kind.CELL_DONE, "u1", 1, result="other")
    log.change_result("u0", "small")
    assert [dict(event.data) for event in log.events()] == [{"result": "small", "more": 2}, {"result": "other"}]


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
    assert len(gc.get_objects()) < before + 50
