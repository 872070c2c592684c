"""What an editor is told of a notebook's flags: it knows one command for a file, whose sections may have many."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Options of gcc and clang whose value may be the next word.
_WITH_VALUE = frozenset(
    {
        *("-D", "-U", "-I", "-include", "-imacros", "-iquote", "-isystem", "-idirafter", "-iprefix", "-iwithprefix"),
        *("-isysroot", "-F", "-framework", "-L", "-l", "-x", "-arch", "-target", "-mllvm", "--param"),
        *("-Xclang", "-Xpreprocessor", "-Xassembler", "-Xlinker"),
    }
)
_DRAFTS = {"0x": "11", "1x": "11", "1y": "14", "1z": "17", "2a": "20", "2b": "23", "2c": "26", "2x": "23", "2y": "26"}


def newest_standard(names: Iterable[str]) -> str:
    """Of `c11`, `gnu2x` and `c17` it is `gnu2x`. "" when there is none."""
    return max(filter(None, names), key=_year, default="")


def union(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """All flags, each once, in the order in which they come. Of several values of one macro the first holds."""
    found: dict[tuple[str, ...], None] = {}
    macros: set[str] = set()
    for flags in lists:
        own = set()
        for words in _options(flags):
            if macro := _macro(words):
                if macro in macros:
                    continue
                own.add(macro)
            found.setdefault(words)
        macros |= own
    return tuple(word for words in found for word in words)


def _options(flags: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Each option with its value."""
    words = iter(flags)
    for word in words:
        value = next(words, None) if word in _WITH_VALUE else None
        yield (word,) if value is None else (word, value)


def _macro(words: tuple[str, ...]) -> str:
    """What an option defines or undefines; "" when it does neither."""
    match = re.match(r"-[DU](\w+)", "".join(words))
    return match[1] if match else ""


def _year(standard: str) -> int:
    match = re.search(r":(\d{4})|(\d\w)$", standard)
    if match is None:
        return 0
    # A draft that is not known yet comes after all standards of its decade.
    digits = match[1] or _DRAFTS.get(match[2], match[2] if match[2].isdecimal() else match[2][0] + "9")
    return int(digits) + (0 if match[1] else 1900 if int(digits) > 80 else 2000)
