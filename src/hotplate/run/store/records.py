"""What the store knows of runs: values that are read from it, and those that a run is described with."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import xxhash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A value that was recorded; `RunStore.load` reads it."""

    text: str | None
    """See `codec`; None: there is none, or it could not be stored."""
    problem: str = ""
    """Why it could not be stored."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A value that was read back and is what was recorded. Arrays are read-only."""

    value: Any


@dataclass(frozen=True, slots=True)
class StoredOutput:
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


@dataclass(frozen=True, slots=True)
class CellRecord:
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


@dataclass(frozen=True, slots=True)
class RunSummary:
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


@dataclass(frozen=True, slots=True)
class RunRecord:
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


@dataclass(frozen=True, slots=True)
class Children:
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


def trace_hash(trace: Trace) -> str | None:
    """A name for a trace that means the same in every process; None where a part of it holds in one process only."""
    if not all(map(_is_lasting, (trace.key, *[content for _, content in trace.inputs]))):
        return None
    return xxhash.xxh3_128_hexdigest(repr((trace.key, trace.inputs)).encode())


def contents_json(contents: Mapping[str | None, str]) -> str:
    """The names of a value's contents as JSON text."""
    return json.dumps([[field, content] for field, content in contents.items()], separators=(",", ":"))


def _is_lasting(name: str) -> bool:
    # Hashes of 32 digits, one or several with blanks between; others are numbered within a process.
    return len(name) % 33 == 32
