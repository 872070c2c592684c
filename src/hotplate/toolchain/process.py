"""Runs a compiler to its end, or kills it with all its children."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

from hotplate import _platform
from hotplate.errors import RunCancelled, ToolchainError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_CHECK_EVERY = 20  # milliseconds between two looks at `cancelled` while the compiler is silent
# Variables that colour the messages, translate them, or send the depfile elsewhere.
_DISTURBING = ("GCC_COLORS", "CLICOLOR_FORCE", "LANGUAGE", "LC_CTYPE", "DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES")


def compiler_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which compilers run: the caller's, with plain English messages."""
    return {**{k: v for k, v in environ.items() if k not in _DISTURBING}, "LC_ALL": "C"}


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
        output = _drain(process.stdout.fileno(), cancelled) if process.stdout else b""
        return process.wait(), output.decode("utf-8", "replace")
    finally:
        _platform.kill_tree(process)


def _drain(descriptor: int, cancelled: Callable[[], bool]) -> bytes:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    chunks: list[bytes] = []
    while True:
        if cancelled():
            raise RunCancelled("the build was cancelled")
        if not poll.poll(_CHECK_EVERY):
            continue
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)


def _not_run(command: str, cwd: Path, error: OSError) -> str:
    if not cwd.is_dir():
        return f"the notebook's directory {cwd} is gone"
    return f"the compiler {command} can't be run any more ({error.strerror}); `hotplate doctor` shows what is there"
