"""The list of runs: a line for each, the points of a sweep folded under it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotplate.run.store.records import RunState
from hotplate.show import Picture
from hotplate.show.pages import escape, page, toned
from hotplate.show.tables import as_text, print_table
from hotplate.show.words import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

    from hotplate.run.store.records import RunSummary
    from hotplate.run.store.store import RunStore

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

    rows: list[tuple[str | Text, ...]] = []
    for entry in shown:
        name, notebook, state, *rest = _columns(entry)
        rows.append((name, notebook, Text(state, COLOURS.get(entry.run.state, "bold red")), *rest))
    print_table(console, _HEADINGS, rows, right=(4, 5), cut=[(6,), (1,)])


def store_picture(store: RunStore) -> Picture:
    """The newest runs, as notebooks show them."""
    shown = entries(store, None, _NEWEST, folded=True)
    where = f"recorded runs in {store.folder}"
    if not shown:
        return Picture(page(f'<div class="hp-dim">no {escape(where)}</div>'), f"no {where}")
    head = "".join(f"<th>{name}</th>" for name in _HEADINGS)
    rows = "".join(_html_row(entry) for entry in shown)
    table = f'<div class="hp-scroll"><table><tr>{head}</tr>{rows}</table></div>'
    text = as_text(lambda console: print_list(console, shown))
    return Picture(page(f'{table}<div class="hp-dim">the newest {escape(where)}</div>'), text)


_HEADINGS = ("run", "notebook", "state", "began", "took", "cells", "problem")
_NEWEST = 20


def _html_row(entry: Entry) -> str:
    name, notebook, state, *rest = _columns(entry)
    tone = _TONES.get(COLOURS.get(entry.run.state, ""), "bad")
    first = f'<td class="hp-code">{escape(name)}</td><td>{escape(notebook)}</td><td>{toned(state, tone)}</td>'
    return f"<tr>{first}{''.join(f'<td>{escape(text)}</td>' for text in rest)}</tr>"


_TONES = {"green": "good", "cyan": "busy", "yellow": "idle"}


def _columns(entry: Entry) -> tuple[str, ...]:
    run = entry.run
    return (
        run.id,
        Path(run.notebook).name,
        str(run.state),
        ago(run.began),
        milliseconds(took(run)),
        "" if is_point(run) else f"{run.outcomes.get('ok', 0)}/{run.cells}",
        _remark(entry),
    )


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


def entry_of(store: RunStore, run: RunSummary) -> Entry:
    """A run that was found by its name, as the list has it."""
    return Entry(run, _counted(store.children(run.id).states.values()))


def _counted(states: Iterable[RunState]) -> Mapping[RunState, int]:
    return dict(Counter(states))
