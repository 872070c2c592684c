"""What the live view knows: the cells of a watched notebook and what became of each, folded from events."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hotplate.diagnostic import Severity
from hotplate.events import Event, Kind
from hotplate.show.sparkline import number_of
from hotplate.show.words import milliseconds, parts, retry_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hotplate.reload import Reload
    from hotplate.run import CellResult, Run

TRAIL = 32
"""How many values of a scalar are remembered."""


@dataclass(slots=True)
class Row:
    """One cell. A newer text of it may be compiled while an older one still runs."""

    name: str
    needs: str = ""
    run_state: str = ""
    """What the present run does with it: "waiting" or "running"; "" without one, and when it is over for this cell."""
    building: bool = False
    since: float = 0.0
    """When it began to be built or to run, in seconds since the epoch."""
    broken: bool = False
    """Whether its newest text does not compile."""
    result: CellResult | None = None
    build_seconds: float = 0.0
    """What its latest build in this session took; 0 when it came from the cache."""
    retrying: str = ""
    """Why it is tried again, and when, as long as nothing runs of it."""
    reported: tuple[int, int] = (0, 0)
    """How much it says it has done, and of how much (0: unknown)."""
    trail: dict[str, deque[float]] = field(default_factory=dict)
    """The latest values of each of its scalars, by field."""

    @property
    def activity(self) -> str:
        """What goes on now: "running", "building", "waiting" or ""."""
        return "building" if self.building and self.run_state != "running" else self.run_state

    @property
    def state(self) -> str:
        """What to call it: the activity, "broken", or the status of its result."""
        if self.activity:
            return self.activity
        return "broken" if self.broken else self.result.status if self.result else "waiting"

    def take(self, result: CellResult) -> None:
        """Notes a result."""
        self.run_state = self.retrying = ""
        if result is self.result:
            return
        replaces_draft = self.result is not None and self.result.draft and not self.result.kept
        self.result = result
        if not result.outcome.ok:
            return
        for name, value in parts(result.value):
            trail = self.trail.setdefault(name, deque(maxlen=TRAIL))
            number = number_of(value)
            if replaces_draft and trail:
                trail.pop()
            # One that is kept adds nothing, unless it is the result of an earlier text that has come back.
            if number is not None and not (result.kept and trail and trail[-1] == number):
                trail.append(number)


@dataclass(slots=True)
class _Pass:
    """What one change of the file, or one run without a change, led to."""

    begun: float
    run: str = ""
    """The run that belongs to it; "" until it has begun."""
    draft: str = ""
    """The run of a draft before it; "" without one."""
    first: bool = False
    built: set[str] = field(default_factory=set)
    reload: Reload | None = None


class Board:
    """The rows, in dependency order, and one line on what happened last. For one thread."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.last = ""
        """What the last change, or the last run, led to."""
        self.ended = 0.0
        """When it did, in seconds since the epoch."""
        self._pass: _Pass | None = None
        self._finished = ""
        """The run that ended last, until its results are adopted."""

    @property
    def active(self) -> bool:
        """Whether anything is built or run."""
        return any(row.activity for row in self.rows.values())

    def take(self, event: Event, needs: Mapping[str, str] | None = None) -> None:
        """Takes note of an event; `needs` has what each cell takes from where, if it is known."""
        if event.kind in _OF_CELLS:
            self._take_cell(event)
            return
        match event.kind:
            case Kind.RELOAD_STARTED:
                self._pass = _Pass(event.time)
                self._end_builds()
            case Kind.RELOAD_DONE:
                self._reloaded(event)
            case Kind.RUN_STARTED:
                self._run_started(event, needs or {})
            case Kind.RUN_DONE:
                self._run_done(event)

    def adopt(self, run: Run | None) -> None:
        """Takes over what the events do not tell: values that were given, cells that the run never came to."""
        if run is None or run.id != self._finished:
            return
        self._finished = ""
        for name, result in run.cells.items():
            if result.given and name not in self.rows:
                self.rows = {name: Row(name), **self.rows}
            if name in self.rows and not self.rows[name].run_state:
                self.rows[name].take(result)

    # ---- cells ----

    def _take_cell(self, event: Event) -> None:
        row = self.rows.setdefault(event.cell, Row(event.cell))
        match event.kind:
            case Kind.CELL_BUILDING:
                row.building, row.since = True, event.time
            case Kind.CELL_BUILT:
                self._built(row, event)
            case Kind.CELL_STARTED:
                row.run_state, row.since, row.retrying, row.reported = "running", event.time, "", (0, 0)
            case Kind.CELL_PROGRESS:
                row.reported = event.data["done"], event.data["total"]
            case Kind.CELL_RETRYING:
                row.run_state, row.retrying = "waiting", retry_words(event, event.time)
            case _:
                row.take(event.data["result"])

    def _built(self, row: Row, event: Event) -> None:
        row.building, row.broken = False, not event.data["ok"]
        row.build_seconds = 0.0 if event.data["cached"] else event.data["seconds"]
        if self._pass and event.data["ok"] and not event.data["cached"]:
            self._pass.built.add(row.name)

    # ---- changes and runs ----

    def _reloaded(self, event: Event) -> None:
        reload: Reload = event.data["reload"]
        self._end_builds()
        if self._pass is not None:
            self._pass.reload = reload
        for new, old in reload.plan.renamed.items():
            if old in self.rows:
                self.rows.setdefault(new, Row(new)).trail = self.rows[old].trail
        if reload.error is None:
            for row in self.rows.values():
                row.broken = False
        self._conclude(event.time, _reload_words(reload))

    def _end_builds(self) -> None:
        for row in self.rows.values():
            row.building = False

    def _run_started(self, event: Event, needs: Mapping[str, str]) -> None:
        change = self._pass
        if change is not None and event.data.get("drafts"):
            change.draft = event.run
        elif change is None or change.run or change.reload is None or change.reload.error:
            change = self._pass = _Pass(event.time)
        if change.draft != event.run:
            change.run, change.first = event.run, not any(row.result for row in self.rows.values())
        self.rows = {name: self.rows.get(name) or Row(name) for name in event.data["cells"]}
        for name, row in self.rows.items():
            row.needs = needs.get(name, row.needs)
            row.run_state, row.since, row.retrying = "waiting", event.time, ""

    def _run_done(self, event: Event) -> None:
        for row in self.rows.values():
            row.run_state = row.retrying = ""
        self._finished = event.run
        change = self._pass
        if change and change.run == event.run:  # else a newer text is on its way already
            words = run_words(self.rows.values(), built=len(change.built), first=change.first)
            self._conclude(event.time, f"{words} · {milliseconds(max(event.time - change.begun, 0.0))}")
        elif change and change.draft == event.run:
            self._conclude(event.time, f"draft · {milliseconds(max(event.time - change.begun, 0.0))}")

    def _conclude(self, time: float, words: str) -> None:
        self.last, self.ended = words, time


