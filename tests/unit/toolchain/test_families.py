"""The words that each family is told, for each system."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.toolchain import Compiler, Family
from hotplate.toolchain.families import command_line
from hotplate.toolchain.families.job import Job, Text

LINUX, MINGW, MSVC = "x86_64-linux-gnu", "x86_64-w64-mingw32", "x86_64-pc-windows-msvc"
EVERY = [
    (Family.GCC, LINUX), (Family.CLANG, LINUX), (Family.ZIG, LINUX), (Family.TCC, LINUX),
    (Family.GCC, MINGW), (Family.ZIG, "x86_64-unknown-windows-gnu"), (Family.TCC, "x86_64-pc-mingw32"),
    (Family.CLANG, MSVC), (Family.CL, MSVC), (Family.CLANG_CL, MSVC),
]  # fmt: skip


def compiler(family: Family, target: str, native: str = "", version: str = "19.40") -> Compiler:
    return Compiler(family, (str(family),), (f"{family}++",), version, target, native, "")


def job(**changes: object) -> Job:
    given = {
        "language": "c",
        "source": Path("w/unit.c"),
        "notebook_dir": Path("notebooks"),
        "include_dir": Path("include"),
        "output": Path("w/cell.dll"),
        "depfile": Path("w/depfile"),
        "exports": Path("w/exports.map"),
    }
    return Job(**{**given, **changes})  # type: ignore[arg-type]  # the fields of a Job


def words(family: Family, target: str, **changes: object) -> list[str]:
    return command_line(compiler(family, target)).compile_command(job(**changes))


@pytest.mark.parametrize(("family", "target"), EVERY)
def test_every_call_names_its_source_its_output_its_depfile_and_where_headers_are(family: Family, target: str) -> None:
    call = " ".join(words(family, target))
    for path in ("w/unit.c", "w/cell.dll", "w/depfile", "notebooks", "include"):
        assert path in call


@pytest.mark.parametrize(("family", "target"), EVERY)
def test_what_decides_about_the_code_is_in_the_key(family: Family, target: str) -> None:
    settings = command_line(compiler(family, target)).settings("c", "")
    assert set(settings) <= set(words(family, target))
    assert settings != command_line(compiler(family, target)).settings("c", "c11")


@pytest.mark.parametrize(("family", "target"), [(f, t) for f, t in EVERY if t != LINUX])
def test_nothing_that_only_elf_has_is_asked_of_windows(family: Family, target: str) -> None:
    call = " ".join(words(family, target))
    for word in ("-fPIC", "version-script", "-z,defs", "-Bsymbolic", "-fno-gnu-unique", "-nostdlib"):
        assert word not in call


@pytest.mark.parametrize(
    ("family", "language", "std", "word"),
    [
        (Family.GCC, "c", "", "-std=gnu17"),
        (Family.GCC, "c++", "c++23", "-std=c++23"),
        (Family.CL, "c", "", "/std:c17"),
        (Family.CL, "c", "c99", "/std:c11"),
        (Family.CL, "c++", "", "/std:c++20"),
        (Family.CL, "c++", "gnu++23", "/std:c++latest"),
        (Family.CLANG_CL, "c++", "", "/std:c++20"),
    ],
)
def test_the_standard_has_the_familys_name(family: Family, language: str, std: str, word: str) -> None:
    assert word in words(family, MSVC, language=language, std=std)


def test_cl_gets_the_notebooks_flags_in_its_own_words() -> None:
    flags = ("-O3", "-fopenmp", "-DN=3", "-lfoo", "-Llibs", "-lm", "-Wshadow", "-march=native", "-std=c++17")
    call = words(Family.CL, MSVC, flags=flags)
    before, after = call[: call.index("/link")], call[call.index("/link") :]
    assert {"/openmp:llvm", "-DN=3", "/std:c++17"} <= set(before)
    assert before.count("/O2") == 2  # ours, and the notebook's -O3
    assert {"foo.lib", "/LIBPATH:libs"} <= set(after)
    assert not {"-lm", "-lfoo", "-Wshadow", "-march=native"} & set(call)


def test_clang_cl_gets_clangs_words_behind_a_prefix() -> None:
    call = words(Family.CLANG_CL, MSVC, flags=("-fopenmp", "-Wshadow", "/W4"))
    assert {"/clang:-fopenmp", "/clang:-Wshadow", "/W4", "/clang:-ffp-contract=off"} <= set(call)


@pytest.mark.parametrize(("names", "told"), [(("cos", "cell"), True), (("cell",), False)])
def test_cl_is_told_when_the_notebook_has_a_function_that_cl_takes_for_its_own(
    names: tuple[str, ...], told: bool
) -> None:
    assert ("/Oi-" in words(Family.CL, MSVC, defines=names)) is told


@pytest.mark.parametrize(("native", "words_of_it"), [("AVX2", ["/arch:AVX2"]), ("", [])])
def test_cl_uses_the_vectors_that_the_processor_has(native: str, words_of_it: list[str]) -> None:
    call = command_line(compiler(Family.CL, MSVC, native)).compile_command(job())
    assert [word for word in call if word.startswith("/arch")] == words_of_it


def test_each_build_of_cl_has_a_pdb_of_its_own_that_its_library_names_without_a_folder() -> None:
    call = words(Family.CL, MSVC)
    assert f"/PDB:{Path('w/cell.pdb')}" in call
    assert "/PDBALTPATH:%_PDB%" in call


def test_libraries_of_the_notebook_may_be_dlls_while_those_of_mingw_go_into_the_library() -> None:
    call = words(Family.GCC, MINGW, libs=("-lfoo",))
    order = [call.index(word) for word in ("-static", "-Wl,-Bdynamic", "-lfoo", "-Wl,-Bstatic")]
    assert order == sorted(order)


def test_tcc_for_windows_is_not_asked_for_a_mathematics_library() -> None:
    assert "-lm" not in words(Family.TCC, "x86_64-pc-mingw32", flags=("-lm",), libs=("-lm",))


@pytest.mark.parametrize(("family", "target"), EVERY)
def test_a_text_can_be_preprocessed_and_checked(family: Family, target: str) -> None:
    text = Text(language="c", source=Path("n.c"), notebook_dir=Path("notebooks"), include_dir=Path("include"))
    line = command_line(compiler(family, target))
    assert {"-E", "/E"} & set(line.preprocess_command(text))
    assert {"-fsyntax-only", "/Zs", "-c"} & set(line.check_command(text, Path("scratch")))
