"""Runs a compiler to its end, or kills it with all its children."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hotplate import _platform
from hotplate.errors import RunCancelled, ToolchainError
from hotplate.toolchain.compiler import Family

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from hotplate.toolchain.compiler import Compiler

# Variables that colour the messages, translate them, or send the depfile elsewhere.
_DISTURBING = ("GCC_COLORS", "CLICOLOR_FORCE", "LANGUAGE", "LC_CTYPE", "DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES")

# Without these, programs on Windows do not even start, or find no place for what is temporary.
_WINDOWS_NEEDS = ("SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "LOCALAPPDATA")

# What a compiler needs of the environment when it must not see secrets: where programs, headers and libraries are. Not
# CCACHE_* and the like: such a program keeps what it compiled outside the one directory that can be written to.
_KEPT_CONFINED = frozenset({
    "PATH", "HOME", "XDG_CACHE_HOME", "ZIG_GLOBAL_CACHE_DIR", "LD_LIBRARY_PATH", "CPATH", "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX", "SDKROOT", "SOURCE_DATE_EPOCH",
    "PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR",
})  # fmt: skip


def confined_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that a compiler may see which works on a stranger's text."""
    return {name: value for name, value in environ.items() if name in _KEPT_CONFINED} | {"CCACHE_DISABLE": "1"}


def compiler_environment(environ: Mapping[str, str], compiler: Compiler | None = None) -> dict[str, str]:
    """The environment in which a compiler runs: the caller's, what the compiler needs, and plain English messages."""
    kept = {name: value for name, value in environ.items() if name not in _DISTURBING}
    if os.name == "nt":
        kept = {**{name: os.environ[name] for name in _WINDOWS_NEEDS if name in os.environ}, **kept}
    if compiler and compiler.family is Family.CL:
        # The program that writes PDBs is shared by builds, and would die with the one that started it.
        kept["_MSPDBSRV_ENDPOINT_"] = os.urandom(8).hex()
    return {**with_variables(kept, compiler.variables if compiler else ()), "LC_ALL": "C", "VSLANG": "1033"}


def with_variables(environ: Mapping[str, str], variables: Sequence[tuple[str, str]]) -> dict[str, str]:
    """An environment with `Compiler.variables` in it: folders of PATH come first, other variables are replaced."""
    own = dict(variables)
    if "PATH" in own and environ.get("PATH"):
        own["PATH"] = f"{own['PATH']}{os.pathsep}{environ['PATH']}"
    return {**environ, **own}


def printed_text(output: bytes) -> str:
    """What a compiler printed or wrote: each line in UTF-8, or else in the encoding of the system's programs."""
    try:
        return output.decode("utf-8")
    except UnicodeDecodeError:
        # Names from a #line are the notebook's UTF-8; those from the command line, on Windows, are not.
        return "\n".join(map(_line_text, output.split(b"\n")))


def _line_text(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        import locale

        return line.decode(locale.getencoding(), "replace")


def run_compiler(
    argv: Sequence[str], cwd: Path, environ: Mapping[str, str], cancelled: Callable[[], bool]
) -> tuple[int, str]:
    """Runs a command and returns its exit code (minus the signal's number, as subprocess does) and all that it printed.

    Whatever ends this function early, an interrupt from the keyboard too, kills the command and its children first.

    Raises:
        RunCancelled: `cancelled()` became true.
        ToolchainError: The command can't be run.
    """
    try:
        process = _platform.spawn(argv, cwd, environ)
    except OSError as error:
        raise ToolchainError(_not_run(argv[0], cwd, error)) from error
    try:
        output = _platform.read_output(process, cancelled)
        if output is None:
            raise RunCancelled("the build was cancelled")
        return process.wait(), printed_text(output)
    finally:
        _platform.kill_tree(process)


def _not_run(command: str, cwd: Path, error: OSError) -> str:
    if not cwd.is_dir():
        return f"the notebook's directory {cwd} is gone"
    return f"the compiler {command} can't be run any more ({error.strerror}); `hotplate doctor` shows what is there"
