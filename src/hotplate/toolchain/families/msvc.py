"""cl, and clang-cl, which is called as cl is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hotplate.toolchain.families.base import STANDARD, CommandLine
from hotplate.toolchain.families.gcc_like import WARNINGS as GCC_WARNINGS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hotplate.toolchain.families.job import Job, Text

# M_PI, and fopen without a warning, as with every other compiler; and std::min, which <windows.h> would take away.
_DEFINES = ("/D_USE_MATH_DEFINES", "/D_CRT_SECURE_NO_WARNINGS", "/D_CRT_NONSTDC_NO_WARNINGS", "/DNOMINMAX")

# The C library as a DLL: each static copy takes one of the process's 128 fiber slots before Windows 10 2004, and would
# have a stdout of its own. Debug information stays in the object file, for a PDB of the library's own.
_CODE = ("/nologo", "/utf-8", "/O2", "/fp:precise", "/Z7", "/MD", "/EHsc", "/Zc:__cplusplus", *_DEFINES)

# gcc and clang say nothing about these conversions (C4244, C4267, C4305), unused parameters and unused functions.
# A call of a function that nobody declared (C4013) is an error at its place, instead of one of the linker later.
_CL_WARNINGS = ("/W3", "/wd4244", "/wd4267", "/wd4305", "/wd4100", "/wd4505", "/we4013")

_INTRINSICS = frozenset(
    re.findall(
        r"\w+",
        "abs acos asin atan atan2 ceil cos cosh exp fabs floor fmod labs log log10 pow sin sinh sqrt tan tanh memcmp "
        "memcpy memset strcat strcmp strcpy strlen strset acosf asinf atanf atan2f ceilf cosf coshf expf floorf fmodf "
        "logf log10f powf sinf sinhf sqrtf tanf tanhf llabs round roundf lround llround rint rintf nearbyint trunc "
        "truncf copysign copysignf fmin fmax",
    )
)
"""Functions that cl takes for its own, unless it is told not to."""


class Cl(CommandLine):
    """Visual Studio's compiler."""

    _preprocess = ("/E",)

    def _check(self, scratch: Path) -> tuple[str, ...]:  # noqa: ARG002 - it leaves nothing
        return ("/Zs",)

    def _code(self, language: str, std: str) -> tuple[str, ...]:
        # Not /experimental:log, which would give SARIF: it comes with cl 19.38, and is what its name says.
        return (_standard(language, std), *_CODE, *self._native(), *_CL_WARNINGS, "/diagnostics:column")

    def _native(self) -> tuple[str, ...]:
        level = self.compiler.native.partition("-")[0]
        return (f"/arch:{level}",) if level else ()

    def _editor(self, language: str, std: str) -> tuple[str, ...]:
        return (_standard(language, std), "/nologo", "/utf-8", "/EHsc", *_DEFINES, *_CL_WARNINGS)

    @property
    def _linking(self) -> tuple[str, ...]:
        return ("/DEBUG", "/INCREMENTAL:NO", "/OPT:REF", "/PDBALTPATH:%_PDB%", "/MANIFEST:NO")

    def _includes(self, text: Text) -> tuple[str, ...]:
        # What is in <> and what lies in hotplate's folder is not the notebook's, so nobody is warned about it.
        ours = ("/external:W0", "/external:anglebrackets", "/external:I", str(text.include_dir))
        return (*ours, f"/I{text.notebook_dir}")

    def _dependencies(self, job: Job) -> tuple[str, ...]:
        return ("/sourceDependencies", str(job.depfile))

    def _builtins(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return ("/Oi-",) if _INTRINSICS.intersection(names) else ()

    def _flags(self, flags: tuple[str, ...]) -> tuple[str, ...]:
        kept = (flag for flag in flags if not _for_linker(flag))
        return tuple(word for flag in kept for word in _in_words_of_cl(flag))

    def _library(self, job: Job) -> tuple[str, ...]:
        outputs = ("/LD", f"/Fo{job.source.with_suffix('.obj')}", f"/Fe{job.output}")
        # The PDB has the library's name and lies beside it: debuggers lock it, so no other build may want that file.
        files = (f"/PDB:{job.output.with_suffix('.pdb')}", f"/IMPLIB:{job.output.parent / 'unit.lib'}")
        libraries = _linker_words((*job.flags, *job.libs))
        return (*outputs, str(job.source), *self._flags(job.libs), "/link", *self._linking, *files, *libraries)


class ClangCl(Cl):
    """clang-cl: what it does not know of cl's it takes as clang does, behind `/clang:`."""

    def _code(self, language: str, std: str) -> tuple[str, ...]:
        plain = ("-fno-caret-diagnostics", "-fdiagnostics-format=clang", "-fdiagnostics-print-source-range-info")
        settings = ("-ffp-contract=off", *GCC_WARNINGS, *plain)
        return (_standard(language, std), *_CODE, *self._native(), *map(_clang, settings), "-fno-color-diagnostics")

    def _native(self) -> tuple[str, ...]:
        return ("-march=native",) if self.compiler.native else ()

    def _editor(self, language: str, std: str) -> tuple[str, ...]:
        words = map(_clang, GCC_WARNINGS)
        return (_standard(language, std), "/nologo", "/utf-8", "/EHsc", *_DEFINES, *words)

    def _includes(self, text: Text) -> tuple[str, ...]:
        return (f"/clang:-iquote{text.notebook_dir}", "-imsvc", str(text.include_dir))

    def _dependencies(self, job: Job) -> tuple[str, ...]:
        return ("/clang:-MD", f"/clang:-MF{job.depfile}")

    def _builtins(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_clang(f"-fno-builtin-{name}") for name in names)

    def _flags(self, flags: tuple[str, ...]) -> tuple[str, ...]:
        kept = (flag for flag in flags if not _for_linker(flag))
        return tuple(_clang(flag) if re.match(r"-[fmWO]|-std=", flag) else flag for flag in kept)


def _clang(word: str) -> str:
    return f"/clang:{word}"


def _standard(language: str, std: str) -> str:
    """The option for a standard by the name that gcc has for it."""
    name = (std or STANDARD[language]).replace("gnu", "c")
    known = {
        "c99": "c11",
        "c2x": "clatest",
        "c23": "clatest",
        "c++2a": "c++20",
        "c++23": "c++latest",
        "c++2b": "c++latest",
    }
    return f"/std:{known.get(name, name)}"


# What notebooks ask of gcc, pkg-config too, in cl's words. () is what cl does or has anyway.
_COMPILER_WORDS: dict[str, tuple[str, ...]] = {
    "-O3": ("/O2",),
    "-O2": ("/O2",),
    "-O1": ("/O1",),
    "-O0": ("/Od",),
    "-Os": ("/O1",),
    "-g": (),
    "-fopenmp": ("/openmp:llvm",),
    "-ffast-math": ("/fp:fast",),
    "-Werror": ("/WX",),
    "-isystem": ("/external:I",),
    "-iquote": ("/I",),
    "-include": ("/FI",),
}
_LIBRARY_FLAG = re.compile(r"-([lL])(.+)")
_OF_THE_SYSTEM = frozenset({"-lm", "-lpthread", "-pthread", "-ldl", "-lrt"})


def _in_words_of_cl(flag: str) -> tuple[str, ...]:
    if flag.startswith("-std="):
        return (_standard("", flag.removeprefix("-std=")),)
    if flag.startswith(("-W", "-fno-", "-m")) and flag not in _COMPILER_WORDS:
        return ()  # gcc's warnings and processors have no counterpart, and cl would complain about each
    return _COMPILER_WORDS.get(flag, (flag,))


def _for_linker(flag: str) -> bool:
    return flag in _OF_THE_SYSTEM or bool(_LIBRARY_FLAG.fullmatch(flag))


def _linker_words(flags: tuple[str, ...]) -> Iterator[str]:
    for flag in flags:
        match = None if flag in _OF_THE_SYSTEM else _LIBRARY_FLAG.fullmatch(flag)
        if match:
            yield f"{match[2]}.lib" if match[1] == "l" else f"/LIBPATH:{match[2]}"
