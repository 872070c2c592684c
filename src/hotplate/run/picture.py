"""A run as a table: one for terminals and one for notebooks, with the same columns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hotplate.show import Picture
from hotplate.show.marks import mark_of
from hotplate.show.pages import escape, page, pre, toned
from hotplate.show.tables import as_text, print_table
from hotplate.show.values import caption, figure, plot
from hotplate.show.words import milliseconds, parts, preview, type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console
    from rich.text import Text

    from hotplate.run.result import CellResult, Run

MOST = 200
"""Cells that a notebook shows of a run."""
HEADINGS = ("cell", "status", "build", "run", "type", "value")


def run_picture(run: Run) -> Picture:
    """The table of a run, with the marks on results that are not those of the file as it is."""
    shown = _chosen(run)
    left_out = _left_out(run, shown)
    text = "\n".join([*marks_of(run), as_text(lambda console: print_run(console, run, shown)), *left_out])
    marks = "".join(f'<div class="hp-mark">{escape(mark)}</div>' for mark in marks_of(run))
    rows = "".join("".join(_html_rows(cell)) for cell in shown)
    head = "".join(f"<th{_RIGHT if name in ('build', 'run') else ''}>{name}</th>" for name in HEADINGS)
    foot = "".join(f'<div class="hp-dim">{escape(line)}</div>' for line in (counted(run), *left_out))
    return Picture(page(f'{marks}<div class="hp-scroll"><table><tr>{head}</tr>{rows}</table></div>{foot}'), text)


def _chosen(run: Run) -> list[CellResult]:
    """The cells that a notebook shows: all, or of very many what went wrong, and the first of the others."""
    cells = list(run.cells.values())
    if len(cells) <= MOST:
        return cells
    best = sorted(cells, key=lambda cell: cell.outcome.ok)[:MOST]
    names = {cell.name for cell in best}
    return [cell for cell in cells if cell.name in names]


def _left_out(run: Run, shown: Sequence[CellResult]) -> list[str]:
    if len(shown) == len(run.cells):
        return []
    counts = Counter(cell.status for cell in run.cells.values())
    counts.subtract(cell.status for cell in shown)
    words = ", ".join(f"{number:,} {status}" for status, number in counts.most_common() if number)
    return [f"not shown: {words}; run.cells has them"]


def marks_of(run: Run) -> list[str]:
    """What there is to say about all of a run's results."""
    draft = "a draft: the optimising compiler is still at work" if run.draft else ""
    return [mark for mark in (run.notice, draft) if mark]


def counted(run: Run) -> str:
    """How many cells have a value, and what that took: `3 of 4 cells in 12 ms`."""
    done = sum(cell.outcome.ok for cell in run.cells.values())
    return f"{done} of {len(run.cells)} cells in {milliseconds(run.seconds)}"


def times(cell: CellResult) -> tuple[str, str]:
    """What compiling and running took, where something was compiled or run."""
    built = milliseconds(cell.build_seconds) if cell.build_seconds else ""
    ran = milliseconds(cell.outcome.seconds) if cell.status in ("ok", "draft") or cell.outcome.seconds else ""
    return built, ran


def problem(cell: CellResult) -> str:
    """What went wrong with a cell, all lines of it, without the cell's name."""
    return str(cell.outcome.error or cell.outcome.reason).removeprefix(f"{cell.name}: ")


def _status(cell: CellResult) -> str:
    return f"{mark_of(cell.status).sign} {cell.status.replace('_', ' ')}"


# ---- for terminals


def print_run(console: Console, run: Run, cells: Iterable[CellResult] | None = None) -> None:
    """Prints the closing table: cell, status, build and run time, type, a preview of the value. All cells, or some."""
    from rich.text import Text

    rows: list[tuple[str | Text, ...]] = []
    for cell in run.cells.values() if cells is None else cells:
        status = Text(cell.status, mark_of(cell.status).style)
        for i, (label, type_text, text) in enumerate(_rows(cell)):
            first = (label, status, *times(cell)) if i == 0 else (label, "", "", "")
            rows.append((*first, type_text, text))
    print_table(console, HEADINGS, rows, right=(2, 3), cut=[(5,), (4,)])
    console.print(Text(counted(run), "dim"))


def _rows(cell: CellResult) -> Iterator[tuple[str, str, str]]:
    if not cell.outcome.ok:
        said = str(cell.outcome.error or cell.outcome.reason)
        yield cell.name, "", said.partition("\n")[0]  # a crash report has more lines; they follow the table
        return
    if hasattr(type(cell.value), "_fields"):
        yield cell.name, f"{len(cell.value)} results", ""
    for field, value in parts(cell.value):
        yield f"  .{field}" if field else cell.name, type_of(value), preview(value)


# ---- for notebooks


_RIGHT = ' class="hp-right"'
_BELOW = '<td></td><td></td><td class="hp-right"></td><td class="hp-right"></td>'


def _html_rows(cell: CellResult) -> Iterator[str]:
    built, ran = times(cell)
    mark = mark_of(cell.status)
    first = (
        f"<td><b>{escape(cell.name)}</b></td>"
        f'<td title="{escape(cell.reason)}">{toned(_status(cell), mark.tone)}</td>'
        f"<td{_RIGHT}>{built}</td><td{_RIGHT}>{ran}</td>"
    )
    if not cell.outcome.ok:
        tone = "" if mark.tone == "idle" else "bad"
        yield f'<tr>{first}<td></td><td class="hp-wide">{pre(problem(cell), tone)}</td></tr>'
        return
    fields = tuple(parts(cell.value))
    if hasattr(type(cell.value), "_fields"):
        yield f'<tr>{first}<td class="hp-dim">{len(fields)} results</td><td></td></tr>'
        first = ""
    for field, value in fields:
        label = f'<td class="hp-dim">&nbsp;&nbsp;.{escape(field)}</td>{_BELOW[9:]}' if field else first
        yield f"<tr>{label}{value_columns(value)}</tr>"


def value_columns(value: Any) -> str:
    """What a value is, and its plot with its first and last elements, as two columns of a table."""
    about = escape(caption(value)) if value is not None else ""
    return (
        f'<td class="hp-code">{escape(type_of(value))}</td>'
        f'<td class="hp-code" title="{about}">{plot(value)}{escape(preview(value))}</td>'
    )


# ---- one cell


def result_picture(cell: CellResult) -> Picture:
    """How one cell ended: its value large, or what went wrong."""
    mark = mark_of(cell.status)
    built, ran = times(cell)
    facts = [
        cell.reason if cell.outcome.ok else "",
        built and f"built in {built}",
        ran and f"ran in {ran}",
        cell.compiler,
    ]
    about = " · ".join(filter(None, facts))
    head = f"<b>{escape(cell.name)}</b> {toned(_status(cell), mark.tone)}"
    head = f'<div>{head} <span class="hp-dim">{escape(about)}</span></div>'
    text = [f"{cell.name} {cell.status}" + (f" ({about})" if about else "")]
    if not cell.outcome.ok:
        return Picture(page(head + pre(problem(cell), "bad")), "\n".join([*text, problem(cell)]))
    body = ""
    for field, value in parts(cell.value):
        body += (f'<div class="hp-dim">.{escape(field)}</div>' if field else "") + figure(value)
        text.append(f"{f'.{field} ' if field else ''}{type_of(value)} {preview(value)}".strip())
    return Picture(page(head + body), "\n".join(text))
