"""What AddressSanitizer and UBSan wrote, as values. Pure; knows the texts of gcc 12 and of clang 14 and 16.

Workers have them print addresses alone (symbolize=0): that is the same text everywhere, and takes no further program.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_CALL = re.compile(r"\s+#\d+ 0x[0-9a-f]+ (?:in .*)? ?\((.+)\+0x([0-9a-f]+)\)")
_UNDEFINED = re.compile(r"(.+?):(\d+):(\d+): runtime error: (.*)")
_ADDRESS = re.compile(r"==\d+==\s*ERROR: AddressSanitizer: (.*)")
_ON_ADDRESS = re.compile(r"(?:attempting )?([\w-]+)(?: on(?: unknown)? address| on) 0x([0-9a-f]+)")
_ACCESS = re.compile(r"(READ|WRITE) of size (\d+) at")
_CAUSED = re.compile(r"==\d+==\s*The signal is caused by a (READ|WRITE|UNKNOWN) memory access")
_SIDE = r"(to the right of|after|to the left of|before|inside of)"
_HEAP = re.compile(rf"0x[0-9a-f]+ is located (\d+) bytes {_SIDE} (\d+)-byte region \[0x([0-9a-f]+),")
_GLOBAL = re.compile(rf"0x[0-9a-f]+ is located (\d+) bytes {_SIDE} global variable '([^']*)' .*of size (\d+)")
_FRAME_OFFSET = re.compile(r"Address 0x[0-9a-f]+ is located in stack of thread .* at offset (\d+) in frame")
_LOCAL = re.compile(r"\s+\[(\d+), (\d+)\) '([^']*)'.*<== Memory access at offset \d+ (.*) this variable")
_WRITTEN = re.compile(r"hotplate: written (\d+) lies at 0x([0-9a-f]+), (\d+) bytes")
_ARRAY = re.compile(r"hotplate: (input|output|state) (\d+) lies at 0x([0-9a-f]+), (\d+) bytes")
_START = re.compile(
    rb"^(?:.+?:\d+:\d+: runtime error: |AddressSanitizer:DEADLYSIGNAL$|={65}$|==\d+==ERROR: |hotplate: )", re.MULTILINE
)
WRITTEN_INPUT = "written-input"
"""The kind of what the worker itself looks for."""
_SIDES = {
    "to the right of": "behind",
    "after": "behind",
    "to the left of": "before",
    "before": "before",
    "inside of": "within",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a backtrace: a place in a file of code. Return addresses are inside of their call already."""

    path: str
    offset: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Where an address lies: so many bytes `behind`, `before` or `within` something of `size` bytes."""

    distance: int
    side: str
    size: int
    name: str = ""
    """Of a variable; `input 0`, `output 1` or `state 0` for what a call was given; "" for other memory of the heap."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One error. What is not known is "", 0 or ()."""

    tool: str
    """`address` or `undefined`, as -fsanitize calls it."""
    kind: str
    """`heap-buffer-overflow`, `SEGV`; of UBSan the whole message."""
    address: int = 0
    access: str = ""
    """`read` or `write`."""
    size: int = 0
    """Bytes that were read or written."""
    memory: Memory | None = None
    path: str = ""
    """Where UBSan says that it is, with `line` and `column`."""
    line: int = 0
    column: int = 0
    calls: tuple[Call, ...] = ()
    """From the error outwards."""
    freed: tuple[Call, ...] = ()
    allocated: tuple[Call, ...] = ()

    @property
    def is_signal(self) -> bool:
        """Whether the processor noticed, so that the text says little about why."""
        return self.kind in ("SEGV", "FPE", "BUS", "ILL")


def parse_report(text: str) -> tuple[Finding, ...]:
    """The findings in what a process wrote to stderr, in the order in which they were made."""
    lines = text.split("\n")
    marks = (_UNDEFINED, _ADDRESS, _WRITTEN)
    starts = [i for i, line in enumerate(lines) if any(mark.match(line) for mark in marks)]
    arrays = [found.groups() for line in lines if (found := _ARRAY.match(line))]
    return tuple(_finding(lines[start:end], arrays) for start, end in pairwise([*starts, len(lines)]))


