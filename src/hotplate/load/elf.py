"""What the file of a library says: what it takes from other libraries, and how much memory it maps."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_ELF64_LITTLE = b"\x7fELF\x02\x01"
_DYNAMIC, _DYNAMIC_SYMBOLS = 6, 11  # kinds of sections
_LOAD = 1  # a kind of segment
_NEEDED, _INIT_ARRAY_SIZE, _FINI_ARRAY_SIZE = 1, 27, 28  # tags of the dynamic section
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """The part of an ELF file (System V ABI, chapters 4 and 5) that matters for loading and unloading."""

    imports: frozenset[str]
    """The functions and variables of other libraries that it names."""
    needed: frozenset[str]
    """The libraries that it is linked to, by soname."""
    mapped_bytes: int
    """What its segments take in memory, zeroed variables included."""
    initialiser_bytes: int
    """The size of its tables of functions that run while it is loaded and unloaded."""


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
    """Reads the file; None where it is gone, damaged, or no ELF file for a 64-bit little-endian machine."""
    try:
        content = path.read_bytes()
        return _read(content) if content.startswith(_ELF64_LITTLE) else None
    except (OSError, struct.error, IndexError, ValueError):
        return None


def _read(content: bytes) -> LibraryFile:
    sections = _sections(content)
    dynamic = [
        (tag, value, sections[table.link].offset)
        for table in sections
        if table.kind == _DYNAMIC
        for tag, value in struct.iter_unpack("<QQ", _bytes(content, table))
    ]
    return LibraryFile(
        _imports(content, sections),
        frozenset(_text(content, strings + value) for tag, value, strings in dynamic if tag == _NEEDED),
        _mapped_bytes(content),
        sum(value for tag, value, _ in dynamic if tag in (_INIT_ARRAY_SIZE, _FINI_ARRAY_SIZE)),
    )


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
    found = content[section.offset : section.offset + section.size]
    if len(found) < section.size:
        message = "the file ends within a section"
        raise ValueError(message)
    return found


def _text(content: bytes, at: int) -> str:
    return content[at : content.index(b"\0", at)].decode("utf-8", "replace")
