"""A compiler as a value: what it is, how it is called, and what its results depend on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """Which command line a compiler understands."""

    GCC = "gcc"
    CLANG = "clang"
    ZIG = "zig"
    TCC = "tcc"
    CL = "cl"
    CLANG_CL = "clang-cl"


@dataclass(frozen=True, slots=True)
class Compiler:
    """A compiler that answered when it was asked what it is."""

    family: Family
    c_command: tuple[str, ...]
    """How to call it for C; empty when it was found as a C++ compiler only (`CXX`)."""
    cxx_command: tuple[str, ...] | None
    """How to call it for C++; None when it has no C++ side here."""
    version: str
    target: str
    """The triple of what it compiles for (`x86_64-linux-gnu`)."""
    native: str
    """What -march=native resolves to; "" when it does not know that option."""
    identity: str
    """A hash of everything above and of the binaries' paths: equal identities build equal code."""
    variables: tuple[tuple[str, str], ...] = ()
    """What has to be in the environment when it runs: of cl, what Visual Studio's command prompt sets."""
    source: str = ""
    """Where it was found: the name of a variable, "PATH" or a Python package."""

    def command(self, language: str) -> tuple[str, ...]:
        """How to call it for `"c"` or `"c++"`; empty when it can't."""
        return (self.cxx_command or ()) if language == "c++" else self.c_command

    @property
    def name(self) -> str:
        """Family and version, for people and provenance: `gcc 12.2.0`."""
        return f"{self.family} {self.version}"

    @property
    def targets_windows(self) -> bool:
        """Whether its libraries are DLLs."""
        return any(word in self.target for word in ("windows", "mingw", "msvc"))

    @property
    def targets_apple(self) -> bool:
        """Whether its libraries are Mach-O files, made with Apple's linker."""
        return "apple" in self.target or "darwin" in self.target

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers, to compare with; () when it has none."""
        numbers = []
        for part in self.version.split("."):
            digits = part[: len(part) - len(part.lstrip("0123456789"))]
            if not digits:
                break
            numbers.append(int(digits))
        return tuple(numbers)
