"""Events in the database: those that are recorded at once share one row.

A small cell causes two events, and a row for each took a third of the time that recording it took.
"""

from __future__ import annotations

import json
from collections import defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING

from hotplate.events import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apsw import Connection

    from hotplate.run.store.rows import Row


class _Batches:
    """Takes events as rows: run, number, kind, time, cell, attempt, and data as JSON text."""

    def insert(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Adds one batch for each run, within the transaction that is open."""
        by_run: defaultdict[object, list[Row]] = defaultdict(list)
        for run, *event in rows:
            by_run[run].append(tuple(event))
        for run, events in by_run.items():
            events.sort(key=itemgetter(0))  # those that a subscriber caused come first
            connection.execute(
                "INSERT OR IGNORE INTO event_batch (run, first, last, events) VALUES (?, ?, ?, ?)",
                (str(run), events[0][0], events[-1][0], json.dumps(events)),
            )


EVENT = _Batches()


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
