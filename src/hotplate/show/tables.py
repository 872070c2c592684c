"""Tables for a terminal: where there is no room, the columns that can be cut are, and no others."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from rich.console import Console
    from rich.text import Text

LEAST = 8
"""Cells of the terminal below which no column is cut."""
_GAP = 2


def print_table(
    console: Console,
    headings: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    right: Collection[int] = (),
    cut: Sequence[Collection[int]] = (),
) -> None:
    """Prints rows below headings. Columns are given by index: those flush `right`, and groups of those that are `cut`.

    Of the first group as much is cut as has to be, then of the next; the widest of a group first. Where that is not
    enough, the lines are longer than the terminal is wide. rich's own tables take something of each column.
    """
    from rich.text import Text

    texts = [[Text(it) if isinstance(it, str) else it for it in row] for row in ([*map(_heading, headings)], *rows)]
    natural = [max(row[i].cell_len if i < len(row) else 0 for row in texts) for i in range(len(headings))]
    widths = _fitted(natural, console.width - _GAP * (len(headings) - 1), cut)
    for row in texts:
        line = Text(" " * _GAP).join(_aligned(it, widths[i], right=i in right) for i, it in enumerate(row))
        line.rstrip()
        console.print(line, soft_wrap=True)


def as_text(draw: Callable[[Console], None], width: int = 120) -> str:
    """What is printed to a console, without colours: the text twin of a table in a notebook."""
    from rich.console import Console

    lines = StringIO()
    # rich would otherwise print into the output of the Jupyter cell that runs.
    plain = {"force_jupyter": False, "force_terminal": False, "color_system": None, "legacy_windows": False}
    draw(Console(file=lines, width=width, highlight=False, **plain))  # type: ignore[arg-type]  # each has another type
    return "\n".join(line.rstrip() for line in lines.getvalue().splitlines())


def _aligned(text: Text, width: int, *, right: bool) -> Text:
    shown = text.copy()
    shown.truncate(width, overflow="ellipsis")
    room = width - shown.cell_len
    if right:
        shown.pad_left(room)
    else:
        shown.pad_right(room)
    return shown


def _heading(heading: str) -> Text:
    from rich.text import Text

    return Text(heading, "bold")


def _fitted(natural: Sequence[int], room: int, groups: Sequence[Collection[int]]) -> list[int]:
    widths = list(natural)
    for group in groups:
        excess = sum(widths) - room
        low, high = LEAST, max((widths[i] for i in group), default=LEAST)
        while low < high:  # the greatest width of the group's columns at which all fits
            middle = (low + high + 1) // 2
            saved = sum(max(widths[i] - middle, 0) for i in group)
            low, high = (middle, high) if saved >= excess else (low, middle - 1)
        for i in group:
            widths[i] = min(widths[i], low)
    return widths
