"""The tally: attempts that have begun, in a file that outlives the process."""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING

import pytest

from hotplate.run.store.tally import MOST, Counts, Tally, read_tally

if TYPE_CHECKING:
    from pathlib import Path

CELLS = [f"c{i}" for i in range(100)]


def test_what_was_counted_is_in_the_file_at_once(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", CELLS, {"c1": 2})
    tally.begun("c0", 1)
    tally.begun("c1", 3)
    tally.ended("c0", 1)
    counts = {"c0": Counts(begun=1, ended=1), "c1": Counts(begun=3, ended=2)}
    assert read_tally(tmp_path / "t", CELLS) == counts
    tally.close()
    tally.close()
    assert read_tally(tmp_path / "t", CELLS) == counts


def test_threads_count_cells_that_lie_side_by_side(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", CELLS)

    def count(first: int) -> None:
        for attempt in range(1, 201):
            for cell in CELLS[first::4]:
                tally.begun(cell, attempt)
                tally.ended(cell, attempt)

    threads = [threading.Thread(target=count, args=[first]) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_tally(tmp_path / "t", CELLS) == dict.fromkeys(CELLS, Counts(200, 200))
    tally.close()


def test_more_attempts_than_the_file_can_tell_are_that_many(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", ["c"])
    tally.begun("c", MOST + 5)
    tally.ended("c", MOST + 5)
    assert read_tally(tmp_path / "t", ["c"]) == {"c": Counts(MOST, MOST)}
    tally.close()


@pytest.mark.parametrize("content", [None, b"", b"\1"])
def test_a_file_that_is_missing_or_cut_short_tells_of_nothing(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "t").write_bytes(content)
    assert read_tally(tmp_path / "t", CELLS) == {}


def test_cells_that_are_added_are_counted_beside_the_others(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", ["a"])
    tally.grow(["b", "c"])
    tally.begun("c", 3)
    tally.begun("a", 1)
    tally.ended("c", 2)
    assert read_tally(tmp_path / "t", ["a", "b", "c"]) == {"a": Counts(1, 0), "c": Counts(3, 2)}
    assert read_tally(tmp_path / "t", ["a"]) == {"a": Counts(1, 0)}
    tally.close()


def test_a_run_without_cells_has_a_tally_too(tmp_path: Path) -> None:
    Tally(tmp_path / "t", []).close()
    assert read_tally(tmp_path / "t", []) == {}


def test_a_disk_without_room_is_an_error_before_anything_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", lambda _descriptor, data: len(data) - 1)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        Tally(tmp_path / "t", CELLS)
    assert not (tmp_path / "t").exists()
