"""Rows of a layered layout: in which order the spots of each row stand, and where along it."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

Spot = TypeVar("Spot", bound="Hashable")

_SWEEPS = 12
"""How often rows are ordered by those above and by those below."""
_SETTLING = 8
"""The same for places along the rows."""


def fewer_crossings(rows: Sequence[Sequence[Spot]], links: Mapping[Spot, Sequence[Spot]]) -> list[list[Spot]]:
    """Orders the rows by the mean places of what each spot is joined to; of all orders tried, the best."""
    above = reverse(links)
    best = order = [list(row) for row in rows]
    least = crossings(best, links)
    for sweep in range(_SWEEPS):
        if not least:
            break
        order = _ordered(order, above) if sweep % 2 == 0 else _ordered(order[::-1], links)[::-1]
        if (found := crossings(order, links)) < least:
            best, least = order, found
    return best


def reverse(links: Mapping[Spot, Sequence[Spot]]) -> dict[Spot, list[Spot]]:
    """For each spot those above that it is joined to."""
    above: defaultdict[Spot, list[Spot]] = defaultdict(list)
    for upper, lowers in links.items():
        for lower in lowers:
            above[lower].append(upper)
    return above


def crossings(rows: Sequence[Sequence[Spot]], links: Mapping[Spot, Sequence[Spot]]) -> int:
    """How many pairs of links between neighbouring rows cross."""
    count = 0
    for row, below in pairwise(rows):
        at = {spot: i for i, spot in enumerate(below)}
        ends: list[int] = []
        for spot in row:
            new = sorted(at[lower] for lower in links.get(spot, ()))
            count += sum(len(ends) - bisect_right(ends, end) for end in new)
            for end in new:
                insort(ends, end)
    return count


def _ordered(rows: Sequence[Sequence[Spot]], joined: Mapping[Spot, Sequence[Spot]]) -> list[list[Spot]]:
    """Each row by the one before it; what is joined to nothing there keeps its place."""
    done = [list(rows[0])] if rows else []
    for row in rows[1:]:
        at = {spot: i for i, spot in enumerate(done[-1])}
        keys = {spot: _mean([at[other] for other in joined.get(spot, ())], i) for i, spot in enumerate(row)}
        done.append(sorted(row, key=keys.__getitem__))
    return done


def _mean(numbers: Sequence[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise


@dataclass(frozen=True, slots=True)
class Span:
    """What a spot takes of its row, with the room beside it, and how much its wish counts beside those of others."""

    width: float
    weight: float = 1.0


def even_out(
    rows: Sequence[Sequence[Spot]], links: Mapping[Spot, Sequence[Spot]], spans: Mapping[Spot, Span]
) -> dict[Spot, float]:
    """The centre of each spot: near to what it is joined to, and clear of its neighbours in the row."""
    above = reverse(links)
    centres: dict[Spot, float] = {}
    for row in rows:
        _place(row, lambda _: 0.0, spans, centres)
    for sweep in range(_SETTLING):
        downwards, last = sweep % 2 == 0, sweep == _SETTLING - 1
        for row in rows if downwards else reversed(rows):

            def wish(spot: Spot, downwards: bool = downwards, last: bool = last) -> float:
                upper, lower = above.get(spot, ()), links.get(spot, ())
                near = [*upper, *lower] if last else (upper or lower) if downwards else (lower or upper)
                return _mean([centres[other] for other in near], centres[spot])

            _place(row, wish, spans, centres)
    return centres


def _place(
    row: Sequence[Spot],
    wish: Callable[[Spot], float],
    spans: Mapping[Spot, Span],
    centres: dict[Spot, float],
) -> None:
    """The places with the least weighted squares of the distances from what is wished, in this order, without overlap.

    That is isotonic regression: spots that would meet form a block, which goes to the mean of their wishes.
    """
    offsets, at = [], 0.0
    for i, spot in enumerate(row):
        at += (spans[row[i - 1]].width + spans[spot].width) / 2 if i else 0.0
        offsets.append(at)
    blocks: list[tuple[float, float, int]] = []
    for spot, offset in zip(row, offsets, strict=True):
        mean, weight, size = wish(spot) - offset, spans[spot].weight, 1
        while blocks and blocks[-1][0] > mean:
            before, heavy, many = blocks.pop()
            mean = (before * heavy + mean * weight) / (heavy + weight)
            weight, size = heavy + weight, size + many
        blocks.append((mean, weight, size))
    shifts = [mean for mean, _, size in blocks for _ in range(size)]
    centres.update((spot, offset + shift) for spot, offset, shift in zip(row, offsets, shifts, strict=True))
