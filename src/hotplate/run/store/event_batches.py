"""Events in the database: those that are recorded at once share one row.

A small cell causes two events, and a row for each took a third of the time that recording it took.
"""

from __future__ import annotations

import json
from collections import defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from hotplate.events import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apsw import Connection, SQLiteValue

    from hotplate.run.store.rows import Row


_WIDTH = 7


class _Batches:
    """Takes events as rows: run, number, kind, time, cell, attempt, and data as JSON text."""

    def insert(self, connection: Connection, values: Sequence[SQLiteValue]) -> None:
        """Adds one batch for each run, within the transaction that is open."""
        by_run: defaultdict[SQLiteValue, list[Sequence[SQLiteValue]]] = defaultdict(list)
        for at in range(0, len(values), _WIDTH):
            by_run[values[at]].append(values[at + 1 : at + _WIDTH])
        for run, events in by_run.items():
            events.sort(key=itemgetter(0))  # those that a subscriber caused come first
            connection.execute(
                "INSERT OR IGNORE INTO event_batch (run, first, last, events) VALUES (?, ?, ?, ?)",
                (str(run), events[0][0], events[-1][0], json.dumps(events)),
            )


EVENT = _Batches()


def event_row(run: str, number: int, event: Event) -> Row:
    """An event as such a row. Of its data, what has a form in JSON; of what a cell printed, only how much it was."""
    # Most have no data, or a cell's result, which is a row of its own.
    data = event.data
    text = "{}" if not data or ("result" in data and len(data) == 1) else _event_data(event)
    return (run, number, event.kind, event.time, event.cell, event.attempt, text)


def read_events(connection: Connection, run: str) -> tuple[Event, ...]:
    """The recorded events of a run, in order."""
    batches = connection.execute("SELECT events FROM event_batch WHERE run = ? ORDER BY first", (run,))
    events = sorted((event for (text,) in batches for event in json.loads(text)), key=itemgetter(0))
    return tuple(
        Event(Kind(kind), run, sequence, time, cell, attempt, json.loads(data))
        for sequence, kind, time, cell, attempt, data in events
    )


def last_event(connection: Connection, run: str) -> int:
    """The number of the last event of a run that was recorded; 0 where none was."""
    ((last,),) = connection.execute("SELECT COALESCE(MAX(last), 0) FROM event_batch WHERE run = ?", (run,))
    return int(last)


def _event_data(event: Event) -> str:
    if event.kind is Kind.CELL_OUTPUT:
        return _json_part({**event.data, "text": None, "characters": len(event.data.get("text", ""))})
    return _json_part(event.data)


def _json_part(data: Mapping[str, Any]) -> str:
    plain_part = {name: part for name, part in data.items() if _is_plain(part)}
    return json.dumps(plain_part) if plain_part else "{}"


def _is_plain(part: Any) -> bool:
    if isinstance(part, (list, tuple)):
        return all(map(_is_plain, part))
    if isinstance(part, dict):
        return all(isinstance(name, str) and _is_plain(value) for name, value in part.items())
    return part is None or isinstance(part, (str, int, float))
