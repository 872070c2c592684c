"""What the sources of events report, and what they don't."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from hotplate.reload.sources import InotifySource, ObserverSource, open_source


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "notebook.c"
    path.write_text("1")
    return path


@pytest.mark.parametrize("source", [InotifySource, ObserverSource])
def test_reading_files_is_no_event(source: type, tmp_path: Path, file: Path, eventually) -> None:
    seen: list[tuple[str, str]] = []
    running = source(lambda *entry: seen.append(entry))
    try:
        running.watch(str(tmp_path))
        for _ in range(50):
            file.read_text()
        assert list(tmp_path.iterdir()) == [file]
        (tmp_path / "fence").touch()
        eventually(lambda: seen)
        assert {name for _, name in seen} == {"fence"}
    finally:
        running.stop()


@pytest.mark.parametrize("source", [InotifySource, ObserverSource])
def test_what_follows_a_file_that_is_moved_elsewhere_comes_in_order(
    source: type, tmp_path: Path, file: Path, eventually
) -> None:
    (tmp_path / "backups").mkdir()
    seen: list[str] = []
    running = source(lambda _, name: seen.append(name))
    try:
        running.watch(str(tmp_path))
        file.rename(tmp_path / "backups" / "notebook.c~")
        (tmp_path / "fence").touch()
        eventually(lambda: "fence" in seen)
        assert seen[0] == "notebook.c"
    finally:
        running.stop()


def test_a_directory_that_is_missing_or_unreadable_can_not_be_watched(tmp_path: Path) -> None:
    running = open_source(lambda *_: None)
    try:
        with pytest.raises(OSError, match="No such file"):
            running.watch(str(tmp_path / "missing"))
    finally:
        running.stop()


def test_an_overflow_of_the_kernels_queue_is_noticed(tmp_path: Path, eventually) -> None:
    seen, stuck, go_on = [], threading.Event(), threading.Event()

    def report(directory: str, name: str) -> None:
        seen.append((directory, name))
        stuck.set()
        assert go_on.wait(60)

    running = InotifySource(report)
    try:
        running.watch(str(tmp_path))
        files = [tmp_path / "first", tmp_path / "second"]
        files[0].touch()
        files[1].touch()
        assert stuck.wait(30)
        for number in range(int(Path("/proc/sys/fs/inotify/max_queued_events").read_text()) + 1):
            os.utime(files[number % 2])  # equal events in a row count as one
        go_on.set()
        eventually(lambda: ("", "") in seen)
    finally:
        go_on.set()
        running.stop()
