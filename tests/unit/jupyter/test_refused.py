"""Code that was refused: it waits for what it goes together with, and stands in nobody's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.session import Notebook

if TYPE_CHECKING:
    import pytest

    from tests.unit.jupyter.conftest import Shell


def test_what_is_broken_elsewhere_does_not_keep_two_that_go_together_apart(shell: Shell) -> None:
    shell.cell("int broken(void) { return nothing; }")
    shell.cell("int user(void) { return helper(1); }")
    shell.cell("static int helper(int by) { return by; }\nint own(void) { return helper(2); }")
    assert shell.variables["user"].value == 1
    assert shell.variables["own"].value == 2


def test_what_waits_may_need_what_waits(shell: Shell) -> None:
    shell.cell("int first(void) { return second_helper(1); }")
    shell.cell("static int second_helper(int by) { return third_helper(by); }\nint second(void) { return 2; }\n"
               "int also(void) { return second_helper(1); }")  # fmt: skip
    answer = shell.cell("static int third_helper(int by) { return by; }\nint third(void) { return third_helper(3); }")
    assert shell.variables["first"].value == 1
    assert "In[2] is taken in with it" in answer.text


def test_other_code_is_built_once(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.cell("int broken(void) { return nothing; }")
    builds = []
    build = Notebook.build
    monkeypatch.setattr(Notebook, "build", lambda *given: builds.append(given) or build(*given))
    shell.cell("int fine(void) { return 1; }")
    assert len(builds) == 1
