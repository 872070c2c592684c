"""How long a cell takes: its calls, measured one by one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from hotplate.show.words import milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.jupyter.session import Session

_WARM_UP = 2
_FEWEST = 3


@dataclass(frozen=True, slots=True)
class Timing:
    """What calls of a cell took, in seconds. Immutable."""

    cell: str
    seconds: tuple[float, ...]
    isolated: bool

    @property
    def median(self) -> float:
        """Half of the calls took less."""
        return median(self.seconds)

    def __str__(self) -> str:
        took = milliseconds
        ordered = sorted(self.seconds)
        low, high = ordered[len(ordered) // 10], ordered[-1 - len(ordered) // 10]
        where = "in a worker" if self.isolated else "in this process"
        return (
            f"{self.cell}: {took(self.median)} a call (8 of 10 between {took(low)} and {took(high)}; "
            f"{len(ordered)} calls {where})"
        )

    def __repr__(self) -> str:
        return str(self)


def time_cell(
    session: Session, name: str, limit: float, rounds: int | None, clock: Callable[[], float] = time.perf_counter
) -> Timing:
    """Calls a cell with the inputs of a run, for at most so many seconds or so often. Raises what the cell raises."""
    loaded = session.home(name).loaded(name)
    arguments = session.arguments(name)
    taken: list[float] = []
    end = clock() + limit
    for number in range(-_WARM_UP, rounds or 1_000_000):
        begin = clock()
        loaded(**arguments)
        if number >= 0:
            taken.append(clock() - begin)
        if rounds is None and len(taken) >= _FEWEST and clock() > end:
            break
    return Timing(name, tuple(taken), loaded.isolated)
