"""The table of cells in the live view: which rows and columns fit, and what is in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hotplate.show.marks import mark_of
from hotplate.show.sparkline import samples, sparkline
from hotplate.show.words import milliseconds, parts, preview, type_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from hotplate.cli.live.scene import Scene
    from hotplate.reload.board import Board, Row

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
"""What turns while something goes on, five steps a second."""
PLOT = 16
"""Columns of a sparkline."""
GAP = 2
"""Columns between two columns."""
VALUE = 14
"""Columns that the value gets at least, if there is anything to see of it."""
_WIDEST = {"name": 28, "needs": 32, "why": 30, "type": 26}
_ORDER = ("name", "needs", "state", "why", "build", "run", "type", "plot", "value")
_NARROWED_FIRST = {"plot": PLOT // 2, "type": 16}
_DROPPED_FIRST = ("build", "needs", "why", "type", "plot", "run", "state")
_RIGHT = ("build", "run")
_RANKS = {
    "broken": 0,
    "running": 0,
    "building": 1,
    "ok": 2,
    "draft": 2,
    "skipped": 3,
    "cancelled": 3,
    "waiting": 4,
    "given": 5,
}


@dataclass(frozen=True, slots=True)
class Cells:
    """The table, and how many lines it takes."""

    body: RenderableType
    height: int


def table(board: Board, scene: Scene, room: int) -> Cells:
    """The cells in at most `room` lines: all, or else those with news and a count of the rest."""
    if room <= 0 or not board.rows:
        return Cells(Text(), 0)
    rows = list(board.rows.values())
    shown, hidden = _chosen(rows, room)
    lines = [line for row in shown for line in _lines(row, scene)][: room - bool(hidden)]
    body = Table.grid(padding=(0, GAP, 0, 0), pad_edge=False)
    widths = _widths(lines, scene.width)
    for column, width in widths.items():
        body.add_column(width=width, justify="right" if column in _RIGHT else "left", no_wrap=True, overflow="ellipsis")
    for line in lines:
        body.add_row(*(_fitted(line.get(column, ""), width) for column, width in widths.items()))
    if not hidden:
        return Cells(body, len(lines))
    outer = Table.grid()
    if lines:
        outer.add_row(body)
    outer.add_row(_rest(hidden))
    return Cells(outer, len(lines) + 1)


def _fitted(part: str | Text | Table | _Plot, width: int) -> RenderableType:
    return Text(part.within(width), "blue") if isinstance(part, _Plot) else part


# ---- which rows


def _chosen(rows: Sequence[Row], room: int) -> tuple[Sequence[Row], Sequence[Row]]:
    """The rows to show and the rest, both in their order: failures and what goes on first, then what ran."""
    if sum(map(_height, rows)) <= room:
        return rows, ()
    free, chosen = room - 1, set()
    for row in sorted(rows, key=lambda row: _RANKS.get(row.state, 6 if row.state == "kept" else 0)):
        if _height(row) > free:
            break
        free -= _height(row)
        chosen.add(row.name)
    return [row for row in rows if row.name in chosen], [row for row in rows if row.name not in chosen]


def _height(row: Row) -> int:
    """How many lines a row takes: one, and one for each field of several results."""
    value = row.result.value if row.result else None
    return 1 + len(getattr(type(value), "_fields", ()))


def _rest(hidden: Sequence[Row]) -> Text:
    counts = Counter(row.state for row in hidden)
    words = ", ".join(f"{number} {state}" for state, number in counts.most_common())
    return Text(f"... and {len(hidden)} more: {words}", "dim", no_wrap=True, overflow="ellipsis")


# ---- what is in a row


@dataclass(frozen=True, slots=True)
class _Plot:
    """An array's elements, or the latest values of a scalar, as a sparkline as wide as there is room."""

    value: Any
    trail: Sequence[float]

    def within(self, width: int) -> str:
        numbers = samples(self.value, width) or list(self.trail)
        return sparkline(numbers, width) if len(numbers) > 1 else ""


