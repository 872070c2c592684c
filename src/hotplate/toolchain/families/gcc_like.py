"""gcc, and those that are called as it is: clang and zig. For ELF, Mach-O and, with mingw or zig, Windows' DLLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hotplate.toolchain.compiler import Compiler, Family
from hotplate.toolchain.families.base import STANDARD, CommandLine

if TYPE_CHECKING:
    from pathlib import Path

    from hotplate.toolchain.families.job import Job, Text

WARNINGS = ("-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-unused-function")
"""What notebooks are warned about; parameters are edges of the graph, used or not."""

# No contraction to fused multiply-add by default, so that compilers agree on the last bit.
_CODE = ("-g", "-ffp-contract=off")


UNALIGNED_MOVES = "-Wa,-muse-unaligned-vector-move"
"""What gcc for Windows needs to use the vectors of the processor. binutils 2.38 and later know it."""

# All code can be moved and nothing is visible unless it says so. The old C library's own printf knows no %zu.
_DLL_CODE = ("-D__USE_MINGW_ANSI_STDIO=1",)


class GccLike(CommandLine):
    """gcc, clang and zig."""

    exports: ClassVar[str] = "{ global: hotplate_cell; local: *; };\n"

    def __init__(self, compiler: Compiler) -> None:
        super().__init__(compiler)
        self.precompiled_name = "prelude.hpp.gch" if compiler.family is Family.GCC else "prelude.pch"

    def _check(self, scratch: Path) -> tuple[str, ...]:
        # zig looks for the object that -fsyntax-only does not make, and calls that an error.
        return super()._check(scratch) if self.compiler.family is Family.ZIG else ("-fsyntax-only",)

    def _code(self, language: str, std: str) -> tuple[str, ...]:
        compiler = self.compiler
        form = _DLL_CODE if compiler.targets_windows else ("-fPIC", "-fvisibility=hidden")
        settings = (f"-std={std or STANDARD[language]}", "-O3", *_CODE, *form, *_native(compiler))
        return (*settings, *WARNINGS, *_messages(compiler), *family_settings(compiler))

    def _editor(self, language: str, std: str) -> tuple[str, ...]:
        # clangd warns about -march=native on a file that it can't target; messages and code are the same without.
        return (f"-std={std or STANDARD[language]}", *WARNINGS)

    @property
    def _linking(self) -> tuple[str, ...]:
        if self.compiler.targets_apple:
            return ("-shared", "-Wl,-exported_symbol,_hotplate_cell")
        if self.compiler.targets_windows:
            # A DLL binds to itself and has to be complete, and exports what is declared dllexport.
            return ("-shared",)
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
        if links_mingw(self.compiler):
            # What gcc brings along goes into the library: libstdc++-6.dll, libgcc_s_seh-1.dll and libwinpthread-1.dll
            # lie beside the compiler, where no loader looks. The notebook's own libraries may be DLLs.
            dynamic, static = "-Wl,-Bdynamic", "-Wl,-Bstatic"
            return (*self._linking, "-static", dynamic, *files, *job.libs, static, "-lm")
        # The sanitizers of clang are in the program that loads the library, so the library alone is not complete.
        is_open = self.compiler.family is Family.CLANG and any(flag.startswith("-fsanitize=") for flag in job.flags)
        linking = (word for word in self._linking if not (is_open and word == "-Wl,-z,defs"))
        return (*linking, *script, *files, *job.libs, *(() if "msvc" in self.compiler.target else ("-lm",)))


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


def family_settings(compiler: Compiler) -> tuple[str, ...]:
    """What keeps a family from its own ideas about the code."""
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
    if compiler.family is Family.ZIG:
        return ("-mcpu=native",)
    # Windows aligns the stack to 16 bytes, and gcc moves vectors of 32 as if they were aligned:
    # https://gcc.gnu.org/bugzilla/show_bug.cgi?id=54412. The assembler can encode other moves, which cost the same.
    unaligned = (UNALIGNED_MOVES,) if compiler.family is Family.GCC and compiler.targets_windows else ()
    return ("-march=native", *unaligned)


def links_mingw(compiler: Compiler) -> bool:
    """Whether it links against libraries that lie beside it, where Windows looks for none."""
    return compiler.targets_windows and compiler.family is not Family.ZIG and "msvc" not in compiler.target
