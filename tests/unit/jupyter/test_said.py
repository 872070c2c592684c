"""What is said to who wrote the code: as much as helps, and of the right thing."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.jupyter.conftest import Shell


@pytest.mark.skipif(sys.platform == "win32", reason="signals are other things there")
def test_a_direct_call_that_is_stopped_says_how_it_ended(shell: Shell, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    shell.cell(
        f'#include <stdio.h>\nint spin(int k) {{ fclose(fopen("{begun}", "w")); while (k) {{}} return 1; }}',
        "--isolate --no-run",
    )
    stopper = threading.Thread(target=lambda: eventually(begun.exists) and os.kill(os.getpid(), signal.SIGINT))
    stopper.start()
    answer = shell.run("spin(1)")
    stopper.join()
    assert isinstance(answer.error, KeyboardInterrupt)
    assert "spin was asked to stop, did not answer in time, and its worker was ended" in answer.text
    assert "Traceback" not in answer.text


def test_a_call_with_too_few_arguments_shows_one_frame_of_hotplate(shell: Shell) -> None:
    shell.cell("int add(int a, int b) { return a + b; }")
    answer = shell.run("add(1)")
    assert isinstance(answer.error, TypeError)
    assert answer.text.count("/hotplate/") == 1


def test_the_list_has_the_cells_of_watched_files(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "heat.c").write_text("int two(void) { return 2; }\n", "utf-8")
    shell.run("%hotplate watch heat.c")
    answer = shell.run("%hotplate list")
    assert "no cells yet" not in str(answer.value)
    assert "two  ok" in str(answer.value)
    assert "heat.c" in str(answer.value)


def test_what_is_defined_twice_has_both_places_on_the_lines_of_the_jupyter_cell(shell: Shell) -> None:
    answer = shell.cell("int one(void) { return 1; }\nint one(void) { return 2; }")
    assert "fragment.c" not in answer.text
    assert ":2:5" in answer.text


def test_that_a_variable_is_kept_is_said_once(shell: Shell) -> None:
    shell.variables["foo"] = 100
    assert "foo is a Python variable" in shell.cell("int foo(void) { return 30; }").text
    assert "foo is a Python variable" not in shell.cell("int other(void) { return 1; }").text


@pytest.mark.parametrize("command", ["list", "graph"])
def test_a_cell_that_a_variable_stands_for_is_shown_as_given(shell: Shell, command: str) -> None:
    shell.cell("int foo(void) { return 30; }")
    shell.variables["foo"] = 100
    value = shell.run(f"%hotplate {command}").value
    assert "given" in f"{value}{value._repr_mimebundle_()}"


def test_a_name_that_brings_other_cells_says_which_are_gone(shell: Shell) -> None:
    shell.cell("int p1(void) { return 1; }", "first")
    assert "gone with the code that In[3] replaces: p1" in shell.cell("int p2(void) { return 2; }", "first").text


def test_many_cells_that_wait_are_counted(shell: Shell) -> None:
    chain = "\n".join(f"int c{n}(int {f'c{n - 1}' if n else 'x'}) {{ return {n}; }}" for n in range(10))
    answer = shell.cell(chain)
    assert "10 cells are waiting; %hotplate list has them" in answer.text
    assert "c0, c1 and 8 others wait for x" in answer.text
