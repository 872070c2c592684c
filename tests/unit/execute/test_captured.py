"""Where output goes as it comes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hotplate.execute.captured import Outlet

if TYPE_CHECKING:
    import pytest

    Seen = list[tuple[int, bytes]]


def test_output_is_passed_on_and_given_to_who_listens() -> None:
    passed: Seen = []
    heard: Seen = []
    Outlet(lambda *it: passed.append(it), lambda *it: heard.append(it))(1, b"text")
    assert passed == heard == [(1, b"text")]


def test_without_an_echo_it_is_only_listened_to() -> None:
    passed: Seen = []
    heard: Seen = []
    Outlet(lambda *it: passed.append(it), lambda *it: heard.append(it), echo=False)(2, b"text")
    assert (passed, heard) == ([], [(2, b"text")])


def test_a_listener_that_raises_is_told_of_once_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    passed: Seen = []
    asked: Seen = []

    def listener(stream: int, data: bytes) -> None:
        asked.append((stream, data))
        raise ValueError("full")

    outlet = Outlet(lambda *it: passed.append(it), listener)
    with caplog.at_level(logging.ERROR, "hotplate"):
        outlet(1, b"a")
        outlet(1, b"b")
    assert asked == [(1, b"a")]
    assert passed == [(1, b"a"), (1, b"b")]
    assert len(caplog.records) == 1
