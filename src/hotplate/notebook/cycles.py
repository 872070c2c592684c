"""Order and cycles of a graph given as name → the names it depends on. Linear time, no recursion."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["cycle_in", "dependency_order"]


def dependency_order(names: Sequence[str], before: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], list[str]]:
    """The names, each after those it depends on and else in the order given; and those that a cycle keeps from it.

    Names that are in that order already stay so: this is a depth-first walk from each name in turn.
    """
    order: list[str] = []
    state: dict[str, bool] = {}  # False: on the way, or kept by a cycle; True: in the order
    for root in names:
        stack = [] if root in state else [(root, iter(before.get(root, ())))]
        if stack:
            state[root] = False
        while stack:
            name, rest = stack[-1]
            new = next((other for other in rest if other not in state), None)
            if new is not None:
                state[new] = False
                stack.append((new, iter(before.get(new, ()))))
                continue
            stack.pop()
            if all(state[other] for other in before.get(name, ())):
                state[name] = True
                order.append(name)
    return tuple(order), [name for name in names if not state[name]]


def cycle_in(start: str, before: Mapping[str, tuple[str, ...]], seen: set[str]) -> list[str]:
    """A cycle that a walk from `start` over names not yet `seen` runs into, each depending on the next; or []."""
    path: list[str] = []
    places: dict[str, int] = {}
    stack = [] if start in seen else [(start, iter(before.get(start, ())))]
    if stack:
        seen.add(start)
        places[start] = 0
        path.append(start)
    found: list[str] = []
    while stack:
        name, rest = stack[-1]
        other = next(rest, None)
        if other is None:
            stack.pop()
            path.pop()
            del places[name]
        elif other in places:
            found = found or path[places[other] :]
        elif other not in seen:
            seen.add(other)
            places[other] = len(path)
            path.append(other)
            stack.append((other, iter(before.get(other, ()))))
    return found
