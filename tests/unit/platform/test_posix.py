"""Linux and macOS: open and linked files."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from hotplate import _platform

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps open files")


def test_replacing_a_file_keeps_those_who_have_it_open(tmp_path: Path) -> None:
    final, temporary = tmp_path / "final", tmp_path / "temporary"
    final.write_text("old")
    temporary.write_text("new")
    with final.open() as reader:
        _platform.replace_file(temporary, final)
        assert reader.read() == "old"
    assert final.read_text() == "new"


def test_removing_a_tree_does_not_follow_links(tmp_path: Path) -> None:
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    outside.mkdir()
    tree.mkdir()
    (outside / "file").touch()
    (tree / "link").symlink_to(outside)
    _platform.remove_tree(tree)
    assert not tree.exists()
    assert (outside / "file").exists()


def test_an_open_file_is_retired_without_a_trace(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("read on")
    with file.open() as reader:
        assert _platform.retire_file(file)
        assert list(tmp_path.iterdir()) == []
        assert reader.read() == "read on"
    assert _platform.sweep_stale(tmp_path) == 0


def test_when_a_tree_is_killed_nothing_of_it_runs_any_more() -> None:
    for _ in range(2):
        process = _platform.spawn(["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do (while :; do :; done) & done; echo; wait"])
        assert process.stdout is not None
        process.stdout.readline()
        begin = time.monotonic()
        _platform.kill_tree(process)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 0)
            assert time.monotonic() - begin > 0.9, "where init reaps nothing, that much was waited for it"
