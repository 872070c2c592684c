"""A comparison in words: "faster by 5.1 % [4.4, 5.8]". Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.bench.statistics import Verdict

if TYPE_CHECKING:
    from hotplate.bench.report import Comparison
    from hotplate.bench.statistics import Interval

__all__ = ["amount", "verdict"]

_TIMES = 2.0
"""From this ratio on it is told as a number of times."""


def verdict(made: Comparison) -> str:
    """What came of it, with the bounds of the interval in brackets."""
    text = _verdict(made)
    return f"{text} (the same build)" if made.same_build else text


def _verdict(made: Comparison) -> str:
    margin, interval = f"±{_number(made.margin)} %", made.interval
    match made.verdict:
        case Verdict.SAME:
            return f"no difference beyond {margin} ({amount(interval)})"
        case Verdict.UNDECIDED:
            return f"undecided, {amount(interval)}; more --seconds would tell"
        case _:
            return amount(interval)


def amount(interval: Interval) -> str:
    """By how much, of the baseline's time. The sign of a bound says that it is on the other side."""
    slower = interval.ratio >= 1
    ratio, low, high = interval.ratio, interval.low, interval.high
    if ratio >= _TIMES:
        return f"{ratio:.3g} times as slow [{low:.3g}, {high:.3g}]"
    if ratio <= 1 / _TIMES:
        return f"{1 / ratio:.3g} times as fast [{1 / high:.3g}, {1 / low:.3g}]"
    sign, ends = (1, (low, high)) if slower else (-1, (high, low))
    bounds = ", ".join(_number(sign * (end - 1)) for end in ends)
    return f"{'slower' if slower else 'faster'} by {_number(abs(ratio - 1))} % [{bounds}]"


def _number(part: float) -> str:
    return f"{100 * part:.1f}".removesuffix(".0") if part else "0"
