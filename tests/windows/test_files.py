"""Files that other programs hold, as virus scanners, indexers and unfinished writers do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hotplate import _platform

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("old")
    return path


def test_replacing_waits_until_a_scanner_lets_go(file: Path, held: Callable[..., object]) -> None:
    new = file.with_name("new")
    new.write_text("new")
    with held("scan", file, 300):
        _platform.replace_file(new, file)
    assert file.read_text() == "new"
