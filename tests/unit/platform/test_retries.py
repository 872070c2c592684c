"""Doing a file operation again while another program is in its way, with a clock of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotplate._platform.retries import patiently

FILE = Path("cell.dll")


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class Failing:
    """An operation that fails with a code of Windows a number of times."""

    def __init__(self, code: int, times: int = 10**6) -> None:
        self.code, self.left = code, times

    def __call__(self) -> str:
        if not self.left:
            return "done"
        self.left -= 1
        error = OSError(13, "refused")
        error.winerror = self.code  # type: ignore[attr-defined, unused-ignore]  # elsewhere it is an attribute like any
        raise error


def attempt(operation: Failing, clock: Clock, holder: str = "") -> str:
    return patiently(operation, FILE, holder=lambda _: holder, sleep=clock.sleep, clock=lambda: clock.now)


@pytest.mark.parametrize("code", [5, 32, 33, 145, 193])
def test_what_another_program_is_in_the_way_of_is_done_again(code: int) -> None:
    clock = Clock()
    assert attempt(Failing(code, times=3), clock) == "done"
    assert clock.pauses == [0.01, 0.02, 0.04]


def test_pauses_grow_to_a_tenth_of_a_second() -> None:
    clock = Clock()
    attempt(Failing(32, times=8), clock)
    assert clock.pauses == [0.01, 0.02, 0.04, 0.08, 0.1, 0.1, 0.1, 0.1]


@pytest.mark.parametrize("code", [5, 32, 33])
def test_after_five_seconds_it_is_an_error(code: int) -> None:
    clock = Clock()
    with pytest.raises(OSError, match="held open"):
        attempt(Failing(code), clock)
    assert 5 <= clock.now < 5.2


def test_a_damaged_library_is_an_error_after_half_a_second() -> None:
    clock = Clock()
    with pytest.raises(OSError, match="refused"):
        attempt(Failing(193), clock)
    assert 0.5 <= clock.now < 0.7


@pytest.mark.parametrize("code", [2, 3, 87, 126])
def test_what_no_waiting_helps_is_an_error_at_once(code: int) -> None:
    clock = Clock()
    with pytest.raises(OSError, match="refused"):
        attempt(Failing(code), clock)
    assert clock.pauses == []


def test_the_error_names_the_file_and_who_holds_it() -> None:
    with pytest.raises(OSError, match=r"scanner\.exe \(process 8\) holds cell\.dll open; close it") as raised:
        attempt(Failing(32), Clock(), holder="scanner.exe (process 8)")
    assert isinstance(raised.value.__cause__, OSError)


def test_the_error_tells_what_kind_of_program_it_may_be() -> None:
    with pytest.raises(OSError, match=r"cell\.dll is still held open .* scanner"):
        attempt(Failing(32), Clock())
