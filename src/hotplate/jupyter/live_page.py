"""The live panel as HTML and as text: what a watch's board and status look like in a notebook. Nothing here acts."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.notebook.drawing import as_svg, drawing_of
from hotplate.run.picture import problem, value_columns
from hotplate.show import Picture
from hotplate.show.graphs import MOST, State
from hotplate.show.marks import mark_of
from hotplate.show.pages import escape, page, pre, toned
from hotplate.show.words import milliseconds, parts, preview, type_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from hotplate.notebook.graph import Graph
    from hotplate.reload import LiveStatus
    from hotplate.reload.board import Board, Row
    from hotplate.run import CellResult

ROWS = 60
"""Cells that have a row of their own; of more, those that were kept or wait are counted."""
FINDINGS = 12


class Values:
    """The columns of values as they were drawn last: most pictures show the same results as the one before."""

    def __init__(self) -> None:
        self._drawn: dict[str, tuple[CellResult, list[tuple[str, str]]]] = {}

    def of(self, result: CellResult) -> list[tuple[str, str]]:
        """The columns for each field of a result, with its name; one without a name where there are no fields."""
        known = self._drawn.get(result.name)
        if known is None or known[0] is not result:
            columns = [(name, value_columns(value)) for name, value in parts(result.value)]
            self._drawn[result.name] = known = (result, columns)
        return known[1]

    def keep(self, names: Collection[str]) -> None:
        """Lets go of the results of all other cells."""
        self._drawn = {name: known for name, known in self._drawn.items() if name in names}


@dataclass(frozen=True, slots=True)
class Scene:
    """What one picture shows, besides the board."""

    title: str
    graph: Graph
    now: float = 0.0
    status: LiveStatus | None = None
    progress: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    values: Values = field(default_factory=Values)
    ended: bool = False
    """Whether it is the last picture, which stays in the saved notebook."""


def panel_picture(board: Board, scene: Scene) -> Picture:
    """The panel from top to bottom: what goes on, marks, graph, cells, what is wrong, and what happened last."""
    shown, hidden = _chosen(board)
    scene.values.keep(board.rows)
    findings = _ordered(scene.status.findings if scene.status else ())
    parts_of_it = [
        _head(board, scene),
        *(f'<div class="hp-mark hp-wrong">{escape(mark)}</div>' for mark in _marks(scene)),
        _graph(board, scene),
        f'<div class="hp-scroll"><table>{"".join(row for it in shown for row in _rows(it, scene))}</table></div>',
        _line(_counted(hidden)),
        *(_finding(found) for found in findings[:FINDINGS]),
        _line(f"... and {len(findings) - FINDINGS} more" if len(findings) > FINDINGS else ""),
        _line(_last(board)),
    ]
    return Picture(page("".join(parts_of_it)), "\n".join(_text(board, scene, shown, hidden, findings)))


def _line(text: str) -> str:
    return f'<div class="hp-dim">{escape(text)}</div>' if text else ""


# ---- around the cells


def _head(board: Board, scene: Scene) -> str:
    phase = _phase(board, scene)
    tone = "idle" if phase in (_IDLE, _ENDED) else "busy"
    version = f' <span class="hp-kept">v{scene.status.version}</span>' if scene.status and scene.status.version else ""
    return f"<div><b>{escape(scene.title)}</b>{version} {toned(phase, tone)}</div>"


_IDLE, _ENDED = "waiting for a change", "ended"


def _phase(board: Board, scene: Scene) -> str:
    if scene.ended:
        return _ENDED
    phase = scene.status.phase if scene.status else "building"
    if phase == "waiting" and not board.active:
        return _IDLE
    done = sum(not row.activity for row in board.rows.values())
    return f"▸ {phase} {done}/{len(board.rows)}" if phase == "running" and board.rows else f"▸ {phase}"


def _marks(scene: Scene) -> list[str]:
    return [mark for mark in (scene.status.notice, scene.status.trouble) if mark] if scene.status else []


def _last(board: Board) -> str:
    return f"{time.strftime('%H:%M:%S', time.localtime(board.ended))}  {board.last}" if board.last else ""


def _ordered(findings: Sequence[Diagnostic]) -> list[Diagnostic]:
    return sorted(findings, key=lambda found: found.severity is not Severity.ERROR)


def _finding(found: Diagnostic) -> str:
    tones = {Severity.ERROR: "bad", Severity.WARNING: "late"}
    return f'<div class="hp-scroll">{pre(found.render(), tones.get(found.severity, ""))}</div>'


# ---- the graph


def _graph(board: Board, scene: Scene) -> str:
    if len(drawing_of(scene.graph).boxes) > MOST:
        return ""
    states = {name: _state(board.rows[name], scene) for name in scene.graph.order if name in board.rows}
    return f'<div class="hp-scroll">{as_svg(scene.graph, states)}</div>'


def _state(row: Row, scene: Scene) -> State:
    value = row.result.value if row.result else None
    fields = getattr(type(value), "_fields", ())
    return State(row.state, f"{len(fields)} results" if fields else type_of(value), _ran(row, scene))


def _ran(row: Row, scene: Scene) -> str:
    if row.activity in ("building", "running"):
        return f"{max(scene.now - row.since, 0.0):.1f} s"
    return milliseconds(row.result.outcome.seconds) if row.result and row.result.outcome.seconds else ""


# ---- the cells


def _chosen(board: Board) -> tuple[list[Row], list[Row]]:
    rows = list(board.rows.values())
    if len(rows) <= ROWS:
        return rows, []
    news = [row for row in rows if row.state not in ("kept", "given", "waiting")][:ROWS]
    names = {row.name for row in news}
    return news, [row for row in rows if row.name not in names]


def _counted(hidden: Sequence[Row]) -> str:
    counts = Counter(row.state for row in hidden).most_common()
    return f"... and {len(hidden)} more: {', '.join(f'{n} {state}' for state, n in counts)}" if hidden else ""


def _rows(row: Row, scene: Scene) -> Iterator[str]:
    mark = mark_of(row.state)
    first = (
        f"<td><b>{escape(row.name)}</b></td>"
        f"<td>{toned(_sign_and_words(row), mark.tone)}</td>"
        f'<td class="hp-dim">{escape(_why(row))}</td>'
        f'<td class="hp-right hp-dim">{milliseconds(row.build_seconds) if row.build_seconds else ""}</td>'
        f'<td class="hp-right">{_ran(row, scene)}</td>'
    )
    result = row.result
    if row.activity == "running":
        yield f"<tr>{first}<td></td><td>{_progress(row, scene)}</td></tr>"
    elif row.retrying:
        yield f'<tr>{first}<td></td><td class="hp-wide hp-late">{escape(row.retrying)}</td></tr>'
    elif result is None or not result.outcome.ok:
        words = problem(result) if result else ""
        tone = "" if row.state in ("skipped", "cancelled") else "bad"
        yield f'<tr>{first}<td></td><td class="hp-wide">{pre(words, tone) if words else ""}</td></tr>'
    else:
        yield from _values(row, first, scene.values.of(result))


def _values(row: Row, first: str, columns: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A value that is about to be replaced, or that an older text computed, is not what the file says now: dim."""
    old = ' class="hp-dim"' if row.activity or row.broken else ""
    for name, shown in columns:
        if name and first:
            yield f"<tr>{first}<td></td><td></td></tr>"
            first = ""
        label = f'<td class="hp-dim">&nbsp;&nbsp;.{escape(name)}</td>{"<td></td>" * 4}' if name else first
        yield f"<tr{old}>{label}{shown}</tr>"


