"""Which notebooks tests share, and for how long. What users see of it is in integration/test_pytest_plugin.py."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from hotplate.pytest_plugin import notebooks
from hotplate.pytest_plugin.asking import Wanted
from hotplate.pytest_plugin.notebooks import Notebooks

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def opened() -> Notebooks:
    return Notebooks(SimpleNamespace(hotplate_compiler=None, hotplate_isolated=False, hotplate_sanitize=False))


@pytest.fixture
def wanted(tmp_path: Path) -> list[Wanted]:
    paths = [tmp_path / f"{name}.c" for name in "abc"]
    for path in paths:
        path.write_text("int one(void) { return 1; }\n")
    return [Wanted(path) for path in paths]


def test_notebooks_that_were_used_last_stay_open(
    opened: Notebooks, wanted: list[Wanted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebooks, "MOST_OPEN", 2)
    a, b = (opened.open(each, "test") for each in wanted[:2])
    assert opened.open(wanted[0], "test") is a
    opened.open(wanted[2], "test")
    assert opened.open(wanted[0], "test") is a
    assert opened.open(wanted[1], "test") is not b


def test_a_test_that_is_run_again_is_told_again(opened: Notebooks, tmp_path: Path) -> None:
    missing = Wanted(tmp_path / "missing.c")
    for test, message in [("one", "there is no such file"), ("two", "the set-up of one"), ("one", "no such file")]:
        with pytest.raises(pytest.fail.Exception, match=message):
            opened.open(missing, test)
