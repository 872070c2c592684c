"""Builds with AddressSanitizer and UBSan: which compiler makes them, and what it is told."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hotplate.errors import ToolchainError
from hotplate.toolchain.compiler import Compiler, Family
from hotplate.toolchain.families.program import ProgramLine

if TYPE_CHECKING:
    from collections.abc import Iterable

CHECKS = ("address", "undefined")
"""What -fsanitize is told."""
_CODE = ("-O1", "-g", "-fno-omit-frame-pointer")


def sanitizing_compiler(language: str, compilers: Iterable[Compiler]) -> Compiler:
    """The first that makes cells in `language` and a worker with sanitizers: both need the library of one compiler.

    Raises ToolchainError when there is none.
    """
    if sys.platform != "linux":
        raise ToolchainError(f"hotplate builds with -fsanitize={','.join(CHECKS)} on Linux alone so far")
    unable = []
    for compiler in compilers:
        if ProgramLine(compiler, CHECKS).is_able and compiler.command(language):
            return compiler
        unable.append(compiler.name)
    found = f"{' and '.join(dict.fromkeys(unable))} can't" if unable else "there is no compiler"
    way_out = f"install gcc or clang (`apt install {'gcc g++' if language == 'c++' else 'gcc'}`)"
    raise ToolchainError(f"nothing here builds with -fsanitize={','.join(CHECKS)}: {found}; {way_out}")


def sanitizer_flags(compiler: Compiler) -> tuple[str, ...]:
    """What a cell is compiled with, behind all its other flags.

    UBSan only reports: whether the first finding ends the process is for the environment to say.
    """
    # The part of clang's library that looks at classes is linked into programs in C++, and the worker is none.
    without = ("-fno-sanitize=vptr,function",) if compiler.family is Family.CLANG else ()
    return (f"-fsanitize={','.join(CHECKS)}", *without, "-fsanitize-recover=undefined", *_CODE)
