"""A notebook's text → its items, sections, cells and helpers, and what is wrong in it."""

from __future__ import annotations

import gc
import re
from bisect import bisect_right
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hotplate.notebook.classify import Classifier, Reading
from hotplate.notebook.comments import doc_above
from hotplate.notebook.decode import language_of, load_text, unify_newlines
from hotplate.notebook.lexis import DIRECTIVE
from hotplate.notebook.model import Attributes, Cell, Helper, Item, ItemKind, Language, NotebookModel, Section
from hotplate.notebook.pieces import Piece, PieceKind, Scanner, segments
from hotplate.notebook.sections import Marker, read_marker
from hotplate.notebook.signature import Definition, SignatureReader
from hotplate.notebook.source import Source
from hotplate.notebook.typetext import read_aliases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hotplate.diagnostic import Diagnostic
    from hotplate.notebook.model import Span

__all__ = ["parse", "read"]


def read(path: Path) -> NotebookModel:
    """Reads and parses a notebook. Raises NotebookError when it is no text file, never for what the text says."""
    if not path.is_dir():
        language_of(path)
    return parse(path, load_text(path))


def parse(path: Path, text: str) -> NotebookModel:
    """The model of a notebook's text. What breaks a rule is in its `diagnostics`; the rest is there all the same.

    Takes linear time. Raises NotebookError only for a path whose suffix names no language.
    """
    with _no_collection():
        return _Parser(Source(path, unify_newlines(text)), language_of(path)).model()


