"""Bubblewrap, where it is installed: workers in namespaces of their own.

There, other files and processes do not exist, instead of being refused. This wall stands around the worker's own
sandbox, and nothing depends on it.
"""

from __future__ import annotations

import functools
import shutil
from typing import TYPE_CHECKING

from hotplate._platform import signal_name
from hotplate.execute.workers.policy import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import PurePath

    from hotplate.execute.workers.policy import Policy

# Programs are here too, for the probe; where processes are refused, none of them can be started.
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store", "/etc/ld.so.cache", "/etc/localtime")
_SHELL = 128
_PATIENCE = 10.0  # seconds; it takes 5 ms


def wrapped(
    policy: Policy, environ: Mapping[str, str], also_readable: Sequence[PurePath] = ()
) -> tuple[tuple[str, ...], str]:
    """What to put before a worker's command line, and "" or why there is nothing to put there.

    The worker gets namespaces for what the policy does not allow; open descriptors and the process group stay as they
    are, and it dies with whoever starts it. Kill the group: bubblewrap alone may die before it has seen to that.
    `also_readable` are the worker's program and the libraries that it is to open.
    Asked once for each policy: bubblewrap is tried before it is trusted.
    """
    program = shutil.which("bwrap", path=environ.get("PATH"))
    if program is None:
        return (), "bubblewrap is not installed"
    prefix = (program, *arguments(policy, also_readable), "--")
    reason = _tried(prefix)
    return ((), reason) if reason else (prefix, "")


def code_behind(code: int) -> int:
    """How the program behind it ended, by its own exit code: that code, or minus the signal.

    Bubblewrap tells of a signal as a shell does. A program that exits with such a code by itself looks the same.
    """
    return _SHELL - code if signal_name(code - _SHELL) else code


def arguments(policy: Policy, also_readable: Sequence[PurePath] = ()) -> tuple[str, ...]:
    """The arguments of bubblewrap that a policy asks for. Pure."""
    words = ["--die-with-parent"]
    if policy.peers is not Level.ALLOW:
        words += ["--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    if policy.network is not Level.ALLOW:
        words.append("--unshare-net")
    return (*words, *_files(policy, also_readable), "--chdir", "/")


def _files(policy: Policy, also_readable: Sequence[PurePath]) -> tuple[str, ...]:
    if policy.filesystem is Level.ALLOW:
        # A new /proc, so that it does not tell of processes outside.
        return ("--dev-bind", "/", "/", *(("--proc", "/proc") if policy.peers is not Level.ALLOW else ()))
    words = [word for path in _SYSTEM for word in ("--ro-bind-try", path, path)]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for option, paths in (("--ro-bind-try", (*also_readable, *policy.readable)), ("--bind-try", policy.writable)):
        words += [word for path in dict.fromkeys(paths) for word in (option, str(path), str(path))]
    return tuple(words)


@functools.cache
def _tried(prefix: tuple[str, ...]) -> str:
    """Why a program does not run behind this prefix; "" when it does."""
    import subprocess  # 6 ms, only where it is installed

    try:
        done = subprocess.run(
            [*prefix, "/usr/bin/env", "true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not run: {error}"
    return f"bubblewrap does not work here: {done.stderr.strip()}" if done.returncode else ""
