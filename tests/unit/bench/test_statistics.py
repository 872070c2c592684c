from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotplate.bench.report import Comparison
from hotplate.bench.statistics import Interval, Verdict, block_time, judge, ratio_interval, spread_of
from hotplate.bench.words import amount, verdict

times = st.lists(st.floats(1e-7, 1e-2), min_size=2, max_size=30)


def blocks(seed: int, ratio: float, *, count: int = 40, noise: float = 0.01) -> tuple[list[float], list[float]]:
    """Paired block times: a level that drifts and is the same for both, and noise of their own."""
    random = np.random.default_rng(seed)
    level = 1e-4 * np.exp(np.cumsum(random.normal(0, 0.02, count)))
    first, second = (level * factor * np.exp(random.normal(0, noise, count)) for factor in (1, ratio))
    return list(first), list(second)


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    intervals = [ratio_interval(*blocks(seed, 1.05)) for seed in range(200)]
    assert 0.92 <= np.mean([it.low <= 1.05 <= it.high for it in intervals]) <= 0.99


def test_a_drift_that_both_versions_share_does_not_widen_the_interval() -> None:
    baseline, other = blocks(1, 1.05)
    assert max(baseline) / min(baseline) > 1.1
    assert ratio_interval(baseline, other).width < 0.006


def test_a_quarter_of_disturbed_blocks_does_not_move_the_verdict() -> None:
    for seed in range(20):
        baseline, other = blocks(seed, 1.05)
        disturbed = [time * 1.5 if i % 4 == 0 else time for i, time in enumerate(baseline)]
        assert judge(ratio_interval(disturbed, other), 0.02) is Verdict.SLOWER


@pytest.mark.parametrize(
    ("ratio", "right"), [(1.05, Verdict.SLOWER), (0.95, Verdict.FASTER), (1.0, Verdict.SAME), (1.005, Verdict.SAME)]
)
def test_verdicts_on_synthetic_blocks_are_right_each_time(ratio: float, right: Verdict) -> None:
    assert {judge(ratio_interval(*blocks(seed, ratio)), 0.02) for seed in range(50)} == {right}


@given(times)
@settings(max_examples=30)
def test_the_same_seed_gives_the_same_interval_and_bounds_enclose_the_ratio(baseline: list[float]) -> None:
    other = [time * 1.1 for time in reversed(baseline)]
    interval = ratio_interval(baseline, other, seed=3)
    assert interval == ratio_interval(baseline, other, seed=3)
    assert interval.low <= interval.ratio * (1 + 1e-12)
    assert interval.ratio <= interval.high * (1 + 1e-12)


@given(times, st.floats(0.1, 10))
@settings(max_examples=30)
def test_a_slower_clock_does_not_change_the_ratio(baseline: list[float], factor: float) -> None:
    other = [time * 0.9 for time in baseline]
    slow = ratio_interval([time * factor for time in baseline], [time * factor for time in other])
    assert slow.ratio == pytest.approx(ratio_interval(baseline, other).ratio)


@given(times)
@settings(max_examples=30)
def test_the_other_way_round_it_is_the_inverse(baseline: list[float]) -> None:
    other = list(reversed(baseline))
    there, back = ratio_interval(baseline, other), ratio_interval(other, baseline)
    assert there.ratio * back.ratio == pytest.approx(1)


@pytest.mark.parametrize(("baseline", "other"), [([1.0], [1.0]), ([], []), ([1.0, 2.0], [1.0, 2.0, 3.0])])
def test_an_interval_takes_pairs_and_more_than_one(baseline: list[float], other: list[float]) -> None:
    with pytest.raises(ValueError, match=f"{len(baseline)} and {len(other)} blocks"):
        ratio_interval(baseline, other)


def test_the_spread_is_of_medians_and_one_long_sample_does_not_show() -> None:
    spread = spread_of([1.0, 2.0, 3.0, 4.0, 1e9])
    assert (spread.median, spread.mad, spread.low, spread.high, spread.count) == (3.0, 1.0, 2.0, 4.0, 5)


def test_the_time_of_a_block_is_that_of_its_samples_that_were_not_interrupted() -> None:
    assert block_time([1.0, 1.01, 1.02, 5.0, 9.0]) == 1.01


@pytest.mark.parametrize(
    ("low", "high", "right"),
    [
        (1.021, 1.03, Verdict.SLOWER),
        (1.019, 1.03, Verdict.UNDECIDED),
        (1.001, 1.019, Verdict.SAME),
        (0.99, 1.01, Verdict.SAME),
        (0.97, 1.01, Verdict.UNDECIDED),
        (0.9, 0.97, Verdict.FASTER),
        (0.5, 2.0, Verdict.UNDECIDED),
    ],
)
def test_a_verdict_is_what_the_whole_interval_agrees_on(low: float, high: float, right: Verdict) -> None:
    assert judge(Interval((low + high) / 2, low, high), 0.02) is right


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(1.051, 1.044, 1.058), "slower by 5.1 % [4.4, 5.8]"),
        (Interval(0.949, 0.942, 0.956), "faster by 5.1 % [4.4, 5.8]"),
        (Interval(1.005, 0.998, 1.011), "slower by 0.5 % [-0.2, 1.1]"),
        (Interval(2.5, 2.4, 2.6), "2.5 times as slow [2.4, 2.6]"),
        (Interval(0.25, 0.2, 0.5), "4 times as fast [2, 5]"),
    ],
)
def test_a_ratio_is_told_in_parts_of_the_baselines_time(interval: Interval, text: str) -> None:
    assert amount(interval) == text


@pytest.mark.parametrize(
    ("interval", "same_build", "text"),
    [
        (Interval(1.05, 1.04, 1.06), False, "slower by 5 % [4, 6]"),
        (Interval(1.01, 1.0, 1.019), False, "no difference beyond ±2 % (slower by 1 % [0, 1.9])"),
        (Interval(1.02, 1.0, 1.04), False, "undecided, slower by 2 % [0, 4]; more --seconds would tell"),
        (Interval(1.0, 0.99, 1.01), True, "no difference beyond ±2 % (slower by 0 % [-1, 1]) (the same build)"),
    ],
)
def test_a_verdict_in_words(interval: Interval, same_build: bool, text: str) -> None:
    assert verdict(Comparison("a", "b", interval, 0.02, 20, same_build)) == text
