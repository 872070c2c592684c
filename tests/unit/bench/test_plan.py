from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotplate.bench.plan import QUICK, Settings, is_enough, plan_sampling
from hotplate.bench.statistics import Interval
from hotplate.errors import SettingError

NARROW, WIDE, BETWEEN = Interval(1.0, 0.998, 1.002), Interval(1.0, 0.98, 1.02), Interval(1.02, 1.018, 1.022)


@given(st.lists(st.floats(1e-8, 10), min_size=1, max_size=8))
@settings(max_examples=30)
def test_a_sample_of_each_version_can_be_told_from_reading_the_clock(seconds: list[float]) -> None:
    sampling = plan_sampling(seconds, budget=5, blocks=20)
    for inner, it in zip(sampling.inner, seconds, strict=True):
        assert inner * it >= 1e-4
        assert inner == 1 or inner * it <= 1e-3
    assert 1 <= sampling.rounds <= 7


@pytest.mark.parametrize(("seconds", "rounds"), [(1e-7, 7), (1e-3, 7), (0.005, 2), (0.02, 1), (3.0, 1)])
def test_long_calls_have_fewer_rounds_so_that_there_are_enough_blocks(seconds: float, rounds: int) -> None:
    assert plan_sampling([seconds, seconds], budget=60, blocks=20).rounds == rounds


def test_a_small_budget_is_spent_on_blocks_first() -> None:
    assert plan_sampling([1e-3, 1e-3], budget=0.08, blocks=20).rounds == 2


def test_a_coarse_clock_makes_longer_samples() -> None:
    assert plan_sampling([1e-4], 5, 20, resolution=1e-6).inner == (10,)


@pytest.mark.parametrize(
    ("blocks", "intervals", "enough"),
    [
        (20, [NARROW], True),
        (20, [], True),
        (19, [NARROW], False),
        (99, [NARROW, WIDE], False),
        (99, [BETWEEN], False),  # narrow, but the verdict is open
    ],
)
def test_it_is_enough_when_all_is_narrow_and_decided(blocks: int, intervals: list[Interval], enough: bool) -> None:
    assert is_enough(blocks, intervals, Settings()) is enough


def test_quick_is_a_choice_of_settings() -> None:
    assert Settings(**QUICK).seconds < Settings().seconds


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": 0.0},
        {"seconds": float("nan")},
        {"margin": 0.0},
        {"margin": 1.0},
        {"rtol": -1e-9},
        {"rtol": float("nan")},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=f"{next(iter(wrong))} is"):
        Settings(**wrong)  # type: ignore[arg-type]  # of one type each
