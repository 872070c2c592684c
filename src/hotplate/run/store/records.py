"""What the store knows of runs: values that are read from it, and those that a run is described with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any, NamedTuple

import xxhash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hotplate.run.attempts import Attempt
    from hotplate.run.state import Trace
    from hotplate.run.store.owner import Owner


class RunState(StrEnum):
    """Where a run is."""

    PENDING = "pending"
    """It was described, and nothing of it has begun."""
    RUNNING = "running"
    RESUMING = "resuming"
    """It was taken over from an owner that ended or died, and goes on."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """Its owner died, or could not record its end."""

    @property
    def is_under_way(self) -> bool:
        """Whether somebody should be working on it."""
        return self in (RunState.PENDING, RunState.RUNNING, RunState.RESUMING)


@dataclass(frozen=True, slots=True)
class RunDescription:
    """What a run is of, as it begins. Everything in `options` has a form in JSON."""

    id: str
    notebook: str
    """The path of the file."""
    text: str = ""
    """The notebook's text; equal ones are kept once."""
    plan: str = ""
    """A hash of what is to be run."""
    targets: Sequence[str] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    """Values by name; one that can't be stored is noted as such, with the reason."""
    options: Mapping[str, Any] = field(default_factory=dict)
    point: Mapping[str, Any] = field(default_factory=dict)
    """The parameters of a sweep that are this run's own, by name."""
    parent: str | None = None
    """The run that began this one."""
    version: str = ""
    """hotplate's."""


# Named tuples from here on: each takes 0.1 ms to define, a frozen dataclass 0.6, and every recorded run waits for that.


class StoredValue(NamedTuple):
    """A value that was recorded; `RunStore.load` reads it."""

    text: str | None
    """See `codec`; None: there is none, or it could not be stored."""
    problem: str = ""
    """Why it could not be stored."""


class Loaded(NamedTuple):
    """A value that was read back and is what was recorded. Arrays are read-only."""

    value: Any


class StoredOutput(NamedTuple):
    """A recorded result that holds for a trace."""

    run: str
    cell: str
    trace: Trace
    contents: Mapping[str | None, str]
    """The hashes of the value, under None, and of its fields."""
    value: StoredValue
    started: float
    seconds: float
    compiler: str


class CellRecord(NamedTuple):
    """How one cell of a run ended."""

    cell: str
    status: str
    """The outcome's kind."""
    kept: bool
    given: bool
    started: float
    seconds: float
    attempts: int
    reason: str
    error: str
    key: str
    compiler: str
    trace: Trace | None
    contents: Mapping[str | None, str]
    value: StoredValue


class RunSummary(NamedTuple):
    """One line of the list of runs. Points in time are in seconds since the epoch."""

    id: str
    notebook: str
    state: RunState
    problem: str
    """Why it is not done."""
    began: float
    ended: float | None
    owner: Owner
    parent: str | None
    point: Mapping[str, StoredValue]
    targets: tuple[str, ...]
    cells: int
    """How many cells it was to run."""
    outcomes: Mapping[str, int]
    """How many cells ended in which way, so far."""
    version: str
    worked: float
    """Seconds that it was worked on, without the breaks before it was resumed; of a point, its sweep until it ended."""


class RunRecord(NamedTuple):
    """Everything about one run but its events."""

    summary: RunSummary
    text: str
    """The notebook's, as it was."""
    plan: str
    cells: tuple[str, ...]
    given: Mapping[str, StoredValue]
    options: Mapping[str, Any]
    results: Mapping[str, CellRecord]
    """Of the cells that ended, in the order in which they did."""
    attempts: Mapping[str, tuple[Attempt, ...]]
    """Those that ended, and those that began and got lost."""
    last_event: int
    """The sequence number of the last one that was recorded."""

    @property
    def id(self) -> str:
        """The run's name."""
        return self.summary.id


class Children(NamedTuple):
    """The states of a run's child runs at one moment."""

    states: Mapping[str, RunState]
    """By the child's name."""

    @property
    def counts(self) -> Counter[RunState]:
        """How many are in which state."""
        return Counter(self.states.values())

    @property
    def all_done(self) -> bool:
        """Whether each is done. Where there are none, nothing was done."""
        return bool(self.states) and all(state is RunState.DONE for state in self.states.values())


def pairs_text(pairs: Iterable[tuple[str | None, str]]) -> str:
    """Names with the hashes of what they stand for, as JSON text. Half the time that `json` itself would take."""
    parts = [f"[{'null' if name is None else quoted(name)},{quoted(content)}]" for name, content in pairs]
    return f"[{','.join(parts)}]"


def trace_hash(trace: Trace, inputs: str | None = None) -> str | None:
    """A name for a trace that means the same in every process; None where a part of it holds in one process only.

    `inputs` is the text of its inputs, where the caller has it.
    """
    # Hashes have 32 digits, several of them blanks between. Other names are shorter, and numbered within a process.
    if len(trace.key) % 33 != 32:
        return None
    for _, content in trace.inputs:
        if len(content) % 33 != 32:
            return None
    text = pairs_text(trace.inputs) if inputs is None else inputs
    return xxhash.xxh3_128_hexdigest(f"{trace.key} {text}".encode())
