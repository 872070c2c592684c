"""What compilers say about themselves, and what is made of it."""

from __future__ import annotations

import pytest

from hotplate.toolchain import Family
from hotplate.toolchain.identify import Facts, identify

# As documented for cl without arguments, and as a system of another language shows it.
_CL = "Microsoft (R) C/C++ Optimizing Compiler Version {} for {}\nCopyright (C) Microsoft Corporation.\n"
_CL_GERMAN = (
    "Microsoft (R) C/C++-Optimierungscompiler Version 19.40.33811 für x64\nCopyright (C) Microsoft Corporation.\n"
)
_CLANG = "clang version 18.1.8\nTarget: x86_64-pc-windows-msvc\nThread model: posix\n"
_MINGW = "Using built-in specs.\nTarget: {}\nThread model: posix\ngcc version 14.2.0 (Rev1, Built by MSYS2 project)\n"


def asked(command: str, answer: str) -> Facts | str:
    """What is made of a compiler that answers `-v` like this, and knows nothing else."""
    return identify(tuple(command.split()), lambda argv: (0, answer) if argv[-1] == "-v" else (1, ""))


@pytest.mark.parametrize("answer", [_CL.format("19.40.33811", "x64"), _CL_GERMAN])
def test_cl_is_told_by_its_banner_in_any_language(answer: str) -> None:
    found = asked("C:\\vs\\cl.EXE", answer)
    assert isinstance(found, Facts)
    assert (found.family, found.version, found.target) == (Family.CL, "19.40.33811", "x86_64-pc-windows-msvc")


def test_an_old_cl_is_refused_with_the_version_that_would_do() -> None:
    assert "Visual Studio 2019 16.10" in str(asked("cl", _CL.format("19.16.27045", "x64")))


@pytest.mark.parametrize(
    ("command", "answer"), [("cl", _CL.format("19.40.33811", "x86")), ("gcc", _MINGW.format("i686-w64-mingw32"))]
)
def test_a_compiler_whose_libraries_this_python_cant_load_is_refused(command: str, answer: str) -> None:
    assert "this Python has 64 bits" in str(asked(command, answer))


@pytest.mark.parametrize(
    ("command", "family"),
    [
        ("C:/LLVM/bin/clang-cl.exe", Family.CLANG_CL),
        ("clang-16 --driver-mode=cl", Family.CLANG_CL),
        ("clang", Family.CLANG),
    ],
)
def test_clang_cl_is_told_by_how_it_is_called(command: str, family: Family) -> None:
    found = asked(command, _CLANG)
    assert isinstance(found, Facts)
    assert (found.family, found.version, found.target) == (family, "18.1.8", "x86_64-pc-windows-msvc")


@pytest.mark.parametrize(("assembler", "native"), [("-muse-unaligned-vector-move", "znver3"), ("-msse2avx", "")])
def test_gcc_for_windows_uses_the_processors_vectors_if_its_assembler_can_encode_unaligned_moves(
    assembler: str, native: str
) -> None:
    def answer(argv: list[str]) -> tuple[int, str]:
        if "--help=target" in argv:
            return 0, "  -march=                     \t\tznver3\n"
        return 0, f"  {assembler}\n" if "-Wa,--help" in argv else _MINGW.format("x86_64-w64-mingw32")

    found = identify(("gcc",), answer)
    assert isinstance(found, Facts)
    assert found.native.partition("-")[0] == native


def test_what_is_no_compiler_is_refused_with_what_it_said() -> None:
    reason = asked("true", "hello\nthere\n")
    assert reason == "`true -v` does not answer as gcc, clang, cl, zig or tcc do (exit code 0: there)"
