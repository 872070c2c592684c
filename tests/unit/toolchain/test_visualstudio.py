"""Finding cl where Visual Studio's installer put it. The programs that are asked are stood in for by their answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hotplate.toolchain import Family, find_compiler
from hotplate.toolchain.candidates import Candidate, candidates, named, split_command
from hotplate.toolchain.process import with_variables
from hotplate.toolchain.visualstudio import Run, installed_files, prompt_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

_PRINTED = """INCLUDE=C:\\VS\\include;C:\\Kits\\ucrt
LIB=C:\\VS\\lib
Path=C:\\VS\\bin;C:\\Windows
TEMP=C:\\Temp
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A machine with Visual Studio, as a copy of Windows' environment has it: names in capitals."""
    vswhere = tmp_path / "x86" / "Microsoft Visual Studio" / "Installer" / "vswhere.exe"
    vswhere.parent.mkdir(parents=True)
    vswhere.write_text("")
    return {"PROGRAMFILES(X86)": str(tmp_path / "x86"), "PATH": "C:\\Windows", "PROCESSOR_ARCHITECTURE": "AMD64"}


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "vs" / "VC" / "Auxiliary" / "Build" / "vcvarsall.bat"
    path.parent.mkdir(parents=True)
    path.write_text("")
    return path


def answering(folder: Path, printed: str, code: int = 0) -> Run:
    """vswhere that tells a folder, and a command prompt that prints its variables."""

    def run(argv: list[str], environ: Mapping[str, str], cwd: Path | None) -> tuple[int, str]:
        if argv[0].endswith("vswhere.exe"):
            return 0, f"{folder}\r\n"
        assert cwd == folder / "VC" / "Auxiliary" / "Build"
        assert argv == ["cmd.exe", "/d", "/c", "vcvarsall.bat x64 >nul && set"]
        return code, printed

    return run


def test_the_variables_of_the_command_prompt_are_kept(environ: dict[str, str], script: Path, tmp_path: Path) -> None:
    [candidate] = named("cl", environ)
    assert candidate.installer
    found = prompt_variables(candidate.installer, environ, answering(tmp_path / "vs", _PRINTED))
    assert not isinstance(found, str)
    assert dict(found) == {"INCLUDE": "C:\\VS\\include;C:\\Kits\\ucrt", "LIB": "C:\\VS\\lib", "PATH": "C:\\VS\\bin"}


def test_the_prompts_folders_come_before_those_of_todays_path() -> None:
    environ = with_variables({"PATH": "mine", "A": "1"}, (("PATH", "vs"), ("LIB", "l")))
    assert environ["PATH"].startswith("vs")
    assert environ["PATH"].endswith("mine")
    assert (environ["LIB"], environ["A"]) == ("l", "1")


@pytest.mark.parametrize(
    ("printed", "code", "reason"),
    [
        ("[ERROR:vcvarsall.bat] Invalid argument found : x64\n", 1, "exit code 1: \\[ERROR.*repair Visual Studio"),
        ("PATH=C:\\Windows\n", 0, "does not set up the compiler"),
    ],
)
def test_a_command_prompt_that_fails_is_told_with_what_it_said(
    printed: str, code: int, reason: str, environ: dict[str, str], script: Path, tmp_path: Path
) -> None:
    [candidate] = named("cl", environ)
    assert candidate.installer
    found = prompt_variables(candidate.installer, environ, answering(tmp_path / "vs", printed, code))
    assert isinstance(found, str)
    assert re.search(reason, found)


def test_cl_is_called_as_the_command_prompt_sets_it_up_and_the_prompt_is_asked_once(
    environ: dict[str, str], script: Path, tmp_path: Path
) -> None:
    # Scripts stand in for the programs, for what they answer alone: nothing is compiled.
    tools, log = tmp_path / "tools", tmp_path / "log"
    tools.mkdir()
    answers = {
        Path(
            environ["PROGRAMFILES(X86)"], "Microsoft Visual Studio", "Installer", "vswhere.exe"
        ): f"echo {tmp_path}/vs",
        tools / "cmd.exe": f"echo x >> {log}; echo 'INCLUDE=kits'; echo \"PATH={tmp_path}/vs/bin;$PATH\"",
        tmp_path / "vs" / "bin" / "cl": "echo 'Microsoft (R) C/C++ Optimizing Compiler Version 19.40.33811 for x64'",
    }
    (tmp_path / "vs" / "bin").mkdir()
    for path, answer in answers.items():
        path.write_text(f"#!/bin/sh\n{answer}\n")
        path.chmod(0o755)
    environ = {**environ, "PATH": str(tools)}
    found = [find_compiler("c++", environ, tmp_path / "cache", "cl") for _ in range(2)]
    assert found[0] == found[1]
    assert log.read_text() == "x\n"
    assert (found[0].family, found[0].cxx_command) == (Family.CL, (f"{tmp_path}/vs/bin/cl",))
    assert dict(found[0].variables) == {"INCLUDE": "kits", "PATH": f"{tmp_path}/vs/bin"}
    assert found[0].source == "Visual Studio"


def test_visual_studio_without_its_c_tools_is_told_what_to_add(environ: dict[str, str], tmp_path: Path) -> None:
    [candidate] = named("cl", environ)
    assert candidate.installer
    found = prompt_variables(candidate.installer, environ, lambda *_: (0, ""))
    assert "Desktop development with C++" in found


def test_what_is_remembered_of_it_depends_on_every_installation(tmp_path: Path) -> None:
    state = tmp_path / "Microsoft" / "VisualStudio" / "Packages" / "_Instances" / "1a2b" / "state.json"
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    assert list(installed_files({"PROGRAMDATA": str(tmp_path)})) == [state]


def test_on_windows_cl_comes_first_and_tcc_last(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    assert [c.name for c in candidates(environ, windows=True)] == ["cl", "clang-cl", "gcc", "zig", "tcc"]


def test_a_variable_may_name_a_cl_that_only_visual_studio_knows(environ: dict[str, str]) -> None:
    first = next(candidates({**environ, "HOTPLATE_CC": "cl"}, windows=True))
    assert (first.source, first.explicit, first.installer is not None) == ("HOTPLATE_CC", True, True)


def test_a_cl_without_its_variables_is_told_how_to_get_them(tmp_path: Path) -> None:
    program = tmp_path / "cl"
    program.write_text("")
    program.chmod(0o755)
    [without] = named("cl", {"PATH": str(tmp_path)})
    assert "INCLUDE is not set" in without.problem
    assert "x64 Native Tools" in without.problem
    [ready] = named("cl", {"PATH": str(tmp_path), "INCLUDE": "include"})
    assert (ready.problem, ready.c_command) == ("", (str(program),))


def test_clang_cl_is_found_where_llvm_installs_itself(tmp_path: Path) -> None:
    program = tmp_path / "LLVM" / "bin" / "clang-cl.exe"
    program.parent.mkdir(parents=True)
    program.write_text("")
    found: list[Candidate] = list(named("clang-cl", {"PATH": "", "ProgramFiles": str(tmp_path)}))
    assert [c.c_command for c in found] == [(str(program),)]
    assert found[0].cxx_command == (str(program),)


def test_backslashes_in_a_variable_separate_folders_on_windows() -> None:
    assert split_command('"C:\\Program Files\\gcc.exe" -m64', windows=True) == ("C:\\Program Files\\gcc.exe", "-m64")
    assert split_command("/opt/my\\ gcc -m64", windows=False) == ("/opt/my gcc", "-m64")
