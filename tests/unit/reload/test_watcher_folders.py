"""Folders that are made later, replaced, renamed, or reached through symbolic links are followed."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from hotplate.reload import watcher
from hotplate.reload.lookups import lookups, one_pass
from hotplate.reload.sources import InotifySource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hotplate.reload import Watcher

    Watch = Callable[..., Watcher]


@pytest.fixture
def header(tmp_path: Path) -> Path:
    path = tmp_path / "project" / "include" / "u.h"
    path.parent.mkdir(parents=True)
    path.write_text("1")
    return path


def saves_are_told(file: Path, told) -> None:
    for _ in range(2):  # the first one may be found because of what was done before it
        told.up_to_now()
        file.write_text(os.urandom(8).hex())
        told.until(file)


def test_a_file_in_folders_that_are_made_later_is_told(tmp_path: Path, told, watch_by_events: Watch) -> None:
    file = tmp_path / "a" / "b" / "c" / "later.h"
    watch_by_events(file)
    file.parent.mkdir(parents=True)
    file.write_text("1")
    assert told.until(file) == [{file}]
    saves_are_told(file, told)


@pytest.mark.parametrize("level", [0, 1])
def test_a_folder_that_is_replaced_is_followed(level: int, header: Path, told, watch_by_events: Watch) -> None:
    folder = header.parents[level]
    watch_by_events(header)
    shutil.copytree(folder, f"{folder}.new")
    folder.rename(f"{folder}.old")
    folder.with_name(f"{folder.name}.new").rename(folder)
    assert told.up_to_now() == set()
    saves_are_told(header, told)


@pytest.mark.parametrize("level", [0, 1])
def test_a_folder_that_is_deleted_and_made_again_is_followed(
    level: int, header: Path, told, watch_by_events: Watch
) -> None:
    watch_by_events(header)
    for _ in range(2):  # the new folder often gets the number of the old one
        shutil.rmtree(header.parents[level])
        header.parent.mkdir(parents=True)
        saves_are_told(header, told)


@pytest.mark.parametrize("level", [0, 1])
def test_a_folder_that_is_renamed_is_told_and_so_is_its_return(
    level: int, header: Path, told, watch_by_events: Watch
) -> None:
    folder = header.parents[level]
    watch_by_events(header)
    away = folder.rename(f"{folder}.away")
    assert told.until(header) == [{header}]
    away.rename(folder)
    assert told.until(header) == [{header}]
    saves_are_told(header, told)


def test_a_folder_that_is_renamed_and_back_at_once_is_not_told(header: Path, told, watch_by_events: Watch) -> None:
    folder = header.parents[1]
    watch_by_events(header)
    folder.rename(f"{folder}.away").rename(folder)
    assert told.up_to_now() == set()
    saves_are_told(header, told)


def test_what_is_written_in_a_folder_that_was_moved_away_is_not_told(
    header: Path, told, watch_by_events: Watch
) -> None:
    folder = header.parent
    watch_by_events(header)
    away = folder.rename(f"{folder}.away")
    header.parent.mkdir()
    header.write_text("2")
    told.until(header)
    (away / header.name).write_text("3")
    assert told.up_to_now() == set()


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_a_git_checkout_is_told(tmp_path: Path, told, watch_by_events: Watch) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=one"]
        subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)

    root, file = tmp_path / "repository", tmp_path / "repository" / "src" / "u.h"
    root.mkdir()
    git("init")
    git("commit", "--allow-empty", "-m", "nothing yet")
    git("branch", "empty")
    file.parent.mkdir()
    file.write_text("1")
    git("add", ".")
    git("commit", "-m", "a header")
    watch_by_events(file)
    git("checkout", "empty")
    assert told.until(file) == [{file}]
    assert not file.parent.exists()
    git("checkout", "one")
    assert told.until(file) == [{file}]


def test_another_target_of_a_link_to_a_file_is_told(tmp_path: Path, told, watch_by_events: Watch) -> None:
    link, second = tmp_path / "u.h", tmp_path / "deep" / "second.h"
    second.parent.mkdir()
    second.write_text("2")
    (tmp_path / "first.h").write_text("1")
    link.symlink_to("first.h")
    watch_by_events(link)
    (tmp_path / "new").symlink_to(second)
    (tmp_path / "new").replace(link)
    assert told.until(link) == [{link}]
    second.write_text("3")
    assert told.until(link) == [{link}]


def test_another_target_of_a_link_to_a_folder_is_told(tmp_path: Path, told, watch_by_events: Watch) -> None:
    for version in "12":
        (tmp_path / version).mkdir()
        (tmp_path / version / "u.h").write_text(version)
    current = tmp_path / "current"
    current.symlink_to("1")
    file = current / ".." / "current" / "u.h"
    watch_by_events(file)
    current.unlink()
    current.symlink_to("2")
    assert told.until(file) == [{file}]
    (tmp_path / "2" / "u.h").write_text("3")
    assert told.until(file) == [{file}]


def test_a_link_that_leads_to_itself_is_a_missing_file(tmp_path: Path, told, watch_by_events: Watch) -> None:
    file = tmp_path / "loop.h"
    file.symlink_to(file)
    watch_by_events(file)
    file.unlink()
    file.write_text("1")
    assert told.until(file) == [{file}]


def test_relative_names_are_those_of_the_folder_at_that_time(
    tmp_path: Path, told, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = (tmp_path / "relative.h").relative_to(tmp_path)
    watch(relative)
    monkeypatch.chdir("/")
    (tmp_path / relative).write_text("1")
    told.until(relative)


@pytest.mark.parametrize("links", [0, 1, 5])
def test_the_last_entry_on_the_way_is_the_file_itself(links: int, tmp_path: Path) -> None:
    file = tmp_path / "real" / "u.h"
    file.parent.mkdir()
    file.write_text("1")
    here = file
    for number in range(links):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        (folder / "..link").symlink_to(here if number % 2 else os.path.relpath(here, folder))
        here = folder / "..link"
    found = lookups(f"{here.parent}/../{here.parent.name}/./{here.name}", one_pass())
    assert found[-1] == (str(file.parent), file.name)
    assert len(found) == len(set(found))


def test_directories_that_stay_are_not_watched_anew(
    tmp_path: Path, told, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[str] = []
    forgotten: list[str] = []

    class Counting(InotifySource):
        def watch(self, directory: str) -> None:
            watched.append(directory)
            super().watch(directory)

        def forget(self, directory: str) -> None:
            forgotten.append(directory)
            super().forget(directory)

    monkeypatch.setattr(watcher, "open_source", Counting)
    files = [tmp_path / f"{number % 20}" / f"{number}.h" for number in range(100)]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.touch()
    running = watch(*files)
    assert len(watched) == len(set(watched)) == 20 + len(tmp_path.parents) + 1
    watched.clear()
    other = tmp_path / "other" / "u.h"
    other.parent.mkdir()
    running.watch([*files[10:], other, tmp_path / "fence"])
    told.up_to_now()
    assert (watched, forgotten) == ([str(other.parent)], [])
    running.watch([*files[10:], tmp_path / "fence"])
    told.up_to_now()
    assert forgotten == [str(other.parent)]


def test_a_folder_that_appears_while_its_parent_is_not_yet_watched_is_found(
    tmp_path: Path, told, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a" / "b" / "u.h"

    class Slow(InotifySource):
        def watch(self, directory: str) -> None:
            if directory == str(file.parents[1]):
                file.parent.mkdir()  # after its parent was looked at
            super().watch(directory)

    monkeypatch.setattr(watcher, "open_source", Slow)
    watch(file)
    file.parents[1].mkdir()
    saves_are_told(file, told)


def test_a_folder_whose_parent_can_not_be_watched_is_known_to_be_renamed(
    header: Path, told, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blind(InotifySource):
        def watch(self, directory: str) -> None:
            if directory == str(header.parents[1]):
                raise PermissionError(directory)
            super().watch(directory)

    monkeypatch.setattr(watcher, "open_source", Blind)
    watch(header)
    header.parent.rename(header.parents[1] / "away")
    told.until(header)


def test_files_that_are_no_longer_watched_are_not_told(
    header: Path, tmp_path: Path, told, watch_by_events: Watch
) -> None:
    other = tmp_path / "other.h"
    running = watch_by_events(header, other)
    running.watch([other, tmp_path / "fence"])
    header.write_text("2")
    other.write_text("2")
    assert told.up_to_now() == {other}
    running.watch([header, tmp_path / "fence"])  # its content at this time is the one that was read
    assert told.up_to_now() == set()
    saves_are_told(header, told)
