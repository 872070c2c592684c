"""What goes into a build and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hotplate.diagnostic import Diagnostic
    from hotplate.toolchain.compiler import Compiler


@dataclass(frozen=True, slots=True)
class Unit:
    """One cell, ready to compile."""

    cell: str
    language: str
    """"c" or "c++"."""
    render: Callable[[], str] = field(compare=False, repr=False)
    """Gives the full text after the prelude, with #line directives and the generated entry; called only to compile it.
    In it, `@HP_UNIT_KEY@` and `@HP_COMPILER@` are replaced, so that the library can say what it was built from. May
    raise a BuildError, which becomes the cell's BuildFailure."""
    prelude: str
    """C++: the block of includes to precompile, the same wherever it stands; "" when there is none."""
    fingerprint: str
    """What identifies the source: comments and positions left out."""
    notebook: Path
    """What the unit is a part of: includes are relative to it, and diagnostics name it."""
    flags: tuple[str, ...] = ()
    libs: tuple[str, ...] = ()
    """pkg-config package names."""
    std: str = ""
    located_prelude: str = ""
    """The prelude with #line directives, for a build without precompiling: diagnostics then have their places."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """The library of a cell, in the cache. Its file never changes."""

    cell: str
    library: Path
    build_key: str
    """Unit key and contents of the headers: equal keys, equal code."""
    unit_key: str
    headers: Mapping[Path, str]
    """The files that were compiled into it, with the hashes of their contents."""
    compiler: Compiler
    seconds: float
    """How long the compiler took, whenever that was."""
    cached: bool
    """It was there already."""
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildFailure:
    """A cell that does not compile."""

    cell: str
    diagnostics: tuple[Diagnostic, ...]
    headers: tuple[Path, ...]
    """The files whose change may mend it: those of its last good build, and those that it misses now."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a program is made of."""

    name: str
    """What messages call it, and its file."""
    sources: tuple[Path, ...]
    folders: tuple[Path, ...]
    """Where its headers are looked for."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program in the cache. Its file never changes, but may be evicted: ask for it before each start."""

    path: Path
    size: int
    """In bytes."""
    key: str
    """Equal keys, equal code."""
    compiler: Compiler | None
    """What built it; not the notebook's compiler if that one can't. None: it came with hotplate."""
    seconds: float
    """How long the compiler took, whenever that was."""
    cached: bool
    """It was there already."""