def own_output(text: str) -> str:
    """What of it the cell wrote itself: all before the first finding."""
    data = text.encode()
    return data[: report_start(data)].decode("utf-8", "ignore")


def report_start(data: bytes) -> int | None:
    """Where in this part of what a process wrote a finding begins; None: there is none."""
    found = _START.search(data)
    return found.start() if found else None


def _finding(lines: Sequence[str], arrays: Sequence[Sequence[str]]) -> Finding:
    calls = _backtraces(lines)
    if undefined := _UNDEFINED.match(lines[0]):
        path, line, column, message = undefined.groups()
        return Finding("undefined", message, path=path, line=int(line), column=int(column), calls=calls["error"])
    if written := _WRITTEN.match(lines[0]):
        memory = Memory(0, "within", int(written[3]), f"input {written[1]}")
        return Finding("address", WRITTEN_INPUT, access="write", memory=memory)
    found = _ADDRESS.match(lines[0])
    assert found is not None
    on = _ON_ADDRESS.match(found[1])
    accessed = _first(_ACCESS, lines)
    caused = accessed or _first(_CAUSED, lines)
    access = {"READ": "read", "WRITE": "write"}.get(caused[1], "") if caused else ""
    return Finding(
        "address",
        on[1] if on else found[1],
        int(on[2], 16) if on else 0,
        access,
        int(accessed[2]) if accessed else 0,
        _memory(lines, arrays),
        calls=calls["error"],
        freed=calls["freed"],
        allocated=calls["allocated"],
    )


def _backtraces(lines: Sequence[str]) -> dict[str, tuple[Call, ...]]:
    """By what stands above them."""
    found: dict[str, list[Call]] = {"error": [], "freed": [], "allocated": [], "other": []}
    part = "error"
    for line in lines:
        if call := _CALL.match(line):
            found[part].append(Call(call[1], int(call[2], 16)))
        elif re.match(r"freed by thread", line):
            part = "freed"
        elif re.match(r"(previously )?allocated by thread", line):
            part = "allocated"
        elif _FRAME_OFFSET.match(line) or re.match(r"Thread T\d+ created by", line):
            part = "other"
    return {part: tuple(calls) for part, calls in found.items()}


def _memory(lines: Sequence[str], arrays: Sequence[Sequence[str]]) -> Memory | None:
    if heap := _first(_HEAP, lines):
        begin = int(heap[4], 16)
        known = next((a for a in arrays if begin <= int(a[2], 16) < begin + max(int(heap[3]), 1)), None)
        return _of_array(heap, begin, known) if known else Memory(int(heap[1]), _SIDES[heap[2]], int(heap[3]))
    if variable := _first(_GLOBAL, lines):
        return Memory(int(variable[1]), _SIDES[variable[2]], int(variable[4]), variable[3])
    return _local(lines)


def _of_array(heap: re.Match[str], begin: int, array: Sequence[str]) -> Memory:
    """An array of the call; what stands before a state's bytes is no part of them."""
    what, number, address, size = array
    header = int(address, 16) - begin
    distance, side = int(heap[1]), _SIDES[heap[2]]
    if side == "within" and int(size) == 0:
        side = "behind"
    elif side == "within" and distance < header:
        distance, side = header - distance, "before"
    elif side == "within":
        distance -= header
    elif side == "before":
        distance += header
    return Memory(distance, side, int(size), f"{what} {number}")


def _local(lines: Sequence[str]) -> Memory | None:
    at, variable = _first(_FRAME_OFFSET, lines), _first(_LOCAL, lines)
    if at is None or variable is None:
        return None
    offset, begin, end = int(at[1]), int(variable[1]), int(variable[2])
    name = variable[3].partition(".")[0]  # `a.i` is the `a` of an inlined function
    if offset >= end:
        return Memory(offset - end, "behind", end - begin, name)
    if offset < begin:
        return Memory(begin - offset, "before", end - begin, name)
    return Memory(offset - begin, "within", end - begin, name)


def _first(pattern: re.Pattern[str], lines: Sequence[str]) -> re.Match[str] | None:
    return next((found for line in lines if (found := pattern.match(line))), None)