@contextmanager
def _no_collection() -> Iterator[None]:
    """A model is all live objects and no garbage: looking through them again and again took a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(frozen=True, slots=True)
class _Entry:
    """A piece and what it is."""

    piece: Piece
    reading: Reading


class _Parser:
    """First all pieces are read, then the cells: a block that is never closed is known only at the end of the file."""

    def __init__(self, source: Source, language: Language) -> None:
        self._source = source
        self._text = source.text
        self._language = language
        self._macros: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        self._scanner = Scanner(self._text, cpp=language is Language.CPP)
        self._classifier = Classifier(language, self._macros)
        self._signatures = SignatureReader(source, language, self._aliases, self._macros)
        self._carried: tuple[tuple[int, int], ...] = ()
        self._markers: list[tuple[int, Marker]] = []
        self._diagnostics: list[Diagnostic] = []
        self._items: list[Item] = []
        self._functions: list[tuple[Definition, Cell | Helper]] = []

    def model(self) -> NotebookModel:
        entries = list(self._entries())
        self._collect_markers(self._carried + self._scanner.comments)
        sections = self._sections(entries[0].piece.start if entries else len(self._text))
        unclosed = frozenset(self._scanner.unclosed)
        for entry in entries:
            self._add(entry, sections, unclosed)
        cells = self._cells()
        helpers = self._helpers()
        self._diagnostics += _not_cells(self._source, cells, helpers)
        diagnostics = sorted(self._diagnostics, key=lambda found: (found.line, found.column))
        return NotebookModel(
            self._source.path, self._language, self._text, tuple(self._items), cells, helpers,
            tuple(section for _, section in sections), tuple(diagnostics),
        )  # fmt: skip

    # ---- pieces

    def _entries(self) -> Iterator[_Entry]:
        for piece in self._scanner.pieces(0, len(self._text)):
            yield from self._read(piece, recovering=False)

    def _read(self, piece: Piece, *, recovering: bool) -> Iterator[_Entry]:
        piece = replace(piece, comments=self._carried + piece.comments) if self._carried else piece
        self._carried = ()
        if piece.kind is PieceKind.CODE and not recovering:
            reading = self._classifier.read(self._text, piece) if piece.complete else None
            if (reading is None or reading.kind is ItemKind.BROKEN) and len(cuts := segments(self._text, piece)) > 1:
                yield from self._recover(piece, cuts)
                return
        else:
            reading = None
        self._collect_markers(piece.comments)
        reading = reading or self._reading(piece)
        self._remember(piece, reading)
        yield _Entry(piece, reading)

    def _recover(self, piece: Piece, cuts: list[tuple[int, int]]) -> Iterator[_Entry]:
        """Reads the segments of a piece on their own: what is half typed then keeps to itself."""
        self._carried = piece.comments
        for start, end in cuts:
            for part in self._scanner.pieces(start, end):
                yield from self._read(part, recovering=True)
            self._carried += self._scanner.comments

    def _reading(self, piece: Piece) -> Reading:
        match piece.kind:
            case PieceKind.CODE:
                return self._classifier.read(self._text, piece)
            case PieceKind.DIRECTIVE:
                return _directive(self._text[piece.start : piece.end])
            case PieceKind.STRAY:
                text = self._text[piece.start : piece.end].split("\n", 1)[0]
                closes = "it has no #endif" if text.lstrip("# \t").startswith("if") else "it closes nothing"
                return Reading(ItemKind.BROKEN, error=f"'{text}' stands alone: {closes}")
            case _:
                return Reading(ItemKind.OTHER)

    def _remember(self, piece: Piece, reading: Reading) -> None:
        text = self._text[piece.start : piece.end]
        if reading.kind is ItemKind.MACRO and (match := _DEFINE.match(text)):
            self._macros[match["name"]] = match["body"]
        elif reading.kind is ItemKind.TYPE and len(text) < _LONGEST_ALIAS and (alias := read_aliases(text)):
            self._aliases.setdefault(*alias)

    # ---- sections

    def _collect_markers(self, comments: tuple[tuple[int, int], ...]) -> None:
        for start, end in comments:
            marker = read_marker(self._text[start:end]) if "%%" in self._text[start:end] else None
            if marker is None or self._text[start - 1 : start] not in ("", "\n"):
                continue
            self._markers.append((start, marker))
            for problem in marker.problems:
                span = self._source.span(start + problem.start, start + problem.end)
                self._diagnostics.append(self._source.error(problem.message, span, "attribute", hint=problem.hint))

    def _sections(self, first_code: int) -> list[tuple[int, Section]]:
        markers = self._markers
        if not markers or first_code < markers[0][0]:
            markers = [(0, Marker("", Attributes())), *markers]
        ends = [start for start, _ in markers[1:]] + [len(self._text)]
        return [
            (
                start,
                Section(marker.title, marker.attributes, self._source.span(start, end), self._places(start, marker)),
            )
            for (start, marker), end in zip(markers, ends, strict=True)
        ]

    def _places(self, start: int, marker: Marker) -> dict[str, Span]:
        return {key: self._source.span(start + at, start + end) for key, (at, end) in marker.places.items() if at >= 0}

    # ---- items and functions

    def _add(self, entry: _Entry, sections: list[tuple[int, Section]], unclosed: frozenset[int]) -> None:
        piece, reading = entry.piece, entry.reading
        if piece.kind is PieceKind.OPEN and piece.start in unclosed:
            reading = Reading(ItemKind.BROKEN, error="this block is never closed")
        if reading.kind is ItemKind.BROKEN:
            self._report(piece, reading)
        if reading.function and not piece.complete:
            self._report_unclosed(piece, reading.function.name)
        item = self._item(piece, reading, reading.kind)
        namespace = self._namespace(scope for scope in piece.scopes if scope not in unclosed)
        if reading.function:
            section = sections[bisect_right(sections, piece.start, key=lambda pair: pair[0]) - 1][1]
            doc = doc_above(self._text, piece.start, piece.comments)
            cell_item = self._item(piece, reading, ItemKind.CELL)
            definition = Definition(
                reading.function, piece.start, piece.end, piece.body, section, cell_item, namespace, doc
            )
            item = cell_item if self._function(definition) else item
        elif piece.kind is PieceKind.CONDITIONAL:
            item = self._conditional(piece, item, sections[0][1])
        self._items.append(item)

    def _item(self, piece: Piece, reading: Reading, kind: ItemKind) -> Item:
        line, column = self._source.place(piece.start)
        text = self._text[piece.start : piece.end]
        return Item(len(self._items), kind, text, line, column, reading.defines, reading.mutable)

    def _function(self, definition: Definition) -> bool:
        """Reads a function; true when it is a cell."""
        function, problems = self._signatures.read(definition)
        self._functions.append((definition, function))
        self._diagnostics += problems
        return isinstance(function, Cell)

    def _conditional(self, piece: Piece, item: Item, section: Section) -> Item:
        """The functions within `#if` ... `#endif` are helpers. The block stays one item."""
        text = _DIRECTIVES.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), item.text)
        defines = set(re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", item.text, re.MULTILINE))
        for inner in Scanner(text, cpp=self._language is Language.CPP).pieces(0, len(text)):
            if inner.kind is not PieceKind.CODE:
                continue
            reading = self._classifier.read(text, inner)
            defines |= reading.defines
            if reading.function:
                start, end = piece.start + inner.start, piece.start + inner.end
                body = piece.start + inner.body
                definition = Definition(reading.function, start, end, body, section, item, in_conditional=True)
                self._functions.append((definition, self._signatures.read(definition)[0]))
        return replace(item, defines=frozenset(defines))

    def _namespace(self, scopes: Iterator[int]) -> str:
        names = []
        for scope in scopes:
            match = _NAMESPACE.match(self._text, scope)
            if match:
                names.append("".join(match["name"].split()) or "(anonymous)")
        return "::".join(names)

    def _report(self, piece: Piece, reading: Reading) -> None:
        at = min(piece.start + reading.error_at, max(len(self._text) - 1, 0))
        word = re.compile(r"\w+|.?").match(self._text, at)
        span = self._source.span(at, max(word.end() if word else at, at + 1))
        hint = "`hotplate check` shows the compiler's words for it; the other cells are not affected"
        self._diagnostics.append(self._source.error(reading.error, span, "syntax", hint=hint))

    def _report_unclosed(self, piece: Piece, name: str) -> None:
        span = self._source.span(piece.body, piece.body + 1)
        message = f"the body of {name} is never closed"
        hint = "the other cells are not affected"
        self._diagnostics.append(self._source.error(message, span, "syntax", hint=hint, cell=name))

    def _cells(self) -> dict[str, Cell]:
        """The cells by name. Of two definitions of one name the first counts, and the others are errors."""
        cells: dict[str, Cell] = {}
        definitions: dict[str, list[tuple[Definition, Cell | Helper]]] = defaultdict(list)
        for definition, function in self._functions:
            if isinstance(function, Cell):
                cells.setdefault(function.name, function)
            if not (definition.namespace or definition.in_conditional or definition.function.template):
                definitions[definition.function.name].append((definition, function))
        for name in cells:
            self._diagnostics += self._duplicates(name, [function for _, function in definitions[name]])
        return cells

    def _duplicates(self, name: str, functions: list[Cell | Helper]) -> Iterator[Diagnostic]:
        first, *others = functions
        for other in others:
            span = other.name_span if isinstance(other, Cell) else other.span
            place = first.name_span if isinstance(first, Cell) else first.span
            yield self._source.error(
                f"there are two functions called {name}", span, "duplicate", cell=name,
                hint="a cell's name is its own: rename one",
                notes=(self._source.note(f"the first {name} is here", place),),
            )  # fmt: skip

    def _helpers(self) -> dict[str, Helper]:
        helpers: dict[str, Helper] = {}
        for _, function in self._functions:
            if isinstance(function, Helper) and (function.name not in helpers or function.reason):
                helpers[function.name] = function
        return helpers


_LONGEST_ALIAS = 1000
_DEFINE = re.compile(r"#[ \t]*define[ \t]+(?P<name>\w+)(?:\([^)]*\))?(?P<body>.*)", re.DOTALL)
_KIND = re.compile(r"#[ \t]*(\w*)[ \t]*(\w*)")
_DIRECTIVES = re.compile(DIRECTIVE, re.MULTILINE)
_NAMESPACE = re.compile(r"(?:inline\s+)?namespace\b\s*(?:\[\[[^]]*\]\]\s*)?(?P<name>[\w:\s]*)\{")


def _directive(text: str) -> Reading:
    match = _KIND.match(text)
    name, word = match.groups() if match else ("", "")
    if name == "define" and word:
        return Reading(ItemKind.MACRO, frozenset({word}))
    if name == "define":
        return Reading(ItemKind.BROKEN, error="#define needs a name")
    return Reading(ItemKind.INCLUDE if name in {"include", "include_next", "import"} else ItemKind.OTHER)


def _not_cells(source: Source, cells: dict[str, Cell], helpers: dict[str, Helper]) -> Iterator[Diagnostic]:
    """Parameters that name a function which looks like a cell but can't be one."""
    reasons = {name: helper for name, helper in helpers.items() if helper.reason and name not in cells}
    for cell in cells.values() if reasons else ():
        for port in cell.inputs:
            if helper := reasons.get(port.name):
                yield source.error(
                    f"{cell.name}: {port.name} is a function, but not a cell", port.span, "not-a-cell", cell=cell.name,
                    hint=f"change {port.name} so that it can be a cell, or rename the parameter",
                    notes=(source.note(f"{port.name} is not a cell because {helper.reason}", helper.span),),
                )  # fmt: skip
