"""The calls of a crash record as functions and lines."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.execute.workers.crash.record import MOST_FRAMES
from hotplate.execute.workers.crash.source import ENTRY_FUNCTION, Build, build_of, is_generated
from hotplate.execute.workers.crash.symbols import Place, Symbols

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from hotplate.execute.workers.crash.record import CrashRecord, Module

_TRAP_SIZE = 4
_SHOWN_CALLS = 8  # outwards from the crash


@dataclass(frozen=True, slots=True)
class Frame:
    """One call. What is not known is "" or 0."""

    function: str
    path: str
    line: int
    library: str
    """The file name of the library that it is in; "" for a cell's own."""
    column: int = 0
    source: str = ""
    """The text of the line, when it is one of the notebook's."""

    @property
    def in_notebook(self) -> bool:
        """Whether its line is one of the notebook's."""
        return bool(self.source)

    @property
    def described(self) -> str:
        """For people: `helper`, `abort of libc.so.6`, `std::vector::at (stl_vector.h:1143)`."""
        if self.library:
            return f"{self.function} of {self.library}" if self.function else self.library
        if self.line and not self.in_notebook:
            return f"{self.function} ({PurePosixPath(self.path).name}:{self.line})"
        return self.function or "a function without a name"


def backtrace(
    record: CrashRecord, notebook: Path, text: str, libraries: Mapping[int, Path]
) -> tuple[tuple[Frame, ...], bytes]:
    """The calls from the crash outwards up to the cell, inlined ones too, and the instructions at the crash.

    Raises whatever reading a damaged library raises.
    """
    with ExitStack() as files:
        lines = _Lines(libraries.values(), notebook, text.split("\n"), files)
        reader = _Reader(record, libraries, lines)
        return tuple(reader.frames()), reader.code()


def frames_of(places: Sequence[tuple[str, int]], library: Path, notebook: Path, text: str) -> tuple[Frame, ...]:
    """The same for places as a sanitizer tells them: a file and how far into it. `library` is the cell's own.

    Raises: as `backtrace`.
    """
    inside = [i for i, (path, _) in enumerate(places) if path == str(library)]
    places = places[: min(inside[-1] + 1, MOST_FRAMES)] if inside else ()
    with ExitStack() as files:
        lines = _Lines({library}, notebook, text.split("\n"), files, by_symbol=True)
        found = [frame for path, offset in places for frame in lines.frames_at(Path(path), path, offset)]
        return tuple(_up_to_cell(found))


def function_at(program: Path, offset: int) -> str:
    """The function of a program at that offset; "" when it is not known. Raises: as `backtrace`."""
    with program.open("rb") as file:
        return Symbols(file).function(offset)


def innermost(frames: Sequence[Frame]) -> int | None:
    """The first call that is on a line of the notebook."""
    return next((i for i, frame in enumerate(frames) if frame.in_notebook), None)


def here(frames: Sequence[Frame]) -> str:
    """In which function the first line of the notebook is, for people. `frames` are not empty."""
    first = innermost(frames)
    if first is None:
        return f"in {frames[0].described}; the line in the notebook is not known"
    called = f", in its call of {frames[first - 1].described}" if first else ""
    return f"here, in {frames[first].described}{called}"


def call_notes(frames: Sequence[Frame], *, cut: bool = False) -> Iterator[Diagnostic]:
    """One note for each function, however often it calls itself. `cut`: there were more calls than are known."""
    calls = [list(group) for _, group in groupby(frames, key=lambda frame: frame.described)]
    for i, group in enumerate(calls[:_SHOWN_CALLS]):
        frame = group[0]
        more = " or more" if cut and i == len(calls) - 1 else ""
        times = f", {len(group)} times{more}" if len(group) > 1 else ""
        place = (frame.path, frame.line, frame.column, 0, frame.source) if frame.in_notebook else ()
        yield Diagnostic(Severity.NOTE, f"called from {frame.described}{times}", *place)
    if len(calls) > _SHOWN_CALLS:
        yield Diagnostic(Severity.NOTE, f"and {sum(map(len, calls[_SHOWN_CALLS:]))} more calls")


