"""Finds the compilers of this machine, and picks one."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.errors import ToolchainError
from hotplate.toolchain.candidates import candidates, named
from hotplate.toolchain.compiler import Compiler, Family
from hotplate.toolchain.probe import Rejected, probe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hotplate.toolchain.candidates import Candidate

_LANGUAGES = {"c": "C", "c++": "C++"}
_INSTALL = "`pip install ziglang` brings a whole compiler; or " + (
    "Visual Studio's Build Tools with 'Desktop development with C++', or mingw's gcc on the PATH"
    if sys.platform == "win32"
    else "`apt install gcc g++`, or your system's equivalent"
)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found, best first, and what was not usable and why."""

    found: tuple[Compiler, ...]
    rejected: tuple[Rejected, ...]


def find_compiler(language: str, environ: Mapping[str, str], root: Path, wanted: str | None = None) -> Compiler:
    """The compiler to use for `"c"` or `"c++"`; looks no further than it has to.

    `root` is the cache directory, where answers of compilers are remembered. `wanted` is a family or a command.

    Raises:
        ToolchainError: There is none, or the one that was asked for does not work.
    """
    return pick(discover(environ, root, until=language, wanted=wanted), language, wanted)


def discover(
    environ: Mapping[str, str], root: Path, *, until: str | None = None, wanted: str | None = None
) -> Discovery:
    """Asks the machine's compilers what they are: all, or `until` the first that decides for a language.

    `wanted` limits the search to one family or command.
    """
    found: list[Compiler] = []
    rejected: list[Rejected] = []
    for candidate in candidates(environ) if wanted is None else named(wanted, environ):
        answer = probe(candidate, environ, root)
        if isinstance(answer, Rejected):
            rejected.append(answer)
        elif all(answer.identity != other.identity for other in found):
            found.append(answer)
        if until and _decides(candidate, answer, until, wanted):
            break
    return Discovery(tuple(found), tuple(rejected))


def pick(discovery: Discovery, language: str, wanted: str | None = None) -> Compiler:
    """The first compiler that was found for a language.

    Raises:
        ToolchainError: There is none, or a variable (`CC`) names one that does not work: it is not passed over.
    """
    usable = [c for c in discovery.found if c.command(language) and (wanted is None or _matches(c, wanted))]
    if usable and usable[0].source.endswith("CXX"):
        return usable[0]
    for broken in discovery.rejected:
        if broken.explicit and _concerns(broken.source, language):
            raise ToolchainError(
                f"{broken.source} is {broken.name!r}, which does not work: {broken.reason}; "
                f"set {broken.source} to a working compiler, or unset it to have one found"
            )
    for compiler in discovery.found:
        if compiler not in usable and _is_variable(compiler.source) and _concerns(compiler.source, language):
            raise ToolchainError(_no_cxx(compiler, language))
    if usable:
        asked = _is_variable(usable[0].source) or wanted is not None
        return usable[0] if asked else min(usable, key=lambda c: _lacks_arrays(c, language))
    raise ToolchainError(_nothing(discovery, language, wanted))


def _decides(candidate: Candidate, answer: Compiler | Rejected, language: str, wanted: str | None) -> bool:
    if candidate.explicit and _concerns(answer.source, language):
        return True
    if isinstance(answer, Rejected) or not answer.command(language):
        return False
    # cl takes no parameter such as `double x[n]`, as most cells in C have: another compiler is better, if there is one.
    return wanted is not None or not _lacks_arrays(answer, language)


def _lacks_arrays(compiler: Compiler, language: str) -> bool:
    return compiler.family is Family.CL and language == "c"


def _is_variable(source: str) -> bool:
    return source.removeprefix("HOTPLATE_") in {"CC", "CXX"}


def _concerns(source: str, language: str) -> bool:
    return language == "c++" or not source.endswith("CXX")


def _matches(compiler: Compiler, wanted: str) -> bool:
    return wanted not in set(Family) or compiler.family == wanted


def _no_cxx(compiler: Compiler, language: str) -> str:
    command = " ".join(compiler.c_command)
    why = "tcc compiles C only" if compiler.family is Family.TCC else f"no {_LANGUAGES[language]} side of it was found"
    return f"{compiler.source} is {command!r}, and {why}; set CXX to a C++ compiler, or unset {compiler.source}"


def _nothing(discovery: Discovery, language: str, wanted: str | None) -> str:
    tried = [f"{item.name}: {item.reason}" for item in discovery.rejected]
    tried += [f"{' '.join(c.c_command)}: has no {_LANGUAGES[language]} side" for c in discovery.found]
    what = (
        f"no {_LANGUAGES[language]} compiler {wanted!r}" if wanted else f"no {_LANGUAGES[language]} compiler was found"
    )
    looked = "".join(f"\n  {line}" for line in tried)
    return f"{what}; looked for:{looked}\n{_INSTALL}; HOTPLATE_CC and HOTPLATE_CXX name one that is elsewhere"
