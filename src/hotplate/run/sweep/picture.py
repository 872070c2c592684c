"""A sweep as a table: a row for each point, with what it was computed for and what came of it."""

from __future__ import annotations

import math
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.show import Picture
from hotplate.show.pages import escape, page, toned
from hotplate.show.sampling import MOST
from hotplate.show.sparkline import number_of
from hotplate.show.tables import as_text, print_table
from hotplate.show.values import plot
from hotplate.show.words import milliseconds, preview

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.text import Text

    from hotplate.run.sweep.run import SweepRun

_WAY = "save('points.csv') writes them all"
SHOWN = 20
"""Points that are shown of a longer sweep: half of them from its beginning."""


def sweep_picture(swept: SweepRun) -> Picture:
    """The table, and above each column of numbers how they go from the first point to the last."""
    text = as_text(lambda console: print_points(console, swept, way=_WAY))
    axes, columns = [axis.name for axis in swept.sweep.axes], list(swept.columns)
    names = [*axes, *columns]
    remarks = bool(swept.problems)
    head = "".join(f"<th>{escape(name)}</th>" for name in [*names, *([_heading(swept)] if remarks else ())])
    before, after = ends(len(swept))
    rows = [_html_row(swept, names, point, remarks=remarks) for point in before]
    if after:
        rows.append("<tr>" + '<td class="hp-dim">…</td>' * len(names) + "</tr>")
        rows += [_html_row(swept, names, point, remarks=remarks) for point in after]
    trends = "".join(f"<td>{_trend(swept, name) if name in columns else ''}</td>" for name in names)
    foot = "".join(
        f'<div class="hp-dim">{escape(line)}</div>' for line in counts(swept, len(before) + len(after), _WAY)
    )
    table = f"<table><tr>{head}</tr><tr>{trends}</tr>{''.join(rows)}</table>"
    return Picture(page(f'<div class="hp-scroll">{table}</div>{foot}'), text)


def _html_row(swept: SweepRun, names: Sequence[str], point: int, *, remarks: bool) -> str:
    row = swept[point]
    cells = "".join(f'<td class="hp-code">{plot(row[name])}{escape(preview(row[name], 32))}</td>' for name in names)
    words, status = remark(swept, point)
    last = f"<td>{toned(words, _TONES.get(status, 'bad'))}</td>" if remarks else ""
    return f"<tr>{cells}{last}</tr>"


_TONES = {"skipped": "idle", "cancelled": "idle"}


def _trend(swept: SweepRun, column: str) -> str:
    if len(swept) > MOST:
        return ""
    values = [_number(value) for value in swept.values(column)]
    return "" if None in values else plot(np.array(values))


def _number(value: Any) -> float | None:
    """A value as one number, NaN where a point has none; None for what is no number."""
    if value is None:
        return math.nan
    return number_of(value.item() if isinstance(value, np.ndarray) and value.size == 1 else value)


def print_points(console: Console, swept: SweepRun, *, whole: bool = False, way: str = "") -> None:
    """Prints a row for each point, with the axes' values and the results, and how many are complete.

    These are the first and the last rows of a long sweep unless the `whole` is asked for. `way` says where the others
    can be had.
    """
    from rich.text import Text

    axes, columns = [axis.name for axis in swept.sweep.axes], list(swept.columns)
    remarks = bool(swept.problems)
    headings = [*axes, *columns, *([_heading(swept)] if remarks else ())]
    before, after = (range(len(swept)), range(0)) if whole else ends(len(swept))
    rows: list[list[str | Text]] = []
    for i in (*before, *after):
        if after and i == after[0]:
            rows.append(["..."] * len(axes))
        row = swept[i]
        rows.append(
            [*(preview(row[name], 32) for name in (*axes, *columns)), *([_styled_remark(swept, i)] if remarks else ())]
        )
    of_results = range(len(axes), len(axes) + len(columns))
    print_table(console, headings, rows, cut=[(len(headings) - 1,) if remarks else (), of_results])
    for line in counts(swept, len(before) + len(after), way):
        console.print(Text(line, "dim"), soft_wrap=True)


def counts(swept: SweepRun, shown: int, way: str) -> Iterator[str]:
    """How much is not shown, and how many points are complete."""
    if rest := len(swept) - shown:
        yield f"{rest} of {len(swept)} points are not shown" + (f"; {way}" if way else "")
    skipped = swept.statuses.count("skipped")
    complete = swept.statuses.count("ok") + skipped
    left_out = f", of which conditions left out {skipped}," if skipped else ""
    yield f"{complete} of {len(swept)} points{left_out} in {milliseconds(swept.seconds)}"


def ends(points: int) -> tuple[range, range]:
    """The points that are shown: all, or the first and the last."""
    if points <= SHOWN:
        return range(points), range(0)
    return range(SHOWN // 2), range(points - SHOWN // 2, points)


def remark(swept: SweepRun, point: int) -> tuple[str, str]:
    """Why a point has no result, and its status; "" where it has all."""
    if point not in swept.problems:
        return "", ""
    status = swept.statuses[point]
    words = "left out" if status == "skipped" else status.replace("_", " ")
    return shorten(f"{words}: {swept.problems[point]}", 200, placeholder=" ..."), status


def _heading(swept: SweepRun) -> str:
    """What a condition leaves out is no problem."""
    return "problem" if any(swept.statuses[i] != "skipped" for i in swept.problems) else "left out"


def _styled_remark(swept: SweepRun, point: int) -> Text:
    from rich.text import Text

    words, status = remark(swept, point)
    return Text(words, {"skipped": "dim", "cancelled": "yellow"}.get(status, "bold red")) if words else Text()
