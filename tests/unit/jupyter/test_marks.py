"""What marks a value as older than its code and inputs, whatever came between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hotplate.jupyter import session
from hotplate.values import digest

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


def test_forgetting_a_helper_marks_who_used_it(shell: Shell) -> None:
    shell.cell("#define H 1\nint f(void) { return H; }", cell_id="first")
    shell.cell("#define H 2\nint g(void) { return H; }", cell_id="second")
    shell.run("%hotplate reset g")
    f = shell.variables["f"]
    assert (f.value, f.state.mark) == (2, "older than the reset; %hotplate run brings it up to date")


def test_forgetting_a_cell_marks_who_took_its_result(shell: Shell) -> None:
    shell.cell("int a(void) { return 1; }", cell_id="first")
    shell.cell("int b(int a) { return a; }", cell_id="second")
    shell.run("%hotplate reset a")
    assert shell.variables["b"].state.mark == "older than the reset; %hotplate run brings it up to date"


def test_replacing_a_cell_by_another_marks_who_took_its_result(shell: Shell) -> None:
    shell.cell("int a(void) { return 1; }", cell_id="first")
    shell.cell("int b(int a) { return a; }", cell_id="second")
    answer = shell.cell("int c(void) { return 1; }", cell_id="first")
    assert shell.variables["b"].state.mark == "older than In[4]; %hotplate run brings it up to date"
    assert "b waits for a" in answer.text


def test_a_variable_that_comes_to_stand_for_a_cell_counts_as_a_change(shell: Shell) -> None:
    shell.cell("int a(void) { return 1; }")
    shell.cell("int b(int a) { return a; }")
    shell.variables["a"] = 5
    assert shell.variables["b"].state.mark == "a has changed since; %hotplate run brings it up to date"
    shell.run("%hotplate run b")
    assert (shell.variables["b"].value, shell.variables["b"].state.mark) == (5, "")


def test_a_cell_that_was_forgotten_is_gone_for_whoever_kept_it(shell: Shell) -> None:
    shell.cell("int a(void) { return 1; }")
    kept = shell.variables["a"]
    shell.run("%hotplate reset")
    assert not kept.exists
    assert repr(kept) == "<a: not there any more>"


@pytest.mark.parametrize("command", ["%hotplate list", "%hotplate graph"])
def test_a_variable_is_looked_at_once_for_all_cells_that_take_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    shell.variables["k"] = 1
    shell.cell("int a(int k) { return k; }\nint b(int k) { return k; }\nint c(int k) { return k; }")
    looked: list[object] = []
    monkeypatch.setattr(session, "digest", lambda value: looked.append(value) or digest(value))
    shell.run(command)
    assert looked == [1]
