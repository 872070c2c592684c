"""Backoff: how long to wait before the next attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class FixedBackoff:
    """The same wait each time, in seconds; with `jitter`, any time up to it. Raises SettingError below 0."""

    seconds: float = 0.0
    jitter: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.seconds < float("inf"):
            raise SettingError(f"a backoff can't be {self.seconds} s: give a number of seconds, 0 or more")

    @property
    def longest(self) -> float:
        """No wait is longer, in seconds."""
        return self.seconds

    def wait(self, retry: int, random: Callable[[], float]) -> float:
        """Seconds before the `retry`-th further attempt, from 1. `random` gives numbers from 0 up to 1."""
        return _jittered(self.ceiling(retry), self.jitter, random)

    def ceiling(self, retry: int) -> float:
        """What `wait` is without jitter."""
        _check(retry)
        return self.seconds


@dataclass(frozen=True, slots=True)
class ExponentialBackoff:
    """`base` seconds at first, each time `factor` times as long, never longer than `maximum`.

    With `jitter`, which is the default, any time up to that: cells that failed together do not come back together
    ("full jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).

    Raises SettingError when that makes no sense: a base of 0 or less or above the maximum, a factor of 1 or less.
    """

    base: float
    maximum: float
    factor: float = 2.0
    jitter: bool = True

    def __post_init__(self) -> None:
        for name, seconds in (("base", self.base), ("maximum", self.maximum)):
            if not 0 < seconds < float("inf"):
                raise SettingError(f"a backoff's {name} can't be {seconds} s: give a number of seconds above 0")
        if self.base > self.maximum:
            message = f"a backoff's base ({self.base:g} s) is above its maximum ({self.maximum:g} s): swap them"
            raise SettingError(message)
        if not 1 < self.factor < float("inf"):
            raise SettingError(f"a backoff's factor can't be {self.factor}: it is above 1, or use a FixedBackoff")

    @property
    def longest(self) -> float:
        """No wait is longer, in seconds."""
        return self.maximum

    def wait(self, retry: int, random: Callable[[], float]) -> float:
        """Seconds before the `retry`-th further attempt, from 1. `random` gives numbers from 0 up to 1."""
        return _jittered(self.ceiling(retry), self.jitter, random)

    def ceiling(self, retry: int) -> float:
        """What `wait` is without jitter."""
        _check(retry)
        seconds = self.base
        for _ in range(retry - 1):
            if seconds >= self.maximum / self.factor:  # before multiplying: nothing overflows, and the loop ends
                return self.maximum
            seconds *= self.factor
        return seconds


Backoff = FixedBackoff | ExponentialBackoff
"""The kinds of backoff."""
NO_WAIT = FixedBackoff()


def _check(retry: int) -> None:
    if retry < 1:
        raise SettingError(f"there is no wait before retry {retry}: retries count from 1")


def _jittered(seconds: float, jitter: bool, random: Callable[[], float]) -> float:
    return seconds * random() if jitter else seconds
