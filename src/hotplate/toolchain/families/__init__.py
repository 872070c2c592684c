"""Command lines: what each compiler family is told to build a cell. Pure, from values to words.

One module for each way in which compilers are called: as gcc, as cl, and tcc's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.toolchain.compiler import Compiler, Family

if TYPE_CHECKING:
    from hotplate.toolchain.families.base import CommandLine


def command_line(compiler: Compiler) -> CommandLine:
    """How this compiler is called."""
    # One of them is imported, not all: even a run whose cells are built needs its compiler's settings, for the keys.
    if compiler.family is Family.TCC:
        from hotplate.toolchain.families.tcc import Tcc

        return Tcc(compiler)
    if compiler.family in {Family.CL, Family.CLANG_CL}:
        from hotplate.toolchain.families.msvc import Cl, ClangCl

        return Cl(compiler) if compiler.family is Family.CL else ClangCl(compiler)
    from hotplate.toolchain.families.gcc_like import GccLike

    return GccLike(compiler)
