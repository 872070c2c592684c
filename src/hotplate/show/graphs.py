"""A dependency graph as SVG: boxes with the state of each cell, what it gave, and how long it took."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

from hotplate.show.layering import Layout, Place, lay_out
from hotplate.show.marks import mark_of
from hotplate.show.pages import MONOSPACE, VARIABLES, escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MOST = 200
"""Boxes beyond which nobody finds anything in a picture."""


@dataclass(frozen=True, slots=True)
class Box:
    """A cell, or an input."""

    name: str
    tip: str = ""
    """What is told of it while the pointer rests there."""
    is_input: bool = False
    is_trap: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """An edge, from where a value comes to where it goes."""

    source: str
    target: str
    label: str = ""
    conditional: bool = False
    """Whether only the target's condition looks at the value."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph as it is drawn. Names of inputs and of cells differ."""

    boxes: Sequence[Box]
    links: Sequence[Link] = ()


@dataclass(frozen=True, slots=True)
class State:
    """How a cell stands."""

    state: str = ""
    """As `marks` names it; "" for one of which nothing is known."""
    detail: str = ""
    """What its value is: `float64[512]`."""
    time: str = ""


def as_svg(drawing: Drawing, states: Mapping[str, State] | None = None) -> str:
    """The graph as one element that needs nothing else, also as a file. It takes the colour of the text around it."""
    states = states or {}
    tall = any(state.state for state in states.values())
    sizes = {box.name: _size(box, states.get(box.name, _UNKNOWN), tall=tall) for box in drawing.boxes}
    merged = _merged(link for link in drawing.links if link.source in sizes and link.target in sizes)
    layout = _laid_out(tuple(sizes.items()), tuple(merged))
    edges = [_edge(link, layout.routes[ends]) for ends, link in merged.items() if ends in layout.routes]
    boxes = [_box(box, layout.places[box.name], states.get(box.name, _UNKNOWN)) for box in drawing.boxes]
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="hotplate-graph" role="img" aria-label="dependency graph" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="{-_MARGIN} {-_MARGIN} {width:.1f} {height:.1f}">'
        f"<style>{_STYLE}</style>{''.join(edges)}{''.join(boxes)}</svg>"
    )


@lru_cache(maxsize=16)
def _laid_out(sizes: tuple[tuple[str, tuple[float, float]], ...], edges: tuple[tuple[str, str], ...]) -> Layout:
    """A picture that follows a watch is drawn ten times a second, and seldom has other boxes than before."""
    return lay_out(dict(sizes), edges)


# ---- boxes


_UNKNOWN = State()
_MARGIN = 6
_NAME, _SMALL = 7.9, 6.7
"""The width of a character in pixels: monospaced, at 13 and 11 pixels."""
_PAD = 12
_SIGN = 18
"""What the sign takes before the name."""
_LONGEST = 30
_WIDTHS = 24


def _size(box: Box, state: State, *, tall: bool) -> tuple[float, float]:
    if box.is_input:
        return _columns(box.name) * _SMALL + 2 * _PAD, 22.0
    first = _columns(_cut(box.name)) * _NAME + (_SIGN if state.state else 0)
    second = (_columns(state.detail) + bool(state.detail and state.time) * 2 + _columns(state.time)) * _SMALL
    width = max(first, second) + 2 * _PAD
    # In steps: another digit of a time must not move all boxes around.
    return (ceil(width / _WIDTHS) * _WIDTHS, 44.0) if tall else (width, 28.0)


def _box(box: Box, place: Place, state: State) -> str:
    tone = mark_of(state.state).tone if state.state else "idle"
    kind = "hp-input" if box.is_input else "hp-trap" if box.is_trap else "hp-cell"
    corner = place.height / 2 if box.is_input else 5.0
    facts = " · ".join(filter(None, [state.state, state.detail, state.time]))
    tip = "\n".join(filter(None, [box.name, box.tip, facts]))
    colour = f"stroke: var(--hp-{tone}); fill: var(--hp-{tone})"
    texts = _input_text(box, place) if box.is_input else "".join(_cell_texts(box, place, state))
    return (
        f'<g class="{kind}" data-name="{escape(box.name)}" data-state="{escape(state.state)}">'
        f'<title>{escape(tip)}</title><rect {_at(place)} rx="{corner:g}" style="{colour}"/>{texts}</g>'
    )


