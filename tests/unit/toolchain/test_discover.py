"""Which compiler is taken, and what is said when none is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hotplate.errors import ToolchainError
from hotplate.toolchain import Compiler, Discovery, Family, discover, find_compiler, pick
from hotplate.toolchain.candidates import cxx_command


@pytest.fixture
def environ() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in {"CC", "CXX", "HOTPLATE_CC", "HOTPLATE_CXX"}}


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_variable_decides(gcc: Compiler, environ: dict[str, str], tmp_path: Path) -> None:
    wrapper = program(tmp_path / "bin", "mycc", f'exec {gcc.c_command[0]} "$@"')
    found = find_compiler("c", {**environ, "CC": str(wrapper)}, tmp_path)
    assert (found.c_command, found.family, found.source) == ((str(wrapper),), Family.GCC, "CC")
    preferred = find_compiler("c", {**environ, "CC": "broken", "HOTPLATE_CC": f"{wrapper} -m64"}, tmp_path)
    assert preferred.c_command == (str(wrapper), "-m64")


@pytest.mark.parametrize("value", ["no-such-compiler", "false", "'"])
@pytest.mark.parametrize("variable", ["CC", "HOTPLATE_CC"])
def test_a_variable_that_names_no_compiler_is_an_error_that_says_so(
    variable: str, value: str, environ: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(
        ToolchainError, match=f"^{variable} is .*does not work.*; set {variable} to a working compiler, or unset it"
    ):
        find_compiler("c", {**environ, variable: value}, tmp_path)


def test_a_c_compiler_without_a_c_plus_plus_side_is_an_error_when_it_was_asked_for(
    gcc: Compiler, environ: dict[str, str], tmp_path: Path
) -> None:
    wrapper = program(tmp_path / "bin", "lonely", f'exec {gcc.c_command[0]} "$@"')
    with pytest.raises(ToolchainError, match="set CXX"):
        find_compiler("c++", {**environ, "CC": str(wrapper)}, tmp_path)
    both = find_compiler("c++", {**environ, "CC": str(wrapper), "CXX": "g++"}, tmp_path)
    assert both.cxx_command
    assert Path(both.cxx_command[0]).name == "g++"


@pytest.mark.parametrize(
    ("c", "cxx"),
    [
        ("gcc", "g++"),
        ("clang", "clang++"),
        ("clang-16", "clang++-16"),
        ("cc", "c++"),
        ("arm-linux-gcc-12", "arm-linux-g++-12"),
    ],
)
def test_the_c_plus_plus_command_is_the_sibling(c: str, cxx: str, tmp_path: Path) -> None:
    first, second = program(tmp_path, c, "exit 0"), program(tmp_path, cxx, "exit 0")
    assert cxx_command((str(first),), {"PATH": ""}) == (str(second),)
    assert cxx_command(("/usr/bin/ccache", str(first), "-m64"), {"PATH": ""}) == (
        "/usr/bin/ccache",
        str(second),
        "-m64",
    )


def test_zig_cc_becomes_zig_c_plus_plus() -> None:
    assert cxx_command(("/opt/zig", "cc"), {"PATH": ""}) == ("/opt/zig", "c++")
    assert cxx_command(("python", "-m", "ziglang", "cc"), {"PATH": ""}) == ("python", "-m", "ziglang", "c++")


def test_a_gcc_that_is_clang_is_told_by_its_answer(tmp_path: Path, environ: dict[str, str]) -> None:
    answer = "Apple clang version 15.0.0 (clang-1500)\\nTarget: arm64-apple-darwin23.0.0"
    path = program(tmp_path / "bin", "gcc", f'printf "{answer}\\n" >&2')
    found = find_compiler("c", {**environ, "PATH": f"{path.parent}:{environ['PATH']}"}, tmp_path)
    assert (found.family, found.version, found.target) == (Family.CLANG, "15.0.0", "arm64-apple-darwin23.0.0")
    assert found.native == ""


def test_without_any_compiler_the_message_tells_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(
        ToolchainError, match=r"(?s)gcc: there is no command.*tcc: .*pip install ziglang.*apt install gcc"
    ):
        find_compiler("c", {"PATH": str(tmp_path)}, tmp_path)


def test_what_was_not_found_is_told_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    found = discover({"PATH": str(tmp_path)}, tmp_path)
    assert found.found == ()
    assert [item.name for item in found.rejected] == ["gcc", "clang", "zig", "tcc"]


def test_answers_are_remembered_until_the_binary_changes(
    gcc: Compiler, environ: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    script = f'echo x >> {log}\nexec {gcc.c_command[0]} "$@"'
    wrapper = program(tmp_path / "bin", "mycc", script)
    asked = {**environ, "CC": str(wrapper)}
    first = find_compiler("c", asked, tmp_path)
    calls = log.read_text()
    assert find_compiler("c", asked, tmp_path) == first
    assert log.read_text() == calls
    program(tmp_path / "bin", "mycc", f"{script}\n# changed")
    assert find_compiler("c", asked, tmp_path).identity != first.identity
    assert log.read_text() != calls


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"family": "gcc"}'])
def test_a_damaged_memory_is_asked_again(damage: str, gcc: Compiler, environ: dict[str, str], tmp_path: Path) -> None:
    first = find_compiler("c", environ, tmp_path, "gcc")
    [file] = (tmp_path / "probe").iterdir()
    file.write_text(damage)
    assert find_compiler("c", environ, tmp_path, "gcc") == first
    assert gcc.family is first.family


def test_only_the_first_that_works_is_asked(gcc: Compiler, environ: dict[str, str], tmp_path: Path) -> None:
    found = discover(environ, tmp_path, until="c")
    assert [compiler.family for compiler in found.found] == [gcc.family]


def test_a_wanted_family_that_is_missing_is_named(gcc: Compiler, tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match="no C compiler 'clang-99'"):
        find_compiler("c", {"PATH": str(tmp_path)}, tmp_path, "clang-99")
    with pytest.raises(ToolchainError, match="no C compiler 'clang'"):
        pick(discover({"PATH": str(Path(gcc.c_command[0]).parent)}, tmp_path, wanted="gcc"), "c", "clang")


def found_on_windows(*families: Family, source: str = "PATH") -> Discovery:
    def compiler(family: Family) -> Compiler:
        cxx = None if family is Family.TCC else (str(family),)
        return Compiler(family, (str(family),), cxx, "1", "x86_64-pc-windows-msvc", "", str(family), source=source)

    return Discovery(tuple(map(compiler, families)), ())


def test_cl_compiles_c_only_where_nothing_else_does_since_it_takes_no_array_parameters() -> None:
    both = found_on_windows(Family.CL, Family.TCC)
    assert (pick(both, "c").family, pick(both, "c++").family) == (Family.TCC, Family.CL)
    assert pick(found_on_windows(Family.CL), "c").family is Family.CL


def test_cl_that_was_asked_for_is_taken() -> None:
    both = found_on_windows(Family.CL, Family.TCC, source="CC")
    assert pick(both, "c").family is Family.CL
    assert pick(found_on_windows(Family.TCC, Family.CL), "c", "cl").family is Family.CL
