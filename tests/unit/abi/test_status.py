"""One vocabulary of statuses: the rows of HP_STATUS_MAP."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hotplate.abi import Status, ffi, lib, meaning

HEADER = (Path(__file__).parents[3] / "csrc" / "include" / "hotplate.h").read_text()
ROWS = re.findall(r'XX\((\w+), (\d+), "([^"]*)"\)', HEADER)


def test_the_statuses_are_the_rows_of_the_header_and_no_others() -> None:
    assert len(ROWS) >= 6
    assert {status.name: status.value for status in Status} == {name: int(value) for name, value, _ in ROWS}


@pytest.mark.parametrize(("name", "value", "words"), ROWS)
def test_a_status_means_what_its_row_says(name: str, value: str, words: str) -> None:
    assert meaning(Status[name]) == meaning(int(value)) == words
    assert getattr(lib, f"HP_{name}") == int(value)


@pytest.mark.parametrize("status", [-1, len(ROWS), 2**31 - 1])
def test_a_number_that_is_no_status_has_neither_name_nor_meaning(status: int) -> None:
    assert lib.hp_status_name(status) == ffi.NULL
    assert lib.hp_status_message(status) == ffi.NULL


def test_zero_is_success() -> None:
    assert Status(0).name == "OK"
