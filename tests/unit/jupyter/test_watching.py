"""Files that are watched from a shell: how a watch begins, and that none is left behind."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from hotplate.reload.live import Live
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.unit.jupyter.conftest import Shell


def test_ctrl_c_before_the_first_results_ends_the_watch(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "heat.c").write_text("int n(void) { return 2; }\n", "utf-8")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Live, "wait_for", interrupted)
    assert isinstance(shell.run("%hotplate watch heat.c").error, KeyboardInterrupt)
    assert "no file is watched" in str(shell.run("%hotplate watch --stop heat.c").error)
    assert not [thread for thread in threading.enumerate() if thread.name == "hotplate-reload"]


def test_a_variable_that_is_gone_for_a_while_does_not_end_the_watch(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "heat.c"
    path.write_text("int twice(int k) { return 2 * k; }\n", "utf-8")
    shell.run("k = 3")
    shell.run("%hotplate watch heat.c")
    shell.run("del k")
    path.write_text("int twice(int k) { return 3 * k; }\n", "utf-8")
    assert eventually(lambda: shell.variables["twice"].value == 9)
    shell.run("k = 3")
    path.write_text("int twice(int k) { return 4 * k; }\n", "utf-8")
    assert eventually(lambda: shell.variables["twice"].value == 12)


def test_a_value_that_does_not_fit_does_not_end_the_watch(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "heat.c"
    path.write_text("int twice(int k) { return 2 * k; }\n", "utf-8")
    shell.run("k = 3")
    shell.run("%hotplate watch heat.c")
    shell.run("k = 'three'")
    shell.run("k = 5")
    assert eventually(lambda: shell.variables["twice"].value == 10)


def test_watching_again_keeps_the_cells_and_is_no_clash(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "heat.c").write_text("int two(void) { return 2; }\n", "utf-8")
    shell.run("%hotplate watch heat.c")
    kept = shell.variables["two"]
    assert "another cell" not in shell.run("%hotplate watch heat.c").text
    assert shell.variables["two"] is kept


def test_a_file_that_does_not_compile_is_called_as_it_was(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "heat.c"
    path.write_text("int twice(int k) { return 2 * k; }\n", "utf-8")
    shell.run("k = 3")
    shell.run("%hotplate watch heat.c")
    twice = shell.variables["twice"]
    path.write_text("int twice(int k) { return 2 * kk; }\n", "utf-8")
    assert eventually(lambda: bool(twice.state.mark))
    assert twice(4) == 8


def test_a_direct_call_reads_no_file(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "heat.c"
    path.write_text("int twice(int k) { return 2 * k; }\n", "utf-8")
    shell.run("k = 3")
    shell.run("%hotplate watch heat.c")
    path.unlink()
    assert shell.variables["twice"](4) == 8


def test_a_file_that_never_compiled_says_so_and_its_cells_have_help(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "heat.c").write_text("// Twice two.\nint two(void) { return 2 * zz; }\n", "utf-8")
    shell.run("%hotplate watch heat.c")
    assert repr(shell.variables["two"]) == "<two; waiting, heat.c, nothing runs yet; the file does not compile>"
    answer = shell.run("two?")
    assert answer.error is None
    assert "Twice two." in answer.text


def test_a_new_value_goes_through_the_last_good_version_while_the_file_does_not_compile(
    shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "heat.c"
    path.write_text("double rate(double dt) { return dt / 4; }\ndouble doubled(double rate) { return 2 * rate; }\n")
    shell.run("dt = 1.0")
    shell.run("%hotplate watch heat.c")
    doubled = shell.variables["doubled"]
    path.write_text("double rate(double dt) { return dt / 4 }\ndouble doubled(double rate) { return 2 * rate; }\n")
    broken = "running v1; the file is newer and does not compile"
    assert eventually(lambda: doubled.state.mark == broken)
    shell.run("dt = 8.0")
    assert eventually(lambda: doubled.value == 4.0)
    assert (doubled.state.mark, shell.variables["rate"].state.mark) == (broken, broken)
    path.write_text("double rate(double dt) { return dt / 2; }\ndouble doubled(double rate) { return 2 * rate; }\n")
    assert eventually(lambda: doubled.value == 8.0 and not doubled.state.mark)
