"""The list of runs: a line for each, the points of a sweep folded under it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotplate.run.store import RunState
from hotplate.show.tables import print_table
from hotplate.show.words import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

    from hotplate.run.store import RunStore, RunSummary

COLOURS = {
    RunState.DONE: "green",
    RunState.PENDING: "cyan",
    RunState.RUNNING: "cyan",
    RunState.RESUMING: "cyan",
    RunState.CANCELLED: "yellow",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list."""

    run: RunSummary
    children: Mapping[RunState, int]
    """How many of the runs that it began are in which state; empty without any."""


def entries(store: RunStore, notebook: str | None, limit: int | None, *, folded: bool) -> list[Entry]:
    """The newest runs, of a notebook or of all. `folded`: without those that another run of the list began."""
    found = store.runs(notebook)
    names = {run.id for run in found}
    children: dict[str, Counter[RunState]] = defaultdict(Counter)
    for run in found:
        if run.parent is not None:
            children[run.parent][run.state] += 1
    shown = (run for run in found if not folded or run.parent not in names)
    return [Entry(run, dict(children.get(run.id, {}))) for run in islice(shown, limit)]


def is_resumable(run: RunSummary) -> bool:
    """Whether `resume` takes it."""
    return not run.state.is_under_way and run.state is not RunState.DONE


def is_point(run: RunSummary) -> bool:
    """Whether it is a point of a sweep, whose cells' results are those of the sweep's own run."""
    return run.parent is not None and not run.outcomes


def print_list(console: Console, shown: Sequence[Entry]) -> None:
    """Prints the list: run, notebook, state, when it began, what it took, how many cells have values, the problem."""
    from rich.text import Text

    headings = ("run", "notebook", "state", "began", "took", "cells", "problem")
    rows = [
        (
            run.id,
            Path(run.notebook).name,
            Text(run.state, COLOURS.get(run.state, "bold red")),
            ago(run.began),
            milliseconds(took(run)),
            "" if is_point(run) else f"{run.outcomes.get('ok', 0)}/{run.cells}",
            _remark(entry),
        )
        for entry in shown
        for run in (entry.run,)
    ]
    print_table(console, headings, rows, right=(4, 5), cut=[(6,), (1,)])


def _remark(entry: Entry) -> str:
    points = f"{sum(entry.children.values())} runs: {counts(entry.children)}" if entry.children else ""
    return "; ".join(filter(None, (points, entry.run.problem.partition("\n")[0])))


def counts(states: Mapping[Any, int]) -> str:
    """`12 done, 3 failed`."""
    return ", ".join(f"{number} {state}" for state, number in states.items())


def took(run: RunSummary) -> float:
    """Seconds from the beginning to the end, or to this moment, without the breaks before it was resumed."""
    return run.worked


def ago(moment: float) -> str:
    """How long ago something was: `40 s ago`, `3 min ago`, `2026-11-21 20:15` after a day."""
    seconds = max(time.time() - moment, 0.0)
    for limit, size, unit in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds / size)} {unit} ago"
    return when(moment)[:16]


def when(moment: float) -> str:
    """A moment in the time zone of this place, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


def document(entry: Entry) -> dict[str, Any]:
    """One run, as `runs --json` lists it."""
    run = entry.run
    return {
        "run": run.id,
        "notebook": run.notebook,
        "state": run.state,
        "problem": run.problem,
        "resumable": is_resumable(run),
        "began": run.began,
        "ended": run.ended,
        "seconds": took(run),
        "cells": run.cells,
        "outcomes": dict(run.outcomes),
        "targets": list(run.targets),
        "parent": run.parent,
        "children": {str(state): number for state, number in entry.children.items()},
        "owner": {"host": run.owner.host, "pid": run.owner.pid},
        "hotplate": run.version,
    }


def entry_of(store: RunStore, run: RunSummary) -> Entry:
    """A run that was found by its name, as the list has it."""
    return Entry(run, _counted(store.children(run.id).states.values()))


def _counted(states: Iterable[RunState]) -> Mapping[RunState, int]:
    return dict(Counter(states))