_Line = dict[str, "Text | Table | _Plot"]


def _lines(row: Row, scene: Scene) -> Iterator[_Line]:
    mark = mark_of(row.state)
    style = mark.style
    name_style = "dim" if row.state in ("kept", "given", "waiting") else "bold"
    first: _Line = {
        "name": Text.assemble(
            (mark.sign or SPINNER[int(scene.now * 5) % len(SPINNER)], style), " ", (row.name, name_style)
        ),
        "needs": Text(row.needs, "dim"),
        "state": Text(row.state.replace("_", " "), style),
        "build": Text(milliseconds(row.build_seconds) if row.build_seconds else "", "dim"),
    }
    result = row.result
    if row.activity in ("building", "running"):
        first["run"] = Text(_elapsed(scene.now - row.since), style)
    elif result and result.outcome.seconds:
        first["run"] = Text(milliseconds(result.outcome.seconds), "dim" if result.kept else "")
    if result and not row.activity:
        reason = "does not compile" if row.broken else result.reason
        first["why"] = Text(reason if result.outcome.ok else "", "dim")
    elif result and result.draft and row.activity == "building":
        first["why"] = Text("draft", "dim")
    yield from _values(row, first, scene)


def _elapsed(seconds: float) -> str:
    return f"{max(seconds, 0.0):.1f} s"


def _values(row: Row, first: _Line, scene: Scene) -> Iterator[_Line]:
    result = row.result
    if row.activity == "running":
        yield first | _progress(row, scene)
        return
    if row.retrying:
        yield first | {"value": Text(row.retrying, "yellow")}
        return
    if result is None or not result.outcome.ok:
        words = str(result.outcome.error or result.outcome.reason) if result else ""
        if result and result.status == "crashed":
            words = words.partition("\n")[0]  # the rest is shown on the line of the notebook
        style = "red" if result and row.state not in ("skipped", "cancelled") else "dim"
        yield first | {"value": Text(" ".join(words.removeprefix(f"{row.name}: ").split()), style)}
        return
    # A value that is about to be replaced, or that an older text computed, is not what the file says now.
    style = "dim" if row.activity or row.broken else ""
    for field, value in parts(result.value):
        line: _Line = {
            "type": Text(type_of(value), "dim"),
            "plot": _Plot(value, row.trail.get(field, ())),
            "value": Text(preview(value), style),
        }
        if field:
            if first:
                yield first
            first = {}
            line["name"] = Text(f"    .{field}", "dim")
        yield first | line


def _progress(row: Row, scene: Scene) -> _Line:
    done, total = scene.progress.get(row.name, row.reported)
    if not total:
        return {"value": Text(str(done or ""))}
    bar = ProgressBar(total=total, completed=done, width=VALUE)
    both = Table.grid(padding=(0, 1))
    both.add_row(bar, Text(f"{100 * done // total}%"))
    return {"value": both}


# ---- which columns


def _widths(lines: Sequence[_Line], width: int) -> dict[str, int]:
    """The columns that fit and their widths; the value takes what is left."""
    natural = {
        column: min(max((_width(line.get(column)) for line in lines), default=0), _WIDEST.get(column, width))
        for column in _ORDER[:-1]
    }
    kept = {column: size for column, size in natural.items() if size}
    for column, narrow in _NARROWED_FIRST.items():
        if _taken(kept) + VALUE > width and column in kept:
            kept[column] = min(kept[column], narrow)
    for column in _DROPPED_FIRST:
        if _taken(kept) + VALUE <= width:
            break
        kept.pop(column, None)
    free = width - _taken(kept)
    if free < 1:
        kept["name"] = max(kept["name"] + free - 1, 1)
        free = 1
    return {**kept, "value": free}


def _taken(widths: dict[str, int]) -> int:
    return sum(widths.values()) + GAP * len(widths)


def _width(part: object) -> int:
    plain = part.within(PLOT) if isinstance(part, _Plot) else part.plain if isinstance(part, Text) else ""
    return cell_len(plain)
