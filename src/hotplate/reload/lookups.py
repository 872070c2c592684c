"""Which directory entries decide what a path means: all that a walk from the root to the file looks up."""

from __future__ import annotations

import functools
import os
import stat
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Lookup = tuple[str, str]
"""A real directory (no symbolic link in its path), and a name in it."""

_LINKS = 40  # as many as Linux itself follows before it calls a path a loop


class Kind(Enum):
    """What a name is, if it isn't a symbolic link."""

    DIRECTORY = "directory"
    END = "a file, or nothing"


Step = str | Kind
"""What follows from a name: the target of a symbolic link, or what it is."""


def lookups(path: str, step: Callable[[str, str], Step]) -> tuple[Lookup, ...]:
    """Every entry that is looked up on the way to an absolute path, through symbolic links, as far as it exists.

    A change of any of these entries, and nothing else, can change which file the path leads to.
    """
    whole = Path(path)
    found: dict[Lookup, None] = {}
    here, names, links = whole.anchor, _names(whole), 0
    while names:
        name = names.pop()
        if name == os.pardir:
            here = os.path.dirname(here)  # noqa: PTH120 - `here` is real, and this is called often
            continue
        found[here, name] = None
        after = step(here, name)
        if after is Kind.DIRECTORY:
            here = _join(here, name)
        elif after is Kind.END or links == _LINKS:
            break
        else:
            target = Path(after)
            links += 1
            here = target.anchor or here
            names += _names(target)
    return tuple(found)


def one_pass() -> Callable[[str, str], Step]:
    """A `step` for one pass over many paths: looks at each entry once."""
    return functools.cache(_step)


def _names(path: Path) -> list[str]:
    return [part for part in reversed(path.parts) if part != path.anchor]


def _step(directory: str, name: str) -> Step:
    path = _join(directory, name)
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            return os.readlink(path)  # noqa: PTH115 - text as it is: Path would drop what makes it relative
    except OSError:
        return Kind.END
    return Kind.DIRECTORY if stat.S_ISDIR(mode) else Kind.END


def _join(directory: str, name: str) -> str:
    return os.path.join(directory, name)  # noqa: PTH118 - a tenth of the time that Path takes