def _up_to_cell(found: Sequence[Frame]) -> Iterator[Frame]:
    """What calls the cell's entry is the worker's business."""
    is_own = [not frame.library for frame in found]
    outermost = len(is_own) - is_own[::-1].index(True) if any(is_own) else len(found)
    for frame in found[:outermost]:
        if is_generated(frame.path) or frame.function == ENTRY_FUNCTION:
            return
        yield frame


class _Lines:
    """Reads each library once."""

    def __init__(
        self,
        own: Collection[Path],
        notebook: Path,
        now: Sequence[str],
        files: ExitStack,
        *,
        by_symbol: bool = False,
    ) -> None:
        """`by_symbol`: functions of libraries that are not `own` are looked up in their symbol tables alone."""
        self._own_libraries = own
        self._by_symbol = by_symbol
        self._notebook = notebook
        self._now = now
        self._files = files
        self._symbols: dict[Path, Symbols] = {}
        self._builds: dict[Path, Build] = {}

    def frames_at(self, path: Path | None, name: str, offset: int) -> Iterator[Frame]:
        """The calls at one place of a library, the inlined ones first; `name` is what it is called if it is not own."""
        if path is not None and path in self._own_libraries:
            places = self.read(path).places(offset)
            yield from (self._own(path, place) for place in places or (Place(""),))
        else:
            # Lines of other libraries are nobody's business here; the function that was called says enough.
            yield Frame(self._function(path, offset) if path else "", "", 0, PurePosixPath(name).name)

    def _function(self, path: Path, offset: int) -> str:
        if self._by_symbol:
            return self.read(path).function(offset)
        places = self.read(path).places(offset)
        return places[-1].function if places else ""

    def read(self, path: Path) -> Symbols:
        """What a library says of its code."""
        if path not in self._symbols:
            self._symbols[path] = Symbols(self._files.enter_context(path.open("rb")))
        return self._symbols[path]

    def _own(self, library: Path, place: Place) -> Frame:
        if library not in self._builds:
            self._builds[library] = build_of(library, self._notebook, self._now)
        build = self._builds[library]
        if line := build.line_now(place, self._now):
            return Frame(place.function, str(self._notebook), line.number, "", line.column, line.text)
        # A line of the notebook that is there no more must not be shown with the number of another.
        gone = place.path == build.notebook
        return Frame(place.function, "" if gone else place.path, 0 if gone else place.line, "")


class _Reader:
    """Goes through a crash record."""

    def __init__(self, record: CrashRecord, libraries: Mapping[int, Path], lines: _Lines) -> None:
        self._record = record
        self._libraries = libraries
        self._lines = lines

    def frames(self) -> Iterator[Frame]:
        """From the inside out."""
        return _up_to_cell([frame for module, frame in self._all() if module.name or module.slot >= 0])

    def code(self) -> bytes:
        """The instructions where it happened."""
        module = self._module_at(self._record.pc)
        path = self._path_of(module) if module else None
        return self._lines.read(path).code(self._record.pc - module.base, _TRAP_SIZE) if module and path else b""

    def _all(self) -> Iterator[tuple[Module, Frame]]:
        for i, address in enumerate(self._record.frames):
            # A return address is behind its call, which may have been the last thing on its line.
            at = address - 1 if i else address
            if module := self._module_at(at):
                for frame in self._lines.frames_at(self._path_of(module), module.name, at - module.base):
                    yield module, frame

    def _module_at(self, address: int) -> Module | None:
        # A library that was closed keeps its slot in the record, and the next one may lie where it lay.
        found = [module for module in self._record.modules if address in module]
        return min(found, key=lambda module: module.slot >= 0 and module.slot not in self._libraries, default=None)

    def _path_of(self, module: Module) -> Path | None:
        """The library's file. One that was being opened has no slot yet, and the end of its path alone."""
        if module.slot >= 0:
            return self._libraries.get(module.slot)
        known = (path for path in self._libraries.values() if module.name and str(path).endswith(module.name))
        whole = Path(module.name)
        return next(known, whole if whole.is_absolute() and whole.is_file() else None)
