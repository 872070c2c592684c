"""A layered layout of a directed graph: boxes in rows, edges downwards. Pure; a few ms for a hundred boxes.

The steps are those of Sugiyama, Tagawa, Toda, "Methods for Visual Understanding of Hierarchical System Structures"
(1981): rows by the longest path, fewer crossings by barycentres, then places along the rows. Edges over several rows
pass them at bends, which those of one source share.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from hotplate.show.rows import Span, even_out, fewer_crossings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Edge = tuple[str, str]
    Point = tuple[float, float]
    Spot = tuple[str, int]
    """A box (its name, -1), or the bend of a source's edges in a row (the source's name, the row)."""

BETWEEN = 18.0
"""Pixels between two boxes of a row."""
_BEND = Span(10.0, weight=4.0)
"""What an edge takes of a row that it passes; long edges should be straight rather than boxes in the middle."""
_DROP = 34.0
"""Pixels between two rows at least."""
_STEEPNESS = 0.08
"""How much farther apart rows are where edges run far to the side between them, of that distance."""
_MOST_DROP = 90.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box is: its upper left corner, and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Places of all boxes, and for each edge its points, from the source's lower side to the target's upper one.

    An edge of a cycle goes upwards; all others go down from point to point.
    """

    places: Mapping[str, Place]
    routes: Mapping[Edge, tuple[Point, ...]]
    width: float
    height: float


def lay_out(sizes: Mapping[str, tuple[float, float]], edges: Iterable[Edge], room: float = 960.0) -> Layout:
    """Places boxes of these sizes. A row that would be wider than `room` is folded into several."""
    wanted = dict.fromkeys(edge for edge in edges if edge[0] != edge[1])
    ranks = {name: rank for rank, name in enumerate(_sorted(sizes, wanted))}
    down = {edge: edge if ranks[edge[0]] < ranks[edge[1]] else (edge[1], edge[0]) for edge in wanted}
    rows = _folded(_rows(list(ranks), list(down.values())), sizes, room)
    row_of = {name: row for row, names in enumerate(rows) for name in names}
    chains = {edge: _chain(edge, row_of) for edge in down.values()}
    spots, links = _with_bends(rows, chains)
    spots = fewer_crossings(spots, links)
    spans = {spot: Span(sizes[spot[0]][0] + BETWEEN) if spot[1] < 0 else _BEND for row in spots for spot in row}
    centres = even_out(spots, links, spans)
    return _measured(sizes, wanted, down, chains, spots, links, spans, centres)


# ---- rows


def _sorted(names: Iterable[str], edges: Iterable[Edge]) -> list[str]:
    """Sources first; of a cycle the box that came first, so that only one of its edges goes back."""
    waiting: dict[str, set[str]] = {name: set() for name in names}
    after = defaultdict(list)
    for source, target in edges:
        waiting[target].add(source)
        after[source].append(target)
    order: list[str] = []
    ready = [name for name, sources in waiting.items() if not sources]
    while waiting:
        for name in ready or [next(iter(waiting))]:
            waiting.pop(name, None)
            order.append(name)
            for target in after[name]:
                waiting.get(target, set()).discard(name)
        ready = [name for name, sources in waiting.items() if not sources]
    return order


def _rows(order: Sequence[str], edges: Sequence[Edge]) -> list[list[str]]:
    """Each box below all that it depends on; what depends on nothing, right above the first that needs it."""
    before, after = defaultdict(list), defaultdict(list)
    for source, target in edges:
        before[target].append(source)
        after[source].append(target)
    level: dict[str, int] = {}
    for name in order:
        level[name] = max((level[source] + 1 for source in before[name]), default=0)
    for name in order:
        if not before[name] and after[name]:
            level[name] = min(level[target] for target in after[name]) - 1
    rows: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for name in order:
        rows[level[name]].append(name)
    return rows