def _sign_and_words(row: Row) -> str:
    return f"{mark_of(row.state).sign or '▸'} {row.state.replace('_', ' ')}"


def _why(row: Row) -> str:
    if row.activity or row.result is None or not row.result.outcome.ok:
        return ""
    return "does not compile" if row.broken else row.result.reason


def _progress(row: Row, scene: Scene) -> str:
    done, total = scene.progress.get(row.name, row.reported)
    if not total:
        return escape(done or "")
    return f'<progress value="{min(done, total)}" max="{total}"></progress> {100 * done // total}%'


# ---- as text


def _text(
    board: Board, scene: Scene, shown: Sequence[Row], hidden: Sequence[Row], findings: Sequence[Diagnostic]
) -> Iterator[str]:
    version = f" v{scene.status.version}" if scene.status and scene.status.version else ""
    yield f"{scene.title}{version}  {_phase(board, scene)}"
    yield from _marks(scene)
    width = max((len(row.name) for row in shown), default=0)
    for row in shown:
        words = [f"{row.name:{width}}  {_sign_and_words(row)}", _ran(row, scene), _gist(row, scene)]
        yield "  ".join(filter(None, words))
    if hidden:
        yield _counted(hidden)
    yield from (found.render() for found in findings[:FINDINGS])
    if board.last:
        yield _last(board)


def _gist(row: Row, scene: Scene) -> str:
    if row.activity == "running":
        done, total = scene.progress.get(row.name, row.reported)
        return f"{100 * done // total}%" if total else ""
    if row.retrying or row.result is None:
        return row.retrying
    if not row.result.outcome.ok:
        return problem(row.result).partition("\n")[0]
    return ", ".join(
        " ".join(filter(None, (name and f".{name}", type_of(value), preview(value, 40))))
        for name, value in parts(row.result.value)
    )
