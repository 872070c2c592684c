"""Asks pkg-config how to use a library."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate.errors import ToolchainError
from hotplate.toolchain.candidates import split_command, which

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Packages:
    """What some pkg-config packages ask of the compiler."""

    cflags: tuple[str, ...]
    libs: tuple[str, ...]
    files: tuple[Path, ...]
    """Their .pc files: what was read, as with a header."""


NO_PACKAGES = Packages((), (), ())


def pkg_config(names: Sequence[str], environ: Mapping[str, str]) -> Packages:
    """The options for a set of packages.

    Raises:
        ToolchainError: pkg-config or one of the packages is not installed.
    """
    if not names:
        return NO_PACKAGES
    tool = environ.get("PKG_CONFIG") or which("pkg-config", environ) or which("pkgconf", environ)
    if not tool:
        raise ToolchainError(
            f"libs={' '.join(names)!r} needs pkg-config, which is not installed: "
            "`apt install pkg-config` (macOS: `brew install pkgconf`), or give -I and -l in flags"
        )
    cflags = _ask(tool, ["--cflags"], names, environ)
    libs = _ask(tool, ["--libs"], names, environ)
    folders = [_ask(tool, ["--variable=pcfiledir"], [name], environ) for name in names]
    files = (Path(*folder, f"{name}.pc") for name, folder in zip(names, folders, strict=True) if folder)
    return Packages(tuple(cflags), tuple(libs), tuple(file for file in files if file.is_file()))


def _ask(tool: str, options: list[str], names: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    import subprocess  # only for a notebook that uses libraries, and only when it is built

    command = [*split_command(tool), *options, "--", *names]
    try:
        done = subprocess.run(command, env=dict(environ), capture_output=True, check=False, text=True)
    except OSError as error:
        raise ToolchainError(f"{tool} can't be run: {error.strerror}; set PKG_CONFIG to one that can") from error
    if done.returncode != 0:
        missing = [name for name in names if f"'{name}'" in done.stderr or f"Package {name} " in done.stderr]
        raise ToolchainError(
            f"libs: pkg-config knows no package {', '.join(map(repr, missing or names))}; install its development "
            f"files (on Debian often lib{(missing or list(names))[0]}-dev), or add its .pc folder to PKG_CONFIG_PATH"
        )
    return shlex.split(done.stdout)
