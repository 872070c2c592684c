"""How long the waits between attempts are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotplate.errors import SettingError
from hotplate.run.attempts import Backoff, ExponentialBackoff, FixedBackoff

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
seconds = st.floats(min_value=5e-324, max_value=1e308)


def half() -> float:
    return 0.5


def test_a_fixed_backoff_is_the_same_each_time() -> None:
    assert [FixedBackoff(0.25).wait(retry, half) for retry in (1, 2, 10_000)] == [0.25] * 3


def test_an_exponential_backoff_doubles_up_to_its_maximum() -> None:
    backoff = ExponentialBackoff(0.1, 1.0, jitter=False)
    assert [backoff.wait(retry, half) for retry in range(1, 7)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


@pytest.mark.parametrize("backoff", [FixedBackoff(2.0, jitter=True), ExponentialBackoff(2.0, 2.0)])
@pytest.mark.parametrize(("drawn", "wait"), [(0.0, 0.0), (0.5, 1.0), (0.999, 1.998)])
def test_with_full_jitter_a_wait_is_anything_up_to_it(backoff: Backoff, drawn: float, wait: float) -> None:
    assert backoff.wait(3, lambda: drawn) == wait


def test_a_base_below_a_millisecond_is_not_nothing() -> None:
    assert ExponentialBackoff(0.0001, 1.0, jitter=False).wait(1, half) == 0.0001
    assert FixedBackoff(0.0001).wait(1, half) == 0.0001


@pytest.mark.parametrize("retry", [1025, 10_000, 10**9])
@pytest.mark.parametrize("maximum", [60.0, 1e308])
def test_a_late_retry_waits_the_maximum_and_overflows_nowhere(retry: int, maximum: float) -> None:
    backoff = ExponentialBackoff(5e-324, maximum, factor=1e308, jitter=False)
    assert backoff.wait(retry, half) == maximum
    assert ExponentialBackoff(1.0, maximum, jitter=False).wait(retry, half) == maximum


@PROPERTY
@given(a=seconds, b=seconds, factor=st.floats(min_value=1.01, max_value=1e308), retry=st.integers(1, 20_000))
def test_waits_never_shrink_and_stay_between_base_and_maximum(a: float, b: float, factor: float, retry: int) -> None:
    backoff = ExponentialBackoff(min(a, b), max(a, b), factor)
    wait, following = backoff.ceiling(retry), backoff.ceiling(retry + 1)
    assert math.isfinite(wait)
    assert min(a, b) <= wait <= following <= backoff.longest


@PROPERTY
@given(a=seconds, b=seconds, retry=st.integers(1, 100), drawn=st.floats(0, 1, exclude_max=True))
def test_jitter_only_shortens(a: float, b: float, retry: int, drawn: float) -> None:
    for backoff in (FixedBackoff(a, jitter=True), ExponentialBackoff(min(a, b), max(a, b))):
        assert 0 <= backoff.wait(retry, lambda: drawn) <= backoff.ceiling(retry)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_a_time_that_is_none_is_refused(bad: float) -> None:
    with pytest.raises(SettingError, match="backoff"):
        FixedBackoff(bad)
    with pytest.raises(SettingError, match="base"):
        ExponentialBackoff(bad, 1.0)
    with pytest.raises(SettingError, match="maximum"):
        ExponentialBackoff(1.0, bad)
    with pytest.raises(SettingError, match="factor"):
        ExponentialBackoff(1.0, 2.0, bad)


def test_a_base_above_the_maximum_is_refused() -> None:
    with pytest.raises(SettingError, match=r"base \(2 s\) is above its maximum \(1 s\)"):
        ExponentialBackoff(2.0, 1.0)


@pytest.mark.parametrize("backoff", [FixedBackoff(1.0), ExponentialBackoff(1.0, 2.0)])
def test_there_is_no_wait_before_the_first_attempt(backoff: Backoff) -> None:
    with pytest.raises(SettingError, match="retry 0"):
        backoff.wait(0, half)
