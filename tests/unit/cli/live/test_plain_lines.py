"""Lines about a watch: what is said of progress, further attempts and output."""

from __future__ import annotations

import pytest

from hotplate.cli.live.event_lines import EventLines
from hotplate.cli.live.plain_lines import PlainLines
from hotplate.events import Event, Kind


def event(kind: str, at: float = 0.0, **data: object) -> Event:
    return Event(Kind(kind), "r", 7, 1000.0 + at, "u", 1, data)


@pytest.fixture
def plain() -> PlainLines:
    return PlainLines("heat.c")


def words(plain: PlainLines, *events: Event) -> list[str]:
    return [line.partition(" ")[2] for one in events for line in plain.event(one)]


def test_progress_is_told_once_a_second(plain: PlainLines) -> None:
    events = [event("cell_progress", i / 4, done=i, total=8) for i in range(9)]
    assert words(plain, *events) == ["u at 0 of 8 (0%)", "u at 4 of 8 (50%)", "u at 8 of 8 (100%)"]


def test_progress_towards_an_unknown_end_is_a_number(plain: PlainLines) -> None:
    assert words(plain, event("cell_progress", done=5, total=0)) == ["u at 5"]


def test_a_further_attempt_is_told_with_the_reason(plain: PlainLines) -> None:
    waiting = event("cell_retrying", outcome="failed", error="u: no", not_before=1002.0)
    assert words(plain, waiting) == ["u failed: no; attempt 2 in 2.0 s"]


def test_output_that_was_passed_on_is_not_repeated(plain: PlainLines) -> None:
    assert words(plain, event("cell_output", stream="stdout", text="hello", dropped=0)) == []


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("cell_progress", {"done": 5, "total": 8}),
        ("cell_output", {"stream": "stdout", "text": "a\nb", "dropped": 0}),
        ("cell_retrying", {"outcome": "failed", "error": "u: no", "not_before": 1002.0}),
    ],
)
def test_programs_get_all_of_it(kind: str, data: dict[str, object]) -> None:
    import json

    (line,) = EventLines("heat.c").event(event(kind, **data))
    assert json.loads(line) == {
        "kind": kind, "run": "r", "sequence": 7, "time": 1000.0, "cell": "u", "attempt": 1, "data": data,
    }  # fmt: skip
