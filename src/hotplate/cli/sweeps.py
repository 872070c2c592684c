"""What the command line shows of a sweep: its table, for people and for programs."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING, Any

from hotplate.cli.reports import results
from hotplate.events import Event, Kind
from hotplate.show.tables import print_table as draw_table
from hotplate.show.words import milliseconds, preview

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from rich.console import Console
    from rich.text import Text

    from hotplate.run.sweep import Axis, PointStates, Sweep, SweepRun
    from hotplate.session import Notebook

SHOWN = 20
"""Points that are shown of a longer sweep: half of them from its beginning."""


class Points:
    """Counts the points of a sweep that are complete while it is run."""

    def __init__(self, lay_out: Callable[[], Sweep]) -> None:
        self._lay_out = lay_out
        self._states: PointStates | None = None
        self._done = self._total = 0

    def __call__(self, event: Event) -> str:
        """Takes an event, and says how much is done."""
        if event.kind is Kind.RUN_STARTED:
            from hotplate.run.sweep import PointStates

            sweep = self._lay_out()
            self._states, self._total = PointStates(sweep), len(sweep.points)
        elif self._states is not None and event.kind in (Kind.CELL_DONE, Kind.CELL_FAILED, Kind.CELL_SKIPPED):
            self._done += sum(1 for _ in self._states.ended(event.cell, event.data["result"].outcome.kind))
        return f"{self._done} of {self._total} points" if self._total else ""


def laid_out(notebook: Notebook, axes: Sequence[Axis], given: Collection[str], targets: Sequence[str]) -> Sweep:
    """The graph of a sweep, as it is run."""
    from hotplate.run.plan import cell_of
    from hotplate.run.sweep import expand

    graph = notebook.graph
    return expand(graph, axes, tuple(given), [cell_of(graph, target, notebook.path.name) for target in targets])


def print_points(console: Console, swept: SweepRun, *, saved: bool = False) -> None:
    """Prints a row for each point, with the axes' values and the results, and how many are complete.

    In a terminal these are the first and the last rows of a long sweep, and it says where the others can be had, unless
    the table was `saved`.
    """
    from rich.text import Text

    axes, columns = [axis.name for axis in swept.sweep.axes], list(swept.columns)
    remarks = bool(swept.problems)
    headings = [*axes, *columns, *([_remark_heading(swept)] if remarks else ())]
    before, after = _ends(len(swept)) if console.is_terminal else (range(len(swept)), range(0))
    rows: list[list[str | Text]] = []
    for i in (*before, *after):
        if after and i == after[0]:
            rows.append(["..."] * len(axes))
        row = swept[i]
        rows.append(
            [*(preview(row[name], 32) for name in (*axes, *columns)), *([_remark(swept, i)] if remarks else ())]
        )
    of_results = range(len(axes), len(axes) + len(columns))
    draw_table(console, headings, rows, cut=[(len(headings) - 1,) if remarks else (), of_results])
    for line in _counts(swept, len(before) + len(after), saved=saved):
        console.print(Text(line, "dim"), soft_wrap=True)


def _counts(swept: SweepRun, shown: int, *, saved: bool) -> Iterator[str]:
    if rest := len(swept) - shown:
        way = "" if saved else "; --save OUT.csv writes them all"
        yield f"{rest} of {len(swept)} points are not shown{way}"
    skipped = swept.statuses.count("skipped")
    complete = swept.statuses.count("ok") + skipped
    left_out = f", of which conditions left out {skipped}," if skipped else ""
    yield f"{complete} of {len(swept)} points{left_out} in {milliseconds(swept.seconds)}"


def _remark_heading(swept: SweepRun) -> str:
    """What a condition leaves out is no problem."""
    return "problem" if any(swept.statuses[i] != "skipped" for i in swept.problems) else "left out"


def _remark(swept: SweepRun, point: int) -> Text:
    from rich.text import Text

    if point not in swept.problems:
        return Text()
    status = swept.statuses[point]
    words = "left out" if status == "skipped" else status.replace("_", " ")
    return Text(
        shorten(f"{words}: {swept.problems[point]}", 200, placeholder=" ..."),
        {"skipped": "dim", "cancelled": "yellow"}.get(status, "bold red"),
    )


def _ends(points: int) -> tuple[range, range]:
    if points <= SHOWN:
        return range(points), range(0)
    return range(SHOWN // 2), range(points - SHOWN // 2, points)


def document(notebook: str, swept: SweepRun, saved: str | None = None, *, recorded: bool = False) -> dict[str, Any]:
    """`run --sweep --json`: the axes, and each point with its results."""
    return {
        "notebook": notebook,
        "run": swept.id,
        "ok": swept.ok,
        "seconds": swept.seconds,
        "axes": {axis.name: [_plain(value) for value in axis.values] for axis in swept.sweep.axes},
        "columns": list(swept.columns),
        "points": [_point(swept, i) for i in range(len(swept))],
        "saved": saved,
        "recorded": recorded,
    }


def _point(swept: SweepRun, i: int) -> dict[str, Any]:
    row, axes = swept[i], [axis.name for axis in swept.sweep.axes]
    return {
        "point": {name: _plain(row[name]) for name in axes},
        "status": swept.statuses[i],
        "problem": swept.problems.get(i, ""),
        "results": {name: _plain(row[name]) for name in swept.columns},
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it; an array by its type, shape and preview."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    (described,) = results(value) or [{"preview": repr(value)}]
    return {name: part for name, part in described.items() if name != "field"}