def _folded(rows: Iterable[list[str]], sizes: Mapping[str, tuple[float, float]], room: float) -> list[list[str]]:
    """No edge joins boxes of one row, so they may as well stand one below the other."""
    folded: list[list[str]] = []
    for row in rows:
        taken, line = 0.0, list[str]()
        for name in row:
            width = sizes[name][0] + BETWEEN
            if line and taken + width > room:
                folded.append(line)
                taken, line = 0.0, []
            taken += width
            line.append(name)
        folded.append(line)
    return folded


# ---- edges over several rows


def _chain(edge: Edge, row_of: Mapping[str, int]) -> list[Spot]:
    source, target = edge
    bends = [(source, row) for row in range(row_of[source] + 1, row_of[target])]
    return [(source, -1), *bends, (target, -1)]


def _with_bends(
    rows: Sequence[Sequence[str]], chains: Mapping[Edge, Sequence[Spot]]
) -> tuple[list[list[Spot]], dict[Spot, list[Spot]]]:
    """The rows with bends behind their boxes, and for each spot those below that it is joined to."""
    spots: list[dict[Spot, None]] = [{(name, -1): None for name in row} for row in rows]
    links: defaultdict[Spot, dict[Spot, None]] = defaultdict(dict)
    for chain in chains.values():
        for upper, lower in pairwise(chain):
            links[upper][lower] = None
        for bend in chain[1:-1]:
            spots[bend[1]][bend] = None
    return [list(row) for row in spots], {spot: list(below) for spot, below in links.items()}


# ---- measures


def _measured(
    sizes: Mapping[str, tuple[float, float]],
    wanted: Iterable[Edge],
    down: Mapping[Edge, Edge],
    chains: Mapping[Edge, Sequence[Spot]],
    spots: Sequence[Sequence[Spot]],
    links: Mapping[Spot, Sequence[Spot]],
    spans: Mapping[Spot, Span],
    centres: Mapping[Spot, float],
) -> Layout:
    left = min((centres[spot] - spans[spot].width / 2 for row in spots for spot in row), default=0.0)
    right = max((centres[spot] + spans[spot].width / 2 for row in spots for spot in row), default=0.0)
    places: dict[str, Place] = {}
    bands: list[tuple[float, float]] = []
    top = 0.0
    steps = _steps(spots, links, centres)
    for row, drop in zip(spots, steps, strict=True):
        height = max(sizes[name][1] for name, bend in row if bend < 0)
        for name, _ in (spot for spot in row if spot[1] < 0):
            width, own = sizes[name]
            places[name] = Place(centres[name, -1] - left - width / 2, top + (height - own) / 2, width, own)
        bands.append((top, top + height))
        top += height + drop
    routes = {}
    for edge in wanted:
        points = _points(chains[down[edge]], places, bands, centres, left)
        routes[edge] = points if down[edge] == edge else points[::-1]
    return Layout(places, routes, right - left, bands[-1][1] if bands else 0.0)


def _steps(
    spots: Sequence[Sequence[Spot]], links: Mapping[Spot, Sequence[Spot]], centres: Mapping[Spot, float]
) -> list[float]:
    """The room below each row: more where edges run far to the side, so that they are not flat."""
    aside = [
        max((abs(centres[spot] - centres[lower]) for spot in row for lower in links.get(spot, ())), default=0.0)
        for row in spots
    ]
    return [min(_DROP + _STEEPNESS * width, _MOST_DROP) for width in aside]


def _points(
    chain: Sequence[Spot],
    places: Mapping[str, Place],
    bands: Sequence[tuple[float, float]],
    centres: Mapping[Spot, float],
    left: float,
) -> tuple[Point, ...]:
    (source, _), (target, _) = chain[0], chain[-1]
    start, end = places[source], places[target]
    points = [(centres[chain[0]] - left, start.y + start.height)]
    for bend in chain[1:-1]:
        points += [(centres[bend] - left, edge) for edge in bands[bend[1]]]
    return (*points, (centres[chain[-1]] - left, end.y))
