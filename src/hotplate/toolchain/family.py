"""Command lines: what each compiler family is told to build a cell. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate.toolchain.compiler import Compiler, Family

if TYPE_CHECKING:
    from collections.abc import Iterable

EXPORTS = "{ global: hotplate_cell; local: *; };\n"
"""The linker's version script: a library exports the cell's descriptor alone."""

STANDARD = {"c": "gnu17", "c++": "gnu++20"}
"""The language standard of a notebook that does not choose one."""

WARNINGS = ("-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-unused-function")
"""What notebooks are warned about; parameters are edges of the graph, used or not."""

# No contraction to fused multiply-add by default, so that compilers agree on the last bit.
_CODE = ("-g", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off")


@dataclass(frozen=True, slots=True)
class Job:
    """One call of a compiler: these files, that output."""

    language: str
    std: str
    """"" is the family's default."""
    source: Path
    output: Path
    depfile: Path
    notebook_dir: Path
    include_dir: Path
    """Where hotplate.h is."""
    exports: Path
    """A file that holds EXPORTS."""
    flags: tuple[str, ...] = ()
    """The notebook's own, after ours so that they win."""
    libs: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    """The functions that the unit defines, as `own_functions` finds them."""
    prelude: Path | None = None
    """The precompiled header to start from."""


def compile_command(compiler: Compiler, job: Job) -> list[str]:
    """The call that makes a library of one translation unit."""
    return [
        *compiler.command(job.language),
        *code_settings(compiler, job.language, job.std),
        *link_settings(compiler, job.exports),
        *_dependencies(job),
        *include_settings(compiler, job.notebook_dir, job.include_dir),
        *(use_prelude(compiler, job.prelude) if job.prelude else ()),
        *builtin_settings(compiler, job.defines),
        *job.flags,
        str(job.source),
        "-o",
        str(job.output),
        *job.libs,
        *_system_libraries(compiler),
    ]


def undefined_symbols_command(compiler: Compiler, job: Job) -> list[str] | None:
    """The call that complains about undefined symbols, for a family whose `compile_command` does not; else None."""
    if compiler.family is not Family.TCC:
        return None
    # tcc has no -z,defs, but it checks a program; that it has no _start is then expected. Takes 4 ms.
    return [word for word in compile_command(compiler, job) if word != "-shared"]


def precompile_command(compiler: Compiler, job: Job) -> list[str]:
    """The call that precompiles the includes of a C++ notebook. Its settings match those of `compile_command`."""
    return [
        *compiler.command(job.language),
        *code_settings(compiler, job.language, job.std),
        *_dependencies(job),
        *include_settings(compiler, job.notebook_dir, job.include_dir),
        *job.flags,
        "-x",
        "c++-header",
        str(job.source),
        "-o",
        str(job.output),
    ]


def code_settings(compiler: Compiler, language: str, std: str) -> tuple[str, ...]:
    """What decides about the code and the messages, apart from the notebook's own flags."""
    standard = f"-std={std or STANDARD[language]}"
    if compiler.family is Family.TCC:
        # A parameter such as `double out[n]` is all it understands of -Wextra; what it does not know it ignores.
        return (standard, "-g", "-Wall")
    settings = (standard, "-O3", *_CODE, *_native(compiler), *WARNINGS, *_messages(compiler))
    if compiler.family is Family.GCC:
        # A template's static would be unique in the whole process: version 2 of a cell would see version 1's.
        return (*settings, "-fno-gnu-unique")
    if compiler.family is Family.ZIG:
        # zig adds traps for undefined behaviour, without the library that would tell what happened.
        return (*settings, "-fno-sanitize=undefined")
    return settings


def link_settings(compiler: Compiler, exports: Path | str) -> tuple[str, ...]:
    """What closes the library: own functions win, an undefined symbol is an error, one name is exported."""
    if compiler.family is Family.TCC:
        return ("-shared", "-nostdlib", "-Wl,-Bsymbolic")
    if is_apple(compiler):
        return ("-shared", "-Wl,-exported_symbol,_hotplate_cell")
    return ("-shared", "-Wl,-Bsymbolic", "-Wl,-z,defs", f"-Wl,--version-script={exports}")


def include_settings(compiler: Compiler, notebook_dir: Path, include_dir: Path) -> tuple[str, ...]:
    """Where headers are looked for: beside the notebook, among hotplate's, in the system."""
    # A unit lies elsewhere than its notebook: `#include "mine.h"` has to look beside the notebook.
    own = ("-I" if compiler.family is Family.TCC else "-iquote", str(notebook_dir))
    return (*own, "-isystem", str(include_dir), *_tcc_paths(compiler, "include"))


