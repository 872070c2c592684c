"""Files that other programs hold, as virus scanners, indexers and unfinished writers do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hotplate import _platform
from hotplate._platform import retries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("old")
    return path


def test_a_scanner_keeps_a_file_from_being_deleted_and_renamed(file: Path, held: Callable[..., object]) -> None:
    with held("scan", file, 60_000):
        for operation in (file.unlink, lambda: file.rename(file.with_name("new")), lambda: file.replace(file)):
            with pytest.raises(PermissionError) as raised:
                operation()
            assert raised.value.winerror == retries.SHARING_VIOLATION


def test_replacing_waits_until_a_scanner_lets_go(file: Path, held: Callable[..., object]) -> None:
    new = file.with_name("new")
    new.write_text("new")
    with held("scan", file, 300):
        _platform.replace_file(new, file)
    assert file.read_text() == "new"


def test_removing_waits_until_a_scanner_lets_go(file: Path, held: Callable[..., object]) -> None:
    with held("scan", file, 300):
        _platform.remove_tree(file.parent)
    assert not file.parent.exists()


def test_retiring_a_directory_waits_until_a_scanner_lets_go(file: Path, held: Callable[..., object]) -> None:
    folder = file.parent / "folder"
    folder.mkdir()
    file.rename(folder / "file")
    with held("scan", folder / "file", 300):
        _platform.retire_tree(folder, file.parent / "aside")
    assert list(file.parent.iterdir()) == []


def test_a_file_that_a_scanner_holds_is_not_retired_and_no_error(file: Path, held: Callable[..., object]) -> None:
    with held("scan", file, 60_000):
        assert not _platform.retire_file(file)
        assert file.read_text() == "old"


def test_a_file_that_is_never_let_go_is_an_error_that_names_it(file: Path, held: Callable[..., object]) -> None:
    moments = iter(range(0, 100, 3))
    with held("scan", file, 60_000), pytest.raises(PermissionError) as raised:
        retries.patiently(file.unlink, file, clock=lambda: next(moments), sleep=lambda _: None)
    assert str(file) in str(raised.value)
    assert "scanner" in str(raised.value)


def test_asking_who_holds_a_file_never_fails(file: Path, held: Callable[..., object]) -> None:
    from hotplate._platform.windows_holders import programs_holding

    with held("scan", file, 60_000):
        assert programs_holding(file) == "" or "hold" in programs_holding(file)
    assert programs_holding(file) == ""


def test_what_is_read_only_is_removed(file: Path) -> None:
    file.chmod(0o400)
    _platform.remove_tree(file.parent)
    assert not file.parent.exists()
