"""The live view as lines of text for one size of terminal. Nothing here has an effect."""

from __future__ import annotations

import re
import textwrap
import time
from typing import TYPE_CHECKING

from rich.text import Text

from hotplate.cli.live.rows import SPINNER, table
from hotplate.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from hotplate.cli.live.scene import Scene
    from hotplate.diagnostic import Diagnostic
    from hotplate.reload.board import Board

SHORT = 16
"""Lines below which blank lines and headings are left out."""
KEYS = (("q", "quit"), ("r", "run all again"), ("b", "back one version"), ("?", "help"))
HELP = (
    ("q", "ends hotplate; so does Ctrl-C"),
    ("r", "runs every cell again, with the version that is active"),
    ("b", "runs the version before the active one; the next save goes on from the file"),
    ("Ctrl-L", "draws the screen anew"),
    ("Ctrl-Z", "back to the shell; `fg` returns"),
    ("?", "shows or hides this"),
)


def picture(board: Board, scene: Scene) -> list[RenderableType]:
    """The view from top to bottom, one entry a line or a table, at most `height` lines in all."""
    top, bottom = _head(board, scene), _foot(board, scene)
    gap = scene.height >= SHORT
    room = scene.height - len(top) - len(bottom) - 2 * gap
    findings = scene.status.findings if scene.status else ()
    wanted = sum(len(_lines(found, scene.width)) for found in findings)
    cells = table(board, scene, _share(room, wanted, gap))
    below = findings_within(findings, room - cells.height - (gap and bool(wanted)), scene.width)
    middle: list[RenderableType] = [cells.body] if cells.height else []
    if gap and below:
        middle.append(Text())
    middle += below
    blank = [Text()] if gap else []
    return [*top, *blank, *middle, *blank, *bottom]


def _share(room: int, wanted: int, gap: bool) -> int:
    """How many lines the cells may take: all that the findings do not want, and half of them in any case."""
    return max(room - wanted - (gap and bool(wanted)), room // 2, 0)


# ---- the first and the last lines


def _head(board: Board, scene: Scene) -> list[RenderableType]:
    status = scene.status
    title = Text.assemble((scene.title, "bold"))
    if status and status.version:
        title.append(f"  v{status.version}", "bold cyan")
    title.append("  ")
    title.append_text(_phase(board, scene))
    lines: list[RenderableType] = [title]
    if status and status.notice:
        lines.append(_line(status.notice, "bold reverse red"))
    if status and status.trouble:
        lines.append(_line(status.trouble, "yellow"))
    return lines


def _phase(board: Board, scene: Scene) -> Text:
    if scene.final:
        return Text("ended", "dim")
    phase = scene.status.phase if scene.status else "building"
    if phase == "waiting" and not board.active:
        return Text("waiting for a change", "dim")
    frame = SPINNER[int(scene.now * 5) % len(SPINNER)]
    done = sum(not row.activity for row in board.rows.values())
    count = f" {done}/{len(board.rows)}" if len(board.rows) > 1 and phase == "running" else ""
    return Text(f"{frame} {phase}{count}", "cyan")


def _foot(board: Board, scene: Scene) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if board.last:
        clock = time.strftime("%H:%M:%S", time.localtime(board.ended))
        lines.append(Text.assemble((clock, "dim"), "  ", board.last))
    if scene.message:
        lines.append(_line(scene.message, "bold yellow"))
    if scene.help and scene.height >= SHORT:
        lines += [Text.assemble((f"{key:>6}", "bold"), f"  {does}") for key, does in HELP]
    elif scene.keys and not scene.final and scene.height >= SHORT // 2:
        words = Text("  ").join(Text.assemble((key, "bold"), (f" {does}", "dim")) for key, does in KEYS)
        lines.append(words)
    return lines


def _line(text: str, style: str) -> Text:
    return Text(text, style)


# ---- diagnostics


def findings_within(findings: Sequence[Diagnostic], lines: int, width: int) -> list[RenderableType]:
    """Diagnostics as `check` prints them, errors first, in at most so many lines; the last counts what is left out."""
    if lines <= 0:
        return []
    ordered = sorted(findings, key=lambda found: found.severity is not Severity.ERROR)
    shown: list[RenderableType] = []
    for number, found in enumerate(ordered):
        more = len(ordered) - number - 1
        fits = lines - len(shown) - (more > 0)
        block = _lines(found, width)
        if len(block) > fits and (shown or fits <= 0):
            shown = shown[: lines - 1]
            return [*shown, _line(f"... and {more + 1} more", "dim")]
        shown += block[:fits]
    return shown


def _lines(found: Diagnostic, width: int) -> list[Text]:
    """One diagnostic, with its place and its marker in colour. Words are folded; source lines are cut later."""
    lines, colour = [], ""
    for line in _folded(found.render().splitlines(), width):
        text = Text(printable(line))
        text.expand_tabs(8)
        if heading := _HEADING.match(line):
            colour = _COLOURS[Severity(heading[1])]
            text.stylize("bold" if heading[1] != Severity.NOTE else "")
            text.stylize(f"bold {colour}", heading.start(1), heading.end(1) + 1)
        elif line.lstrip(" |").startswith("^"):
            text.stylize(f"bold {colour}", 8)
        lines.append(text)
    return lines


def _folded(lines: Iterable[str], width: int) -> Iterator[str]:
    for line in lines:
        if _SOURCE.match(line):
            yield line
        else:
            indent = "        " if width > 40 else ""
            yield from textwrap.wrap(line, max(width, 1), subsequent_indent=indent, break_on_hyphens=False) or [line]


_SOURCE = re.compile(r" *\d* \| ")
_HEADING = re.compile(rf"(?:\S.*?: )?({'|'.join(Severity)}): ")
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "magenta", Severity.NOTE: "cyan"}


def printable(text: str) -> str:
    """Text without characters that would move the cursor."""
    return "".join(c if c == "\t" or c.isprintable() else "?" for c in text)
