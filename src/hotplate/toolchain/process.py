"""Runs a compiler to its end, or kills it with all its children."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate import _platform
from hotplate.errors import RunCancelled, ToolchainError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from hotplate.toolchain.compiler import Compiler

# Variables that colour the messages, translate them, or send the depfile elsewhere.
_DISTURBING = ("GCC_COLORS", "CLICOLOR_FORCE", "LANGUAGE", "LC_CTYPE", "DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES")


def compiler_environment(environ: Mapping[str, str], compiler: Compiler | None = None) -> dict[str, str]:
    """The environment in which a compiler runs: the caller's, what the compiler needs, and plain English messages."""
    kept = {name: value for name, value in environ.items() if name not in _DISTURBING}
    own = dict(compiler.variables) if compiler else {}
    return {**kept, **own, "LC_ALL": "C", "VSLANG": "1033"}


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
        return process.wait(), output.decode("utf-8", "replace")
    finally:
        _platform.kill_tree(process)


def _not_run(command: str, cwd: Path, error: OSError) -> str:
    if not cwd.is_dir():
        return f"the notebook's directory {cwd} is gone"
    return f"the compiler {command} can't be run any more ({error.strerror}); `hotplate doctor` shows what is there"
