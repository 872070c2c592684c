"""From an address in a library to functions and lines, by what its compiler left in the file.

gcc, clang and zig leave DWARF, tcc stabs. Where there is neither, the symbol table still has the function's name.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from elftools.dwarf.compileunit import CompileUnit
    from elftools.dwarf.die import DIE
    from elftools.dwarf.dwarfinfo import DWARFInfo
    from elftools.dwarf.lineprogram import LineProgram
    from elftools.elf.elffile import ELFFile

_SYMBOL = struct.Struct("<IBBHQQ")  # of a 64-bit little-endian ELF file
_FUNCTION = 2  # a kind of symbol
_STAB_FUNCTION, _STAB_LINE, _STAB_SOURCE, _STAB_INCLUDED = 0x24, 0x44, 0x64, 0x84


@dataclass(frozen=True, slots=True)
class Place:
    """One function at one place of its source. `line` and `column` (in bytes) count from 1; 0 and "": not known."""

    function: str
    path: str = ""
    line: int = 0
    column: int = 0


class Symbols:
    """What one ELF file says about its code. Raises whatever a damaged file makes the reader raise."""

    def __init__(self, file: BinaryIO) -> None:
        from elftools.elf.elffile import ELFFile  # 40 ms, only after a crash

        self._elf: ELFFile = ELFFile(file)
        segments = (segment["p_vaddr"] for segment in self._elf.iter_segments("PT_LOAD"))
        self._lowest: int = min(segments, default=0)
        self._found: dict[int, tuple[Place, ...]] = {}

    def places(self, offset: int) -> tuple[Place, ...]:
        """The functions at `offset` bytes from where the file is mapped: inlined ones first, each after its callee."""
        if offset not in self._found:  # a recursion comes back to the same place
            self._found[offset] = self._places_at(self._lowest + offset)
        return self._found[offset]

    def function(self, offset: int) -> str:
        """The function there by the symbol table alone: that is a matter of milliseconds in a library of any size."""
        return self._symbol_at(self._lowest + offset)

    def code(self, offset: int, size: int) -> bytes:
        """The instructions there; b"" when it is not in the file."""
        address = self._lowest + offset
        for segment in self._elf.iter_segments("PT_LOAD"):
            if segment["p_vaddr"] <= address < segment["p_vaddr"] + segment["p_filesz"]:
                at: int = address - segment["p_vaddr"]
                return bytes(segment.data()[at : at + size])
        return b""

    def _places_at(self, address: int) -> tuple[Place, ...]:
        if self._elf.has_dwarf_info() and (found := _dwarf_places(self._elf.get_dwarf_info(), address)):
            return found
        function = self._symbol_at(address)
        return _stab_places(self._elf, address, function) or ((Place(function),) if function else ())

    def _symbol_at(self, address: int) -> str:
        for name in (".symtab", ".dynsym"):
            table: Any = self._elf.get_section_by_name(name)
            # Not iter_symbols: it takes 0.4 s for the C++ library.
            for named, info, _, _, start, size in _SYMBOL.iter_unpack(table.data()) if table else ():
                if 0 <= address - start < size and info & 0xF == _FUNCTION:
                    return str(table.stringtable.get_string(named))
        return ""


# ---- DWARF ----


def _dwarf_places(dwarf: DWARFInfo, address: int) -> tuple[Place, ...]:
    for unit in dwarf.iter_CUs():
        chain = _functions_at(unit, unit.get_top_DIE(), address)
        program = dwarf.line_program_for_CU(unit) if chain else None
        if program is None:
            continue
        places, at = [], _line_at(program, unit, address)
        for function in reversed(chain):
            places.append(Place(_name_of(function), *at))
            at = _call_place(program, unit, function)
        return tuple(places)
    return ()


def _functions_at(unit: CompileUnit, parent: DIE, address: int) -> list[DIE]:
    """The function that the address lies in, then the functions that are inlined there, from the outside in."""
    for child in parent.iter_children():
        is_function = child.tag in ("DW_TAG_subprogram", "DW_TAG_inlined_subroutine")
        if is_function and _covers(unit, child, address):
            return [child, *_functions_at(unit, child, address)]
        # What gcc makes of an OpenMP loop is inside its function in the tree, and not among its addresses.
        if child.has_children and (found := _functions_at(unit, child, address)):
            return found
    return []


def _covers(unit: CompileUnit, die: DIE, address: int) -> bool:
    return any(low <= address < high for low, high in _ranges(unit, die))


def _ranges(unit: CompileUnit, die: DIE) -> Iterator[tuple[int, int]]:
    from elftools.dwarf.descriptions import describe_form_class
    from elftools.dwarf.ranges import BaseAddressEntry

    low, high, ranges = (die.attributes.get(f"DW_AT_{name}") for name in ("low_pc", "high_pc", "ranges"))
    if low and high:
        is_length = describe_form_class(high.form) == "constant"
        yield low.value, low.value + high.value if is_length else high.value
    elif ranges and (lists := unit.dwarfinfo.range_lists()):
        start = unit.get_top_DIE().attributes.get("DW_AT_low_pc")
        base = start.value if start else 0
        for entry in lists.get_range_list_at_offset(ranges.value, unit):
            if isinstance(entry, BaseAddressEntry):
                base = entry.base_address
            else:
                shift = 0 if entry.is_absolute else base
                yield entry.begin_offset + shift, entry.end_offset + shift


def _name_of(die: DIE) -> str:
    """As people say it: `helper`, `shapes::circle::area`; template arguments of a scope left out."""
    named = die
    while "DW_AT_name" not in named.attributes:
        link = next(
            (f"DW_AT_{to}" for to in ("abstract_origin", "specification") if f"DW_AT_{to}" in named.attributes), ""
        )
        if not link:
            return ""
        named = named.get_DIE_from_attribute(link)
    words, scope = [_text(named.attributes["DW_AT_name"].value)], named.get_parent()
    while scope is not None and scope.tag in ("DW_TAG_namespace", "DW_TAG_class_type", "DW_TAG_structure_type"):
        name = scope.attributes.get("DW_AT_name")
        words += [re.sub(r"<.*", "", _text(name.value))] if name else []
        scope = scope.get_parent()
    return "::".join(word for word in reversed(words) if word != "__cxx11")


def _line_at(program: LineProgram, unit: CompileUnit, address: int) -> tuple[str, int, int]:
    before: Any = None
    for entry in program.get_entries():
        state = entry.state
        if state is None:
            continue
        if before is not None and before.address <= address < state.address and before.line:
            return _path_of(program, unit, before.file), before.line, before.column
        before = None if state.end_sequence else state
    return "", 0, 0


def _call_place(program: LineProgram, unit: CompileUnit, die: DIE) -> tuple[str, int, int]:
    file, line, column = (die.attributes.get(f"DW_AT_call_{name}") for name in ("file", "line", "column"))
    if not file or not line:
        return "", 0, 0
    return _path_of(program, unit, file.value), line.value, column.value if column else 0


def _path_of(program: LineProgram, unit: CompileUnit, number: int) -> str:
    """A file's path. Up to DWARF 4 files and folders count from 1, and folder 0 is where the compiler was started."""
    is_old = program.header.version < 5
    file = program.header.file_entry[number - is_old]
    name = PurePosixPath(_text(file.name))
    folders = [_text(folder) for folder in program.header.include_directory]
    started = unit.get_top_DIE().attributes.get("DW_AT_comp_dir")
    here = _text(started.value) if started else ""
    folders = [here, *folders] if is_old else folders
    folder = folders[file.dir_index] if file.dir_index < len(folders) else ""
    return str(name if str(name).startswith("<") else PurePosixPath(here) / folder / name)


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


# ---- stabs ----


def _stab_places(elf: ELFFile, address: int, function: str) -> tuple[Place, ...]:
    """The form of tcc: functions by address, lines by their distance from the function before them."""
    stabs: Any = elf.get_section_by_name(".stab")
    names: Any = elf.get_section_by_name(".stabstr")
    path, start, found = "", 0, (0, "", 0)
    for stab in stabs.iter_stabs() if stabs and names else ():
        kind, value = stab["n_type"], stab["n_value"]
        if kind in (_STAB_SOURCE, _STAB_INCLUDED):
            path = names.get_string(stab["n_strx"])
        elif kind == _STAB_FUNCTION:
            start = value
        elif kind == _STAB_LINE and found[0] <= start + value <= address:
            found = (start + value, path, stab["n_desc"])
    return (Place(function, found[1], found[2]),) if function and found[2] else ()
