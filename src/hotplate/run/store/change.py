"""Change: what is recorded of a run at once; and what the writer asks of that run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from hotplate.run.store.rows import RESULT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import apsw
    from apsw import SQLiteValue

    from hotplate.errors import StoreError
    from hotplate.events import Event
    from hotplate.run.store.content import Content
    from hotplate.run.store.rows import Rows


class Lease(Protocol):
    """One run that this process may write to, unless another one took it over."""

    id: str
    token: str

    @property
    def error(self) -> StoreError | None:
        """Why nothing more of the run is recorded."""

    def refuse(self, error: StoreError) -> None:
        """Says that nothing of the run is recorded any more."""

    def lack(self, value: str, problem: str) -> None:
        """Says that a value of the run is not kept."""

    def tell(self, event: Event) -> None:
        """Hands an event to whoever waits for it."""

    def seal(self, change: Change) -> None:
        """Is told that a change of the run is about to be recorded: from now on nothing is added to it."""


@dataclass(slots=True)
class Change:
    """What is recorded at once: all of it or nothing."""

    lease: Lease | None = None
    rows: defaultdict[Rows, list[SQLiteValue]] = field(default_factory=lambda: defaultdict(list))
    """Values by the table that they are for; see Rows."""
    contents: tuple[Content, ...] = ()
    """Those of the one value that is in the rows, or of what a step tells of."""
    size: int = 0
    """How many times rows were added to it."""
    events: list[Event] = field(default_factory=list)
    """Told when it is recorded, or nothing can be any more."""
    step: Callable[[apsw.Connection], None] | None = None
    """Done before the rows. The first one of a run makes it."""
    ends: Callable[[apsw.Connection], None] | None = None
    """Done after the rows; no more of the run follow."""
    then: Callable[[], None] | None = None
    """Done when it is recorded, or nothing can be any more."""

    def add(self, rows: Mapping[Rows, Sequence[SQLiteValue]], event: Event | None) -> Change:
        """The same with more rows, and with an event that tells of them."""
        for table, values in rows.items():
            self.rows[table] += values
        if event is not None:
            self.events.append(event)
        self.size += 1
        return self

    def without_values(self, problem: str) -> Change:
        """The same with nothing that needs a file: a result without its value. What a step tells of is not there."""
        rows = self.rows.copy()
        if RESULT in rows:
            rows[RESULT] = [*rows[RESULT][:-2], None, problem]
        return replace(self, rows=rows, contents=())

    def describe_value(self) -> str:
        """What the contents are, for people."""
        return f"the value of {self.rows[RESULT][1]}" if RESULT in self.rows else "a value that was given"
