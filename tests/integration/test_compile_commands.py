"""compile_commands.json while a notebook is watched, and what clangd makes of it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import hotplate
from hotplate.errors import SettingError
from hotplate.events import Event, Kind
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[2] / "examples"
CLANGD = next(filter(None, map(shutil.which, ("clangd", "clangd-19", "clangd-16", "clangd-14"))), None)
TEXT = '// %% A  flags="-DONE=1"\nint a(void) { return ONE; }\n'


def arguments(folder: Path) -> list[str]:
    (entry,) = json.loads((folder / "compile_commands.json").read_text())
    return entry["arguments"]  # type: ignore[no-any-return]


def test_watching_keeps_the_entry_current_and_is_not_woken_by_it(notebook: Callable[..., Path], tmp_path: Path) -> None:
    path, events = notebook(TEXT), list[Event]()
    with hotplate.open(path).watch(compile_commands=True, on_event=events.append) as live:
        assert live.wait_for(lambda status: status.run is not None and status.run.ok, 20)
        assert "-DONE=1" in arguments(tmp_path)
        path.write_text(TEXT.replace("ONE=1", "ONE=2"))
        assert live.wait_for(lambda status: status.run is not None and status.run.get("a") == 2, 20)
        assert eventually(lambda: "-DONE=2" in arguments(tmp_path))
    assert [event.kind for event in events].count(Kind.RELOAD_STARTED) == 2


def test_watching_leaves_the_entry_alone_where_it_is_told_to(notebook: Callable[..., Path], tmp_path: Path) -> None:
    path = notebook(TEXT)
    book = hotplate.open(path)
    book.write_compile_command()
    path.write_text(TEXT.replace("ONE=1", "ONE=2"))
    with book.watch(compile_commands=False) as live:
        assert live.wait_for(lambda status: status.run is not None and status.run.get("a") == 2, 20)
    assert "-DONE=1" in arguments(tmp_path)


def test_the_command_line_asks_for_an_entry(
    start: Callable[..., subprocess.Popen[str]], notebook: Callable[..., Path], tmp_path: Path
) -> None:
    path = notebook(TEXT)
    process = start("watch", path, "--compile-commands", "--flags=-DMORE", "--plain")
    assert eventually((tmp_path / "compile_commands.json").exists)
    assert arguments(tmp_path)[-4:] == ["-DONE=1", "-DMORE", "-c", str(path)]
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130


def test_a_notebook_without_a_file_is_none_for_editors() -> None:
    with pytest.raises(SettingError, match=r"n\.c has no file for editors"):
        hotplate.Notebook("n.c", text=TEXT).write_compile_command()


SECTIONS = """
#include <hotplate.hpp>
#include "mine.hpp"
// %% Old    std="gnu++20"  flags="-DCOUNT=4"
double old() { return COUNT * mine; }
// %% New    std="gnu++2b"  flags="-DCOUNT=8 -isystem include"  libs="zlib"
#include <theirs.hpp>
double newer(double old) { if consteval { return 0; } else { return old + theirs; } }
"""


@pytest.mark.skipif(CLANGD is None, reason="clangd is not installed")
@pytest.mark.parametrize("name", ["heat.c", "compress.c", "montecarlo.c", "sections.cpp"])
def test_clangd_finds_nothing_wrong_with_a_notebook_by_its_entry(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "sections.cpp":
        (tmp_path / "mine.hpp").write_text("constexpr double mine = 1;\n")
        (tmp_path / "include").mkdir()
        (tmp_path / "include" / "theirs.hpp").write_text("constexpr double theirs = 1;\n")
        path.write_text(SECTIONS)
    else:
        shutil.copy(EXAMPLES / name, path)
    hotplate.open(path).write_compile_command()
    done = subprocess.run([str(CLANGD), f"--check={path}"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert re.search(r"Loaded compilation database from .*compile_commands\.json", done.stderr)
    assert (done.returncode, re.findall(r"^E\[.*", done.stderr, re.M)) == (0, []), done.stderr


@pytest.mark.skipif(CLANGD is None, reason="clangd is not installed")
def test_clangd_finds_what_is_wrong_without_its_entry(tmp_path: Path) -> None:
    path = tmp_path / "sections.cpp"
    path.write_text(SECTIONS)
    done = subprocess.run([str(CLANGD), f"--check={path}"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert re.search(r"^E\[.*hotplate\.hpp", done.stderr, re.M), done.stderr
