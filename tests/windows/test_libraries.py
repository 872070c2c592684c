"""Loaded libraries: what Windows refuses, and what hotplate does instead."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import hotplate
from hotplate import _platform
from hotplate.abi import ffi, lib
from hotplate.errors import LoadError
from hotplate.load import LoadedCell, library_report, reclaim

if TYPE_CHECKING:
    from collections.abc import Callable

DENIED, BUSY, DAMAGED = 5, 32, 193


@pytest.fixture(scope="module")
def built() -> Path:
    """A library with one cell, in the cache."""
    return hotplate.inline("double twice(double x) { return 2 * x; }").path


@pytest.fixture
def library(built: Path, tmp_path: Path) -> Path:
    """A copy of that library, which nobody has loaded."""
    return Path(shutil.copy(built, tmp_path / "twice.dll"))


def code_of(operation: Callable[[], object]) -> int | None:
    with pytest.raises(OSError) as raised:  # noqa: PT011 - its code is looked at
        operation()
    return raised.value.winerror


def test_windows_refuses_to_delete_or_overwrite_what_is_loaded(library: Path) -> None:
    cell = LoadedCell(library)
    new = Path(shutil.copy(library, library.with_name("new.dll")))
    assert code_of(library.unlink) == DENIED
    assert code_of(lambda: new.replace(library)) == DENIED
    with pytest.raises(PermissionError):
        library.open("wb")
    assert cell(x=2.0) == 4.0


def test_a_loaded_library_is_renamed_aside_and_goes_on(library: Path) -> None:
    cell = LoadedCell(library)
    assert _platform.retire_file(library)
    assert not library.exists()
    assert [path.suffix for path in library.parent.iterdir()] == [".stale"]
    assert cell(x=2.0) == 4.0


def test_its_name_is_free_for_another_library(library: Path, built: Path) -> None:
    old = LoadedCell(library)
    _platform.retire_file(library)
    shutil.copy(built, library)
    assert library.exists()
    assert old(x=1.0) == 2.0


def test_what_was_renamed_is_swept_once_nobody_has_it_loaded(library: Path) -> None:
    cell = LoadedCell(library)
    _platform.retire_file(library)
    assert _platform.sweep_stale(library.parent) == 0
    cell.close()
    assert _platform.sweep_stale(library.parent) == 1
    assert list(library.parent.iterdir()) == []


def test_an_unloaded_library_can_be_deleted(library: Path) -> None:
    cell = LoadedCell(library)
    cell.close()
    assert library not in library_report().pinned
    library.unlink()


def test_a_directory_with_a_loaded_library_disappears_at_once(library: Path) -> None:
    cell = LoadedCell(library)
    place = library.parent / "place"
    place.mkdir()
    library.rename(place / "twice.dll")
    _platform.retire_tree(place, library.parent / "aside")
    assert not place.exists()
    assert [path.suffix for path in library.parent.iterdir()] == [".stale"]
    assert cell(x=3.0) == 6.0


def test_a_library_stays_while_another_cell_of_it_is_kept(library: Path) -> None:
    cell, other = LoadedCell(library), LoadedCell(library)
    cell.close()
    assert code_of(library.unlink) == DENIED
    assert other(1.0) == 2.0
    del other
    gc.collect()
    assert library in reclaim()


def test_a_library_that_is_still_written_is_waited_for(library: Path, held: Callable[..., object]) -> None:
    with held("write", library, 300):
        assert LoadedCell(library)(x=2.0) == 4.0


def test_a_library_that_is_still_written_can_not_be_loaded(library: Path, held: Callable[..., object]) -> None:
    with held("write", library, 60_000):
        assert open_at(str(library)) == BUSY


def test_an_empty_library_is_refused_by_name(tmp_path: Path) -> None:
    empty = tmp_path / "empty.dll"
    empty.touch()
    assert open_at(str(empty)) == DAMAGED
    with pytest.raises(LoadError, match=r"can't load .*empty\.dll.* 193"):
        LoadedCell(empty)


def test_a_library_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"can't load .*none\.dll"):
        LoadedCell(tmp_path / "none.dll")


def test_a_relative_path_is_made_absolute(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(library.parent)
    cell = LoadedCell(Path("twice.dll"))
    assert cell.path == library
    assert cell(x=2.0) == 4.0


def test_a_library_lies_at_any_path(built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "größe 大小 with spaces"
    folder.mkdir()
    assert LoadedCell(Path(shutil.copy(built, folder / "twice.dll")))(x=2.0) == 4.0


def open_at(path: str) -> int:
    """The system's code for opening a library, once and at this very path."""
    code, why = ffi.new("int32_t *"), ffi.new("char[]", 256)
    handle = lib.hp_library_open(os.fsencode(path), code, why, 256)
    if handle != ffi.NULL:
        lib.hp_library_close(handle)
        return 0
    assert f"error {code[0]}" in ffi.string(why).decode()
    return int(code[0])
