"""Graphs that executors are tried on: small ones of every shape that computations have."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Needs = dict[str, tuple[str, ...]]
"""For each task those that it needs, in a valid order."""


def _chain(length: int) -> Needs:
    return {f"t{i}": (f"t{i - 1}",) if i else () for i in range(length)}


def _fan_out(width: int) -> Needs:
    return {"root": ()} | {f"leaf{i}": ("root",) for i in range(width)}


def _fan_in(width: int) -> Needs:
    leaves = tuple(f"leaf{i}" for i in range(width))
    return dict.fromkeys(leaves, ()) | {"end": leaves}


def _tree(height: int) -> Needs:
    """Pairs that are joined until one is left: node i joins 2i and 2i + 1."""
    nodes = range(2**height - 1, 0, -1)
    return {f"t{i}": (f"t{2 * i}", f"t{2 * i + 1}") if 2 * i in nodes else () for i in nodes}


def _layers(count: int, width: int, takes: Callable[[int, int, int], bool]) -> Needs:
    """Layers of tasks; `takes(layer, i, j)`: task i of a layer needs task j of the one before."""
    needs: Needs = {}
    for layer in range(count):
        for i in range(width):
            before = range(width) if layer else ()
            needs[f"t{layer}_{i}"] = tuple(f"t{layer - 1}_{j}" for j in before if takes(layer, i, j))
    return needs


def _random(seed: int, size: int) -> Needs:
    choose = random.Random(seed)
    names = [f"t{i}" for i in range(size)]
    return {name: tuple(choose.sample(names[:i], min(i, choose.randrange(4)))) for i, name in enumerate(names)}


SHAPES: Mapping[str, Needs] = {
    "empty": {},
    "single": {"only": ()},
    "chain": _chain(40),
    "fan-out": _fan_out(60),
    "fan-in": _fan_in(60),
    "diamond": {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")},
    "stencil": _layers(6, 8, lambda _layer, i, j: abs(i - j) <= 1),
    "butterfly": _layers(4, 8, lambda layer, i, j: j in (i, i ^ (1 << (layer - 1)))),
    "tree": _tree(5),
    "all-to-all": _layers(5, 6, lambda _layer, _i, _j: True),
    **{f"random-{seed}": _random(seed, 40) for seed in range(3)},
}
