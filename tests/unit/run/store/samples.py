"""What the tests of the store record."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import apsw

from hotplate.events import Event, Kind
from hotplate.execute import OutcomeKind
from hotplate.run.attempts import Attempt
from hotplate.run.state import Trace

if TYPE_CHECKING:
    from pathlib import Path

    from hotplate.run.store import Recording

KEY = "0123456789abcdef" * 2
CELLS = ("u0", "u1", "u2")


def trace(*inputs: tuple[str, str], key: str = KEY) -> Trace:
    return Trace(key, inputs)


def attempt(cell: str, number: int = 1, outcome: OutcomeKind = OutcomeKind.OK, **facts: Any) -> Attempt:
    return Attempt(cell, number, outcome, 100.0, 0.25, **facts)


def event(sequence: int, kind: Kind = Kind.CELL_STARTED, cell: str = "u0", **data: Any) -> Event:
    return Event(kind, "a" * 12, sequence, 100.0 + sequence, cell, 1, data)


def database(folder: Path) -> closing[apsw.Connection]:
    """The store's database, looked at from outside."""
    return closing(apsw.Connection(str(folder / "runs.db")))


def compute(recording: Recording, cell: str, value: Any, number: int = 1, **facts: Any) -> None:
    """One attempt that ends well, and the outcome."""
    recording.begun(cell, number)
    recording.attempt(attempt(cell, number))
    times = {"started": 100.0, "seconds": 0.25}
    recording.finished(cell, OutcomeKind.OK, value=value, attempts=number, **{**times, **facts})
