"""An open notebook as its graph: how each cell stands, what it gave, and how long that took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.notebook import slice_cell
from hotplate.notebook.drawing import picture_of
from hotplate.run.picture import times
from hotplate.show import Picture
from hotplate.show.graphs import State
from hotplate.show.marks import mark_of
from hotplate.show.pages import escape, page
from hotplate.show.words import type_of

if TYPE_CHECKING:
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import NotebookModel
    from hotplate.run import CellResult, Run, StateManager
    from hotplate.session.contents import Contents


def notebook_picture(contents: Contents, state: StateManager, run: Run | None, before: NotebookModel | None) -> Picture:
    """The graph below the notebook's name, with what there is to say of the results' age.

    `before` is the text that the results of the last `run` are of.
    """
    name, graph, notice = contents.path.name, contents.graph, run.notice if run is not None else ""
    states = _states(graph, run, _edited(before, contents.model) | contents.redefined(state))
    drawn = picture_of(graph, states)
    mark = f'<div class="hp-mark">{escape(notice)}</div>' if notice else ""
    width = max((len(cell) for cell in states), default=0)
    lines = [f"{_sign(state)} {cell:{width}}  {_words(state)}".rstrip() for cell, state in states.items()]
    return Picture(
        page(f"<div><b>{escape(name)}</b></div>{mark}{drawn.html}"),
        "\n".join(filter(None, [name, notice, *(lines if any(map(_words, states.values())) else [drawn.text])])),
    )


def _sign(state: State) -> str:
    return mark_of(state.state).sign or "▸" if state.state else " "


def _words(state: State) -> str:
    return ", ".join(filter(None, [state.state, state.detail, state.time]))


def _states(graph: Graph, run: Run | None, outdated: frozenset[str]) -> dict[str, State]:
    """How cells stand after a run, in dependency order.

    Those whose code is another one now are stale, and so is what depends on them.
    """
    results = run.cells if run is not None else {}
    stale = (outdated | graph.descendants(outdated)) & results.keys()
    return {name: _state(results[name], name in stale) if name in results else State() for name in graph.order}


def _state(result: CellResult, stale: bool) -> State:
    _, ran = times(result)
    shown = "stale" if stale and result.outcome.ok and not result.given else result.status
    fields = getattr(type(result.value), "_fields", ())
    return State(shown, f"{len(fields)} results" if fields else type_of(result.value), ran)


def _edited(before: NotebookModel | None, now: NotebookModel) -> frozenset[str]:
    """The cells whose code differs in two texts of a notebook, or that are new. Comments do not count."""
    if before is None or before is now:
        return frozenset()
    return frozenset(
        name
        for name in now.cells
        if name not in before.cells or slice_cell(before, name).fingerprint != slice_cell(now, name).fingerprint
    )
