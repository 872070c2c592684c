"""Libraries for Windows, made on whatever system the tests run on."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from hotplate.toolchain import Artifact, Builder, BuildFailure, Compiler, Unit
from hotplate.toolchain.diagnostics import parse_output
from hotplate.toolchain.families import command_line
from hotplate.toolchain.families.job import Job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeBuilder = Callable[..., Builder]
    MakeUnit = Callable[..., Unit]

# What every Windows has.
_SYSTEM_DLLS = re.compile(r"kernel32\.dll|msvcrt\.dll|ucrtbase\.dll|api-ms-win-.*\.dll", re.IGNORECASE)


def headers_of(library: Path) -> str:
    tool = next(filter(shutil.which, ("x86_64-w64-mingw32-objdump", "objdump")), None)
    if tool is None:
        pytest.skip("objdump (binutils-mingw-w64) is not installed")
    return subprocess.run([tool, "-p", library], check=True, capture_output=True, text=True).stdout


def exports(library: Path) -> list[str]:
    table = headers_of(library).partition("[Ordinal/Name Pointer] Table")[2]
    return re.findall(r"^\s*\[\s*\d+\](?: \+base\[\s*\d+\] +[0-9a-f]+)? (\S+)$", table, re.MULTILINE)


def imports(library: Path) -> list[str]:
    return re.findall(r"DLL Name: (\S+)", headers_of(library))


def built(builder: Builder, unit: Unit) -> Artifact:
    result = builder.build(unit)
    assert isinstance(result, Artifact), result
    return result


def test_a_dll_exports_the_descriptor_alone(mingw: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit) -> None:
    text = "double helper(double x) { return x; }\ndouble cell(double x) { return helper(x); }"
    assert exports(built(builder_for(mingw), make_unit(text)).library) == ["hotplate_cell"]


@pytest.mark.parametrize("language", ["c", "c++"])
def test_a_dll_needs_no_file_of_the_compiler(
    language: str, mingw: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    prelude = "#include <stdexcept>\n#include <iostream>\n" if language == "c++" else ""
    body = 'if (x > 1) throw std::runtime_error("no"); std::cout << x;' if language == "c++" else ""
    text = f"double cell(double x) {{ {body} return x; }}"
    found = imports(built(builder_for(mingw), make_unit(text, language=language, prelude=prelude)).library)
    assert found
    assert [name for name in found if not _SYSTEM_DLLS.fullmatch(name)] == []


def test_threads_of_c_plus_plus_are_in_the_dll_too(
    compiler_named: Callable[[str, str], Compiler], builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    posix = compiler_named("x86_64-w64-mingw32-gcc-posix", "c++")
    text = "double cell(double x) { std::thread([&] { x *= 2; }).join(); return x; }"
    found = imports(built(builder_for(posix), make_unit(text, language="c++", prelude="#include <thread>\n")).library)
    assert "libwinpthread-1.dll" not in found


def test_an_undefined_symbol_is_an_error_on_its_line(
    mingw: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    unit = make_unit("double nope(double);\ndouble cell(double x) {\n    return nope(x);\n}")
    result = builder_for(mingw).build(unit)
    assert isinstance(result, BuildFailure)
    [found] = result.diagnostics
    assert "'nope'" in found.message
    assert (found.path, found.line, found.column) == (str(unit.notebook), 3, 12)


def test_what_the_processor_has_is_used_without_aligned_moves(
    mingw: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    if not mingw.native:
        pytest.skip("this mingw's assembler can't encode unaligned moves for aligned ones")
    # The compiler is told to align what Windows' stack does not align, in its own assembly.
    text = '__asm__("vmovapd %ymm0, (%rsp)");\ndouble cell(double x) { return x; }'
    library = built(builder_for(mingw), make_unit(text)).library
    tool = shutil.which("x86_64-w64-mingw32-objdump") or pytest.skip("objdump (binutils-mingw-w64) is not installed")
    code = subprocess.run([tool, "-d", library], check=True, capture_output=True, text=True).stdout
    assert re.search(r"vmovupd %ymm0,\(%rsp\)", code)
    assert "vmovapd" not in code


def test_nothing_lies_beside_the_dll_but_its_source(
    mingw: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    library = built(builder_for(mingw), make_unit("double cell(double x) { return x; }")).library
    assert {path.name for path in library.parent.iterdir()} == {library.name, "unit.c", "meta.json"}


@pytest.mark.parametrize("cell", ["aux", "Nul", "version", "a" * 200])
def test_the_file_of_a_library_is_short_and_none_that_windows_has(
    cell: str, gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    artifact = built(builder_for(gcc), make_unit(f"double {cell}(double x) {{ return x; }}", cell))
    assert artifact.library.stem == f"{cell[:48]}-{artifact.unit_key[:8]}"


@pytest.fixture
def clang_cl(compiler_named: Callable[[str, str], Compiler]) -> Compiler:
    return compiler_named("clang-16 --driver-mode=cl", "c")


def dll_job(folder: Path, text: str, include_dir: Path) -> Job:
    (folder / "unit.c").write_text(text, "utf-8")
    here = folder.relative_to(folder)  # clang-cl on Linux takes a path that begins with / for an option
    return Job(
        language="c",
        source=here / "unit.c",
        notebook_dir=here,
        include_dir=include_dir,
        output=here / "unit.dll",
        depfile=here / "depfile",
        exports=here / "exports",
        defines=("cos",),
    )


def run_clang_cl(compiler: Compiler, job: Job, folder: Path) -> subprocess.CompletedProcess[str]:
    """The call, strict about options, with a linker that is here and without the C library that is not."""
    linker = next(filter(shutil.which, ("lld-link", "lld-link-16")), None)
    if linker is None:
        pytest.skip("lld-link (lld-16) is not installed")
    words = command_line(compiler).compile_command(job)
    start = len(compiler.c_command)
    call = [*words[:start], "-Werror", f"-fuse-ld={linker}", *words[start:], "/NODEFAULTLIB", "/NOENTRY"]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)


_CELL = """#include <hotplate.h>
int _fltused;
static int32_t entry(hp_ctx *ctx, const hp_value *in, hp_value *out) { (void)ctx, (void)in, (void)out; return %s; }
static const hp_port ports[] = {{"x", HP_PORT_SCALAR, HP_DTYPE_INIT(double), NULL, 0, NULL}};
HP_EXPORT const hp_cell hotplate_cell = {sizeof(hp_cell), 1, "c", "c", "", "", entry, 1, 0, 0, 0, ports, NULL, NULL};
"""


def test_clang_cl_knows_every_option_and_exports_the_descriptor_alone(
    clang_cl: Compiler, tmp_path: Path, include_dir: Path
) -> None:
    done = run_clang_cl(clang_cl, dll_job(tmp_path, _CELL % "0", include_dir), tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert exports(tmp_path / "unit.dll") == ["hotplate_cell"]
    assert "pdb unit.pdb" in headers_of(tmp_path / "unit.dll")
    assert str(include_dir / "hotplate.h") in (tmp_path / "depfile").read_text()


def test_clang_cl_is_read_like_clang(clang_cl: Compiler, tmp_path: Path, include_dir: Path) -> None:
    job = dll_job(tmp_path, _CELL % "missing", include_dir)
    done = run_clang_cl(clang_cl, job, tmp_path)
    [found] = parse_output(done.stderr + done.stdout, failed=True)
    assert found.message == "use of undeclared identifier 'missing'"
    assert (found.path, found.line, found.column) == ("unit.c", 3, 111)