_OF_CELLS = frozenset(
    {
        Kind.CELL_BUILDING,
        Kind.CELL_BUILT,
        Kind.CELL_STARTED,
        Kind.CELL_PROGRESS,
        Kind.CELL_RETRYING,
        Kind.CELL_DONE,
        Kind.CELL_FAILED,
        Kind.CELL_SKIPPED,
    }
)


def run_words(rows: Iterable[Row], *, built: int, first: bool) -> str:
    """What a run did: `built 1 of 12, reran 3, 2 stopped: same bytes`."""
    results = [row.result for row in rows if row.result is not None]
    ran = sum(not result.kept and not result.given and result.outcome.ok for result in results)
    same = sum(result.kept and result.reason.endswith("same bytes") for result in results)
    words = [f"built {built} of {len(results)}" if built else ""]
    words.append(f"{'ran' if first else 'reran'} {ran}" if ran else "nothing to rerun")
    words.append(f"{same} stopped: same bytes" if same else "")
    bad = [result.status for result in results if not result.outcome.ok]
    words += [f"{bad.count(status)} {status.replace('_', ' ')}" for status in dict.fromkeys(bad)]
    return ", ".join(word for word in words if word)


def _reload_words(reload: Reload) -> str:
    if reload.error is not None:
        errors = sum(d.severity is Severity.ERROR for d in getattr(reload.error, "diagnostics", ())) or 1
        return f"refused: {errors} error{'s' if errors > 1 else ''} · {milliseconds(reload.seconds)}"
    changed = len(reload.plan.build) + len(reload.plan.load)
    return f"{f'loaded {changed}' if changed else 'nothing to build'} · {milliseconds(reload.seconds)}"
