"""What a compiler is given: texts and files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text for a compiler to read."""

    language: str
    std: str = ""
    """"" is the family's default."""
    source: Path
    notebook_dir: Path
    include_dir: Path
    """Where hotplate.h is."""
    flags: tuple[str, ...] = ()
    """The notebook's own, after ours so that they win."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Text):
    """A text to make a library or a precompiled header of."""

    output: Path
    depfile: Path
    exports: Path
    """A file that holds `CommandLine.exports`."""
    libs: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    """The functions that the unit defines, as `own_functions` finds them."""
    prelude: Path | None = None
    """The precompiled header to start from."""


def own_functions(source: str) -> tuple[str, ...]:
    """The functions that a unit seems to define, sorted. One too many costs an optimisation, one too few a result."""
    names = {match[1] for match in re.finditer(r"[\w*&>]\s*\b([a-z]\w*)\s*\([^;{}]*\)\s*\{", source)}
    return tuple(sorted(names - {"if", "for", "while", "switch", "catch"}))
