"""gcc, and those that are called as it is: clang and zig. For ELF, Mach-O and, with mingw or zig, Windows' DLLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hotplate.toolchain.compiler import Compiler, Family
from hotplate.toolchain.families.base import STANDARD, CommandLine

if TYPE_CHECKING:
    from hotplate.toolchain.families.base import Job, Text

WARNINGS = ("-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-unused-function")
"""What notebooks are warned about; parameters are edges of the graph, used or not."""

# No contraction to fused multiply-add by default, so that compilers agree on the last bit.
_CODE = ("-g", "-ffp-contract=off")


class GccLike(CommandLine):
    """gcc, clang and zig."""

    exports: ClassVar[str] = "{ global: hotplate_cell; local: *; };\n"
    _check = ("-fsyntax-only",)

    def __init__(self, compiler: Compiler) -> None:
        super().__init__(compiler)
        self.precompiled_name = "prelude.hpp.gch" if compiler.family is Family.GCC else "prelude.pch"

    def _code(self, language: str, std: str) -> tuple[str, ...]:
        compiler = self.compiler
        # In a DLL all code can be moved, and nothing is visible unless it says so.
        form = () if compiler.targets_windows else ("-fPIC", "-fvisibility=hidden")
        settings = (f"-std={std or STANDARD[language]}", "-O3", *_CODE, *form, *_native(compiler))
        return (*settings, *WARNINGS, *_messages(compiler), *_family_settings(compiler))

    def _editor(self, language: str, std: str) -> tuple[str, ...]:
        # clangd warns about -march=native on a file that it can't target; messages and code are the same without.
        return (f"-std={std or STANDARD[language]}", *WARNINGS)

    @property
    def _linking(self) -> tuple[str, ...]:
        if self.compiler.targets_apple:
            return ("-shared", "-Wl,-exported_symbol,_hotplate_cell")
        if self.compiler.targets_windows:
            return ("-shared", *_windows_linking(self.compiler))
        return ("-shared", "-Wl,-Bsymbolic", "-Wl,-z,defs")

    def _includes(self, text: Text) -> tuple[str, ...]:
        return ("-iquote", str(text.notebook_dir), "-isystem", str(text.include_dir))

    def _start(self, job: Job) -> tuple[str, ...]:
        if job.prelude is None:
            return ()
        if self.compiler.family is Family.GCC:
            return ("-include", str(job.prelude.with_suffix("")))  # finds prelude.hpp.gch by itself
        # The cache has checked the headers by content; clang would check their times, which a `git checkout` changes.
        return ("-Xclang", "-fno-validate-pch", "-include-pch", str(job.prelude))

    def _builtins(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"-fno-builtin-{name}" for name in names)

    def _library(self, job: Job) -> tuple[str, ...]:
        elf = not (self.compiler.targets_windows or self.compiler.targets_apple)
        script = (f"-Wl,--version-script={job.exports}",) if elf else ()
        files = (str(job.source), "-o", str(job.output))
        return (*self._linking, *script, *files, *job.libs, *_system_libraries(self.compiler))


def message_format(compiler: Compiler) -> str:
    """The form of the compiler's messages: "json", "sarif" or "text"."""
    if compiler.family is Family.GCC and compiler.release >= (15,):
        return "sarif"
    if compiler.family is Family.GCC and compiler.release >= (9,):
        return "json"
    # Not clang's SARIF: clang 16 crashes on code that #line places in another file, and clang 22 tells the lines of
    # the generated file instead of the notebook's. Neither names the -W option.
    return "text"


def _messages(compiler: Compiler) -> tuple[str, ...]:
    form = message_format(compiler)
    if form != "text":
        return ("-fdiagnostics-format=" + {"json": "json", "sarif": "sarif-stderr"}[form],)
    if compiler.family is Family.GCC:
        return ("-fno-diagnostics-show-caret", "-fdiagnostics-color=never")
    return ("-fno-caret-diagnostics", "-fno-color-diagnostics", "-fdiagnostics-print-source-range-info")


def _family_settings(compiler: Compiler) -> tuple[str, ...]:
    if compiler.family is Family.GCC and not compiler.targets_windows:
        # A template's static would be unique in the whole process: version 2 of a cell would see version 1's.
        return ("-fno-gnu-unique",)
    if compiler.family is Family.ZIG:
        # zig adds traps for undefined behaviour, without the library that would tell what happened.
        return ("-fno-sanitize=undefined",)
    return ()


def _native(compiler: Compiler) -> tuple[str, ...]:
    if not compiler.native:
        return ()
    return ("-mcpu=native",) if compiler.family is Family.ZIG else ("-march=native",)


def _windows_linking(compiler: Compiler) -> tuple[str, ...]:
    # A DLL binds to itself and has to be complete, and exports what is declared dllexport. What gcc brings along goes
    # into it: libgcc_s_seh-1.dll and its like lie beside the compiler, where no loader looks for them.
    return ("-static-libgcc", "-static-libstdc++") if compiler.family is Family.GCC else ()


def _system_libraries(compiler: Compiler) -> tuple[str, ...]:
    return () if "msvc" in compiler.target else ("-lm",)
