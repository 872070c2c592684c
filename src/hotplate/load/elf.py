"""What the file of a library says: what it takes from other libraries, and how much memory it maps."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_ELF64_LITTLE = b"\x7fELF\x02\x01"
_DYNAMIC, _DYNAMIC_SYMBOLS = 6, 11
_LOAD = 1
_NEEDED = 1
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """The part of an ELF file that matters for unloading."""

    imports: frozenset[str]
    """The functions and variables of other libraries that it names."""
    needed: frozenset[str]
    """The libraries that it is linked to, by soname."""
    mapped_bytes: int
    """What its segments take in memory, zeroed variables included."""


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


def read_library_file(path: Path) -> LibraryFile | None:
    """Reads the file; None where it is gone, or no ELF file for a 64-bit little-endian machine."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if not content.startswith(_ELF64_LITTLE):
        return None
    sections = _sections(content)
    return LibraryFile(_imports(content, sections), _needed(content, sections), _mapped_bytes(content))


def _sections(content: bytes) -> list[_Section]:
    (offset,) = struct.unpack_from("<Q", content, 40)
    size, count = struct.unpack_from("<HH", content, 58)
    return [_Section(*struct.unpack_from("<IIQQQQIIQQ", content, offset + i * size)) for i in range(count)]


def _imports(content: bytes, sections: list[_Section]) -> frozenset[str]:
    names = set()
    for table in (section for section in sections if section.kind == _DYNAMIC_SYMBOLS):
        strings = sections[table.link].offset
        for name, _, _, defined_in, _, _ in struct.iter_unpack("<IBBHQQ", _bytes(content, table)):
            if not defined_in:
                names.add(_text(content, strings + name))
    return frozenset(names - {""})


def _needed(content: bytes, sections: list[_Section]) -> frozenset[str]:
    return frozenset(
        _text(content, sections[table.link].offset + value)
        for table in sections
        if table.kind == _DYNAMIC
        for tag, value in struct.iter_unpack("<QQ", _bytes(content, table))
        if tag == _NEEDED
    )


def _mapped_bytes(content: bytes) -> int:
    (offset,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    headers = (struct.unpack_from("<IIQQQQQQ", content, offset + i * size) for i in range(count))
    return sum(
        -(-(address % _PAGE + length) // _PAGE) * _PAGE
        for kind, _, _, address, _, _, length, _ in headers
        if kind == _LOAD
    )


def _bytes(content: bytes, section: _Section) -> bytes:
    return content[section.offset : section.offset + section.size]


def _text(content: bytes, at: int) -> str:
    return content[at : content.index(b"\0", at)].decode("utf-8", "replace")
