"""docs/editors.md: its settings are used as they stand there, by Neovim and clangd where they are installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import hotplate

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parents[2] / "docs/editors.md"
CLANGD = next(filter(None, map(shutil.which, ("clangd", "clangd-19", "clangd-16", "clangd-14"))), None)
NEOVIM = shutil.which("nvim")
TEXT = """\
// %% Parameters
int a(void) { return 1; }

// %% Step  flags="-DONE=1"
int b(int a) {
    return a + ONE;
}
int c(int b) { return d; }
"""


def block(name: str) -> str:
    found = re.search(rf"^```\w+ file={re.escape(name)}\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    assert found
    return found[1]


# ---- Neovim

PROBE = """
vim.wait(20000, function() return #vim.diagnostic.get(0) > 0 end, 20)
local found = { folds = {} }
local function each(items, shown) return vim.tbl_map(shown, items) end
found.diagnostics = each(vim.diagnostic.get(0), function(d) return { d.lnum + 1, d.source, d.message } end)
for line = 1, vim.fn.line("$") do
  vim.cmd("normal! zM")
  table.insert(found.folds, { vim.fn.foldclosed(line), vim.fn.foldclosedend(line) })
end
vim.cmd("silent make!")
found.quickfix = each(vim.fn.getqflist(), function(e) return { e.lnum, e.col, e.type, e.text } end)
vim.cmd("normal " .. vim.g.mapleader .. "s")
found.sections = each(vim.fn.getloclist(0), function(e) return { e.lnum, e.text } end)
vim.fn.writefile({ vim.fn.json_encode(found) }, "found.json")
vim.cmd("qall!")
"""
# vim.lsp.start came with 0.8, and does this.
BEFORE = """
vim.g.mapleader = ","
if not vim.lsp.start then
  vim.lsp.start = function(config) vim.lsp.buf_attach_client(0, vim.lsp.start_client(config)) end
end
"""


@pytest.fixture(scope="module")
def neovim(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Neovim knows of a notebook after it was opened with the page's init.lua."""
    if NEOVIM is None or CLANGD is None:
        pytest.skip("Neovim or clangd is not installed")
    folder = tmp_path_factory.mktemp("neovim")
    notebook = folder / "notebook.c"
    notebook.write_text(TEXT)
    hotplate.open(notebook).write_compile_command()
    (folder / "bin").mkdir()
    (folder / "bin" / "clangd").symlink_to(CLANGD)
    command = folder / "bin" / "hotplate"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hotplate "$@"\n')
    command.chmod(0o755)
    for name, text in {"before.lua": BEFORE, "init.lua": block("init.lua"), "probe.lua": PROBE}.items():
        (folder / name).write_text(text)
    environ = {
        **os.environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "HOME": str(folder),
    }
    steps = ["luafile before.lua", "luafile init.lua", "edit notebook.c", "luafile probe.lua"]
    options = [word for step in steps for word in ("-c", step)]
    done = subprocess.run(
        [NEOVIM, "--clean", "--headless", *options],
        cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (folder / "found.json").exists(), done.stderr
    return json.loads((folder / "found.json").read_text("utf-8"))  # type: ignore[no-any-return]


def test_neovim_shows_what_clangd_finds_and_clangd_knows_the_flags(neovim: dict[str, Any]) -> None:
    assert neovim["diagnostics"] == [[8, "clang", "Use of undeclared identifier 'd'"]]


def test_neovim_folds_sections(neovim: dict[str, Any]) -> None:
    assert neovim["folds"] == [[1, 3]] * 3 + [[4, 8]] * 5


def test_neovim_lists_sections(neovim: dict[str, Any]) -> None:
    assert neovim["sections"] == [[1, "// %% Parameters"], [4, '// %% Step  flags="-DONE=1"']]


def test_neovims_make_puts_findings_on_their_lines(neovim: dict[str, Any]) -> None:
    first, *others = neovim["quickfix"]
    assert first == [8, 23, "e", "'d' undeclared (first use in this function)"]
    assert {entry[0] for entry in others} == {8}


# ---- VS Code


def javascript(regex: str) -> re.Pattern[str]:
    return re.compile(regex.replace("(?<", "(?P<").replace("(?P<=", "(?<="), re.MULTILINE)


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("// %% Step", "Step"),
        ('// %% Initial state  flags="-O3" isolate="yes"', "Initial state"),
        ("//%%   Close  ", "Close"),
        ("    // %% Indented", "Indented"),
        ("// %%nothing", None),
        ("// 5 %% 3", None),
        ("// %%", None),
    ],
)
def test_vs_code_takes_the_title_of_a_section_as_a_heading(line: str, label: str | None) -> None:
    regex = javascript(json.loads(block("settings.json"))["editor.minimap.markSectionHeaderRegex"])
    found = regex.search(f"int a;\n{line}\nint b;\n")
    assert (found and found["label"]) == label


def matcher(task: str) -> Any:
    (found,) = [known for known in json.loads(block("tasks.json"))["tasks"] if known["label"] == f"hotplate: {task}"]
    return found["problemMatcher"]


def problems(task: str, output: str) -> list[tuple[str, ...]]:
    """What VS Code's matcher makes of an output."""
    pattern = matcher(task)["pattern"]
    found = [javascript(pattern["regexp"]).match(line) for line in output.splitlines()]
    places = [pattern[name] for name in ("file", "line", "column", "severity", "message")]
    return [tuple(match[place] for place in places) for match in found if match]


def test_vs_code_finds_the_problems_in_what_check_prints(command: Callable[..., Any], notebook: Any) -> None:
    done = command("check", notebook(TEXT))
    first, *others = problems("check", done.err)
    assert first == ("notebook.c", "8", "23", "error", "'d' undeclared (first use in this function)")
    assert len(others) == len(re.findall(": (?:note|warning): ", done.err))


def test_vs_code_knows_when_a_watch_begins_and_ends_to_look(
    start: Callable[..., subprocess.Popen[str]], notebook: Any
) -> None:
    background = matcher("watch")["background"]
    begins, ends = (javascript(background[name]) for name in ("beginsPattern", "endsPattern"))
    path = notebook(TEXT)
    process = start("watch", "--plain", path)
    assert process.stderr
    rounds: list[list[str]] = []
    lines: list[str] = []
    for line in process.stderr:
        lines = [] if begins.match(line) else [*lines, line]
        if ends.match(line):
            rounds.append(lines)
            if len(rounds) == 4:
                break
            saved = path.with_name("~saving")
            saved.write_text(TEXT.replace("return d", f"return {['b', 'd', '2'][len(rounds) - 1]}"))
            saved.replace(path)
    assert [bool(problems("watch", "".join(lines))) for lines in rounds] == [True, False, True, False]
