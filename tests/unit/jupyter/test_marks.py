"""What marks a value as older than its code and inputs, whatever came between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.jupyter.conftest import Shell


@pytest.mark.parametrize("option", ["--jobs 0", "--executor nonsense"])
def test_a_run_that_never_began_changes_nothing(shell: Shell, option: str) -> None:
    shell.variables["k"] = 1
    shell.cell("int a(int k) { return k; }")
    shell.variables["k"] = 2
    answer = shell.run(f"%hotplate run {option}")
    assert "a  ok" not in answer.text
    assert shell.variables["a"].state.mark == "k has changed since; %hotplate run brings it up to date"