def _input_text(box: Box, place: Place) -> str:
    return _text(box.name, place.x + place.width / 2, place.y + 15, 'class="hp-small" text-anchor="middle"')


def _cell_texts(box: Box, place: Place, state: State) -> Iterator[str]:
    two = bool(state.detail or state.time)
    left, line = place.x + _PAD, place.y + (18 if two else place.height / 2 + 4.5)
    if state.state:
        mark = mark_of(state.state)
        turning = "" if mark.sign else 'class="hp-turning" '
        yield _text(mark.sign or "▸", left, line, f'{turning}style="fill: var(--hp-{mark.tone})"')
        left += _SIGN
    yield _text(_cut(box.name), left, line, 'class="hp-name"')
    if two:
        yield _text(state.detail, place.x + _PAD, place.y + 35, 'class="hp-small"')
        yield _text(state.time, place.x + place.width - _PAD, place.y + 35, 'class="hp-small" text-anchor="end"')


def _text(text: str, x: float, y: float, attributes: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>'


def _at(place: Place) -> str:
    return f'x="{place.x:.1f}" y="{place.y:.1f}" width="{place.width:.1f}" height="{place.height:.1f}"'


def _cut(name: str) -> str:
    """A long name without its middle: beginnings and ends tell cells apart."""
    half = _LONGEST // 2
    return name if len(name) <= _LONGEST else f"{name[: half - 1]}…{name[-half:]}"


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


# ---- edges


def _merged(links: Iterable[Link]) -> dict[tuple[str, str], Link]:
    """One link for all from one cell to another."""
    found: dict[tuple[str, str], Link] = {}
    for link in links:
        ends = link.source, link.target
        if (other := found.get(ends)) is None:
            found[ends] = link
        else:
            label = ", ".join(filter(None, (other.label, link.label)))
            found[ends] = Link(*ends, label, other.conditional and link.conditional)
    return found


def _edge(link: Link, points: Sequence[tuple[float, float]]) -> str:
    path = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for (x, y), (to_x, to_y) in pairwise(points):
        if abs(x - to_x) < 0.05:
            path.append(f"V{to_y:.1f}")
        else:
            middle = (y + to_y) / 2
            path.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
    (x, y), rises = points[-1], points[-1][1] < points[0][1]
    tip = y + (6 if rises else -6)
    label = f".{link.label}" if link.label else ""
    kind = "hp-edge hp-conditional" if link.conditional else "hp-edge"
    return (
        f'<g class="{kind}" data-from="{escape(link.source)}" data-to="{escape(link.target)}">'
        f"<title>{escape(f'{link.source}{label} → {link.target}')}</title>"
        f'<path d="{"".join(path)}"/><path class="hp-tip" d="M{x - 3.5:.1f} {tip:.1f}h7L{x:.1f} {y:.1f}z"/></g>'
    )


_STYLE = f"""
.hotplate-graph {{ {VARIABLES} font-family: {MONOSPACE}; font-size: 13px; fill: currentColor; overflow: visible; }}
:root.hotplate-graph {{ color: #1c1c1c; }}
@media (prefers-color-scheme: dark) {{ :root.hotplate-graph {{ color: #e8e8e8; }} }}
.hotplate-graph .hp-name {{ font-weight: 600; }}
.hotplate-graph .hp-small {{ font-size: 11px; opacity: .75; }}
.hotplate-graph rect {{ fill-opacity: .1; stroke-width: 1.4; }}
.hotplate-graph .hp-input rect {{ fill: none !important; stroke: currentColor !important; stroke-opacity: .45;
  stroke-width: 1; }}
.hotplate-graph .hp-trap rect {{ stroke-dasharray: 2 3; }}
.hotplate-graph .hp-edge path {{ fill: none; stroke: #8c8c8c; stroke-width: 1.2; }}
.hotplate-graph .hp-edge .hp-tip {{ fill: #8c8c8c; stroke: none; }}
.hotplate-graph .hp-conditional path {{ stroke-dasharray: 4 3; }}
.hotplate-graph .hp-turning {{ animation: hotplate-turning 1s ease-in-out infinite alternate; }}
@keyframes hotplate-turning {{ from {{ opacity: 1; }} to {{ opacity: .25; }} }}
@media (prefers-reduced-motion: reduce) {{ .hotplate-graph .hp-turning {{ animation: none; }} }}
"""