def use_prelude(compiler: Compiler, precompiled: Path) -> tuple[str, ...]:
    """The options that start a unit from a precompiled header."""
    if compiler.family is Family.GCC:
        return ("-include", str(precompiled.with_suffix("")))  # finds prelude.hpp.gch by itself
    # The cache has checked the headers by content; clang would check their times, which a `git checkout` changes.
    return ("-Xclang", "-fno-validate-pch", "-include-pch", str(precompiled))


def can_precompile(compiler: Compiler) -> bool:
    """Whether the family has precompiled headers."""
    return compiler.family is not Family.TCC


def precompiled_name(compiler: Compiler) -> str:
    """The file name of a precompiled prelude."""
    return "prelude.hpp.gch" if compiler.family is Family.GCC else "prelude.pch"


def message_format(compiler: Compiler) -> str:
    """The form of the compiler's messages: "json", "sarif" or "text"."""
    if compiler.family is Family.GCC and compiler.release >= (15,):
        return "sarif"
    if compiler.family is Family.GCC and compiler.release >= (9,):
        return "json"
    # Not clang's SARIF: clang 16 crashes on code that #line places in another file, and clang 22 tells the lines of
    # the generated file instead of the notebook's. Neither names the -W option.
    return "text"


def is_apple(compiler: Compiler) -> bool:
    """Whether the compiler makes Mach-O files, with Apple's linker."""
    return "apple" in compiler.target or "darwin" in compiler.target


def builtin_settings(compiler: Compiler, names: Iterable[str]) -> tuple[str, ...]:
    """Keeps the compiler from folding cos(1.0) to libm's value when the notebook defines a `cos` of its own."""
    if compiler.family is Family.TCC:
        return ()
    return tuple(f"-fno-builtin-{name}" for name in names)


def own_functions(source: str) -> tuple[str, ...]:
    """The functions that a unit seems to define, sorted. One too many costs an optimisation, one too few a result."""
    names = {match[1] for match in re.finditer(r"[\w*&>]\s*\b([a-z]\w*)\s*\([^;{}]*\)\s*\{", source)}
    return tuple(sorted(names - {"if", "for", "while", "switch", "catch"}))


def _native(compiler: Compiler) -> tuple[str, ...]:
    if not compiler.native:
        return ()
    return ("-mcpu=native",) if compiler.family is Family.ZIG else ("-march=native",)


def _messages(compiler: Compiler) -> tuple[str, ...]:
    form = message_format(compiler)
    if form != "text":
        return ("-fdiagnostics-format=" + {"json": "json", "sarif": "sarif-stderr"}[form],)
    if compiler.family is Family.GCC:
        return ("-fno-diagnostics-show-caret", "-fdiagnostics-color=never")
    return ("-fno-caret-diagnostics", "-fno-color-diagnostics", "-fdiagnostics-print-source-range-info")


def _dependencies(job: Job) -> tuple[str, ...]:
    return ("-MD", "-MF", str(job.depfile))


def _system_libraries(compiler: Compiler) -> tuple[str, ...]:
    if compiler.family is Family.TCC:
        # tcc calls functions of its own for what the processor lacks (uint64_t to double); -nostdlib leaves them out.
        own = _tcc_folder(compiler) / "libtcc1.a"
        return (*_tcc_paths(compiler, "library"), "-lc", "-lm", *((str(own),) if own.is_file() else ()))
    return ("-lm",)


def _tcc_folder(compiler: Compiler) -> Path:
    return Path(compiler.c_command[0]).resolve().parent.parent / "lib" / "tcc"


def _tcc_paths(compiler: Compiler, kind: str) -> tuple[str, ...]:
    """Where tcc finds its own and the system's files: a packaged tcc knows only the machine that built it."""
    if compiler.family is not Family.TCC:
        return ()
    own = _tcc_folder(compiler)
    multiarch = f"{compiler.target.split('-')[0]}-linux-gnu"
    if kind == "include":
        folders = [own / "include", *map(Path, ("/usr/local/include", f"/usr/include/{multiarch}", "/usr/include"))]
        return tuple(word for folder in folders if folder.is_dir() for word in ("-isystem", str(folder)))
    libraries = ("/usr/local/lib", f"/usr/lib/{multiarch}", f"/lib/{multiarch}", "/usr/lib64", "/usr/lib")
    base = (f"-B{own}",) if own.is_dir() else ()
    return (*base, *(f"-L{folder}" for folder in libraries if Path(folder).is_dir()))
