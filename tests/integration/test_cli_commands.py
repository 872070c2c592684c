"""The other commands, files that are no notebook, and machines that lack something: never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import hotplate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Result

    Command = Callable[..., Result]

FULL = Path("/dev/full")
MODEL = """\
#include <hotplate.h>
int64_t n(void) { return 3; }
void ramp(int64_t n, double step, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = (double)i * step; }
void ends(int64_t n, const double ramp[n], double out_low[1], double out_high[1]) {
    out_low[0] = ramp[0];
    out_high[0] = ramp[n - 1];
}
"""


@pytest.fixture
def model(notebook: Callable[..., Path]) -> Path:
    return notebook(MODEL)


# check

MISTAKES = """\
int fine(void) { return 1; }
int one(void) { return missing; }
int two(void) { int x = "text"; return x; }
int three(void) { return fine( ; }
"""


def test_check_shows_every_mistake_with_its_place_and_a_caret(command: Command, notebook: Callable[..., Path]) -> None:
    notebook(MISTAKES)
    done = command("check", "notebook.c")
    assert done.code == 3
    for place in ("notebook.c:2:24: error:", "notebook.c:3:25: ", "notebook.c:4:"):
        assert place in done.err
    assert "    2 | int one(void) { return missing; }\n      |                        ^" in done.err
    assert "fine" in done.err.splitlines()[-1]
    assert done.out == ""


def test_check_json_has_the_promised_keys(command: Command, notebook: Callable[..., Path]) -> None:
    done = command("check", notebook(MISTAKES), "--json")
    document = json.loads(done.out)
    assert (done.code, done.err, document["ok"]) == (3, "", False)
    keys = {"severity", "message", "path", "line", "column", "end_column", "cell", "rule", "hint", "notes"}
    assert all(set(diagnostic) == keys for diagnostic in document["diagnostics"])
    assert {2, 3, 4} <= {d["line"] for d in document["diagnostics"]}


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("int a(void) { return 1; }", 0, "notebook.c: no problems; cells: a"),
        ("int a(int b) { return b; }\nint b(int a) { return a; }", 2, "cells depend on each other: a → b → a"),
        ('// %% T  tmeout="3"\nint a(void) { return 1; }', 2, "did you mean timeout?"),
        ("int a(void) { return 1;\nint half(", 3, "notebook.c:"),
        ("", 0, "cells: none"),
    ],
    ids=["fine", "cycle", "attribute", "half-typed", "empty"],
)
def test_check_returns_what_kind_of_mistake_it_found(
    command: Command, notebook: Callable[..., Path], text: str, code: int, message: str
) -> None:
    notebook(text)
    done = command("check", "notebook.c")
    assert done.code == code
    assert message in done.err


# Files that are no notebook

FILES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path,
    "directory": lambda path: path.mkdir(),
    "binary": lambda path: path.write_bytes(b"\x7fELF\0\0"),
    "latin-1": lambda path: path.write_bytes("int ä;".encode("latin-1")),
    "utf-16": lambda path: path.write_text("int a;", "utf-16"),
    "loop": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("verb", ["run", "check", "graph", "compile-commands"])
@pytest.mark.parametrize("kind", FILES)
def test_what_is_no_notebook_is_one_clear_error(command: Command, tmp_path: Path, verb: str, kind: str) -> None:
    FILES[kind](tmp_path / "n.c")
    done = command(verb, "n.c")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("n.c: error: ") or done.err.startswith("n.c:1: error: ")
    assert "= help: " in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_one_clear_error(command: Command, model: Path) -> None:
    model.chmod(0)
    assert "Permission denied" in command("run", model).err


@pytest.mark.parametrize("name", ["notes.txt", "nosuffix"])
def test_a_file_of_another_kind_is_refused_with_the_known_suffixes(command: Command, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("int a(void) { return 1; }")
    done = command("run", name)
    assert done.code == 2
    assert "use .c for C" in done.err


def test_a_notebook_without_cells_says_what_one_is(command: Command, notebook: Callable[..., Path]) -> None:
    done = command("run", notebook("static int helper(void) { return 1; }"))
    assert done.code == 2
    assert "notebook.c has no cells; a cell is a function such as" in done.err


def test_half_typed_code_is_told_and_what_parses_still_named(command: Command, notebook: Callable[..., Path]) -> None:
    done = command("run", notebook("int a(void) { return 1; }\nint b(int a) { return a +"))
    assert done.code == 3
    assert "notebook.c:2" in done.err
    assert command("graph", "notebook.c").out.startswith("a")


# graph, new, compile-commands


@pytest.mark.parametrize("form", ["text", "mermaid", "dot", "json"])
def test_graph_prints_every_cell_in_every_format_without_a_compiler(
    command: Command, model: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("HOTPLATE_CC", "/nonexistent")
    done = command("graph", model, "--format", form)
    assert (done.code, done.err) == (0, "")
    assert all(name in done.out for name in ("n", "ramp", "ends", "step"))
    if form == "json":
        json.loads(done.out)


def test_an_unknown_format_lists_the_known_ones(command: Command, model: Path) -> None:
    done = command("graph", model, "--format", "png")
    assert (done.code, done.out) == (2, "")
    assert "there is no format png; there are text, " in done.err


@pytest.mark.parametrize("name", ["my notebook.c", "n.cpp"])
def test_new_writes_a_notebook_that_runs(command: Command, name: str) -> None:
    assert command("new", name).code == 0
    assert command("check", name).code == 0
    assert command("run", name, "--set", "n=20").code == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("there.c", "exists already"),
        ("a.txt", "use .c for C"),
        ("nowhere/n.c", "can't write nowhere/n.c: No such file"),
    ],
)
def test_new_overwrites_nothing_and_explains_itself(command: Command, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "there.c").write_text("mine")
    done = command("new", name)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert (tmp_path / "there.c").read_text() == "mine"


def test_compile_commands_merges_with_what_is_there(command: Command, model: Path, tmp_path: Path) -> None:
    target = tmp_path / "compile_commands.json"
    target.write_text(json.dumps([{"file": "/other.c"}, {"file": str(model), "arguments": ["old"]}]))
    assert command("compile-commands", model, "--flags=-DMINE").code == 0
    other, ours = json.loads(target.read_text())
    assert other == {"file": "/other.c"}
    assert (ours["file"], ours["directory"], ours["arguments"][-1]) == (str(model), str(tmp_path), str(model))
    assert "-DMINE" in ours["arguments"]
    checked = subprocess.run([*ours["arguments"], "-fsyntax-only"], cwd=tmp_path, check=False, capture_output=True)
    assert checked.returncode == 0


@pytest.mark.parametrize("content", ["5", "{", '{"file": 1}', "[1]", "null"])
def test_a_compilation_database_that_is_none_is_left_alone(
    command: Command, model: Path, tmp_path: Path, content: str
) -> None:
    (tmp_path / "compile_commands.json").write_text(content)
    done = command("compile-commands", model)
    assert done.code == 2
    assert "move it away, and try again" in done.err
    assert (tmp_path / "compile_commands.json").read_text() == content


# doctor, cache, the rest


def test_doctor_shows_compilers_and_the_cache(command: Command, shared_cache: Path) -> None:
    done = command("doctor")
    assert done.code == 0
    assert done.out.startswith(f"hotplate {hotplate.__version__} ")
    assert str(shared_cache) in done.out


def test_doctor_json_has_the_promised_keys(command: Command) -> None:
    document = json.loads(command("doctor", "--json").out)
    promised = {
        "ok",
        "hotplate",
        "chosen",
        "compilers",
        "rejected",
        "cache",
        "libraries",
        "isolation",
        "sandbox",
        "problems",
    }
    assert promised <= set(document)
    assert set(document["isolation"]) == {"worker", "bytes", "compiler", "problem"}
    assert set(document["cache"]) == {"root", "bytes", "cap_bytes", "artifacts", "problem"}
    assert set(document["chosen"]) == {"c", "c++"}


@pytest.mark.parametrize(
    ("arguments", "code"), [(["doctor"], 3), (["run", "notebook.c"], 3), (["check", "notebook.c"], 3)]
)
@pytest.mark.parametrize("variable", ["broken", "nothing installed"])
def test_without_a_compiler_every_command_says_how_to_get_one(
    command: Command,
    notebook: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    empty_cache: Path,
    arguments: list[str],
    code: int,
    variable: str,
) -> None:
    if variable == "broken":
        monkeypatch.setenv("HOTPLATE_CC", "/nonexistent")
    else:
        for name in ("HOTPLATE_CC", "HOTPLATE_CXX", "CC", "CXX"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PATH", str(empty_cache))
        monkeypatch.setattr(sys, "path", [p for p in sys.path if "site-packages" not in p])
    notebook("int a(void) { return 1; }")
    done = command(*arguments)
    assert done.code == code
    way_out = "set HOTPLATE_CC to a working compiler" if variable == "broken" else "pip install ziglang"
    assert way_out in done.out + done.err


@pytest.mark.parametrize("value", ["lots", "-1", "5X", "9" * 400 + "T"])
def test_a_cache_size_that_is_none_is_a_clear_error(
    command: Command, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HOTPLATE_CACHE_SIZE", value)
    done = command("cache")
    assert (done.code, done.out) == (2, "")
    assert "HOTPLATE_CACHE_SIZE is" in done.err


def test_the_cache_is_shown_and_emptied(command: Command, notebook: Callable[..., Path], empty_cache: Path) -> None:
    path = notebook("int a(void) { return 1; }")
    assert command("run", path).code == 0
    facts = json.loads(command("cache", "--json").out)
    assert (facts["root"], facts["artifacts"]) == (str(empty_cache), 1)
    assert f"{empty_cache}: 1 artifacts" in command("cache").out
    assert command("cache", "clear").out == f"emptied {empty_cache}\n"
    assert json.loads(command("cache", "--json").out)["artifacts"] == 0
    assert command("run", path).code == 0


def test_a_cache_that_cannot_be_written_is_a_clear_error(
    command: Command, notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOTPLATE_CACHE_DIR", str(tmp_path / "file" / "cache"))
    done = command("run", notebook("int a(void) { return 1; }"))
    assert done.code == 3
    assert "HOTPLATE_CACHE_DIR" in done.err
    assert "HOTPLATE_CACHE_DIR" in command("doctor").out


@pytest.mark.parametrize("arguments", [[], ["--help"], ["run", "--help"], ["cache", "--help"]])
def test_help_is_help(command: Command, arguments: list[str]) -> None:
    done = command(*arguments)
    assert (done.code, done.err) == (0, "")
    assert "Usage: " in done.out


def test_an_unknown_command_is_told_in_words(command: Command) -> None:
    done = command("rnu")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("hotplate: No such command 'rnu'")
    assert done.err.endswith("; see hotplate --help\n")


def test_a_call_that_makes_no_sense_refers_to_the_help_of_its_command(command: Command) -> None:
    assert command("runs", "--nowhere").err.endswith("; see hotplate runs --help\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_leaves_early_is_no_reason_to_complain(
    start: Callable[..., subprocess.Popen[str]], model: Path, unbuffered: str
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start("graph", model, stdout=writing, env={"PYTHONUNBUFFERED": unbuffered})
    os.close(writing)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 141


@pytest.mark.skipif(not FULL.exists(), reason="needs a full device")
def test_a_full_disk_behind_stdout_is_told_in_words(start: Callable[..., subprocess.Popen[str]], model: Path) -> None:
    with FULL.open("w") as full:
        process = start("graph", model, stdout=full)
    assert process.communicate(timeout=60)[1] == "hotplate: can't write the output: No space left on device\n"
    assert process.returncode == 1


def test_a_graph_with_a_cycle_is_drawn_and_the_cycle_told(command: Command, notebook: Callable[..., Path]) -> None:
    done = command(
        "graph", notebook("int one(void) { return 1; }\nint a(int b) { return b; }\nint b(int a) { return a; }")
    )
    assert (done.code, done.out) == (2, "one\n")
    assert "a → b → a" in done.err


def test_the_version_is_told(command: Command) -> None:
    assert command("--version").out == f"hotplate, version {hotplate.__version__}\n"
