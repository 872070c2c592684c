"""The file's top-level pieces, found by brackets and semicolons alone.

Nothing here parses: a piece is where a directive, a declaration or a function definition begins and ends. Bodies of
functions are only skipped, so a half-typed one does no harm to its neighbours, and what they hold costs little.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import TYPE_CHECKING

from hotplate.notebook.lexis import COMMENT, DIRECTIVE, LITERAL, blank_comments

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Piece", "PieceKind", "Scanner", "segments"]


class PieceKind(Enum):
    """What a piece looks like from its first characters."""

    CODE = auto()
    DIRECTIVE = auto()
    CONDITIONAL = auto()
    """`#if` up to its `#endif`, whole."""
    OPEN = auto()
    """`namespace x {` or `extern "C" {`."""
    CLOSE = auto()
    """The brace that closes it."""
    STRAY = auto()
    """A closing brace, `#else` or `#endif` that closes nothing, or an `#if` without its `#endif`."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece: `text[start:end]`."""

    kind: PieceKind
    start: int
    end: int
    body: int = -1
    """The offset of the brace that opens a function's body, else -1."""
    complete: bool = True
    """False when the text ends, or something else begins, before the piece is closed."""
    comments: tuple[tuple[int, int], ...] = ()
    """Where the comments between the piece before and this one begin and end."""
    scopes: tuple[int, ...] = ()
    """The offsets of the OPEN pieces around it."""


class Scanner:
    """Cuts a text into pieces. It remembers the open namespaces and `extern "C"` blocks from one call to the next."""

    def __init__(self, text: str, *, cpp: bool) -> None:
        self._text = text
        self._cpp = cpp
        self._scopes: list[int] = []
        self.comments: tuple[tuple[int, int], ...] = ()
        """The comments after the last piece."""

    @property
    def unclosed(self) -> tuple[int, ...]:
        """The offsets of the blocks that are still open."""
        return tuple(self._scopes)

    def pieces(self, start: int, end: int) -> Iterator[Piece]:
        """The pieces from `start` up to `end`, one after the other. Takes linear time."""
        while True:
            start, comments = self._skip(start, end)
            if start >= end:
                self.comments = comments
                return
            if self._text[start] == ";":
                start += 1
                continue
            piece = self._piece(start, end, comments)
            yield piece
            start = piece.end

    def _skip(self, at: int, end: int) -> tuple[int, tuple[tuple[int, int], ...]]:
        comments = []
        while match := _GAP.match(self._text, at, end):
            at = match.end()
            if match["comment"]:
                comments.append((match.start("comment"), at))
        return at, tuple(comments)

    def _piece(self, start: int, end: int, comments: tuple[tuple[int, int], ...]) -> Piece:
        scopes = tuple(self._scopes)
        character = self._text[start]
        if character == "#":
            kind, stop = self._directive(start, end)
            return Piece(kind, start, stop, comments=comments, scopes=scopes)
        if character == "}":
            kind = PieceKind.CLOSE if self._scopes else PieceKind.STRAY
            if self._scopes:
                self._scopes.pop()
            return Piece(kind, start, start + 1, comments=comments, scopes=tuple(self._scopes))
        if self._cpp and (match := _SCOPE.match(self._text, start, end)):
            self._scopes.append(start)
            return Piece(PieceKind.OPEN, start, match.end(), comments=comments, scopes=scopes)
        stop, body, complete = _Code(self._text, start, end).scan()
        return Piece(PieceKind.CODE, start, stop, body, complete, comments, scopes)

    def _directive(self, start: int, end: int) -> tuple[PieceKind, int]:
        match = _DIRECTIVE.match(self._text, start, end)
        if match is None:  # a # that does not begin its line
            return PieceKind.STRAY, start + 1
        stop = match.end()
        if match["directive"] in _IFS:
            closed = self._endifs.get(start, end + 1)
            return (PieceKind.CONDITIONAL, closed) if closed <= end else (PieceKind.STRAY, stop)
        stray = match["directive"] in _BRANCHES or match["directive"] == "endif"
        return (PieceKind.STRAY if stray else PieceKind.DIRECTIVE), stop

    @cached_property
    def _endifs(self) -> dict[int, int]:
        """For each #if that is closed, the end of its #endif. One pass: looking for each on its own is quadratic."""
        found: dict[int, int] = {}
        opened: list[int] = []
        for match in _DIRECTIVES.finditer(self._text):
            if match["directive"] in _IFS:
                opened.append(self._text.index("#", match.start()))
            elif match["directive"] == "endif" and opened:
                found[opened.pop()] = match.end()
        return found


def segments(text: str, piece: Piece) -> list[tuple[int, int]]:
    """Cuts a piece that does not parse where, by its looks, something new begins: one segment when nowhere."""
    cuts = [piece.start]
    for match in _RESTART.finditer(text, piece.start + 1, piece.end):
        if match["close"]:
            cuts.append(match.end())
        elif match["new"] is not None and not text[cuts[-1] : match.start()].isspace():
            cuts.append(match.start())
    return [(start, end) for start, end in zip(cuts, [*cuts[1:], piece.end], strict=True) if text[start:end].strip()]


_IFS = frozenset({"if", "ifdef", "ifndef"})
_BRANCHES = frozenset({"else", "elif", "elifdef", "elifndef"})

_GAP = re.compile(rf"(?:\s|\\\n)+|(?P<comment>{COMMENT})")
_DIRECTIVE = re.compile(DIRECTIVE.removeprefix("^[ \\t]*"))
_DIRECTIVES = re.compile(f"{DIRECTIVE}|{COMMENT}|{LITERAL}", re.MULTILINE)
_SCOPE = re.compile(r"(?:inline\s+)?namespace\b\s*(?:\[\[[^]]*\]\]\s*)?[\w:\s]*\{|extern\s*\"C(?:\+\+)?\"\s*\{")
_MARKS = re.compile(f"{DIRECTIVE}|{COMMENT}|{LITERAL}|[{{}}();]", re.MULTILINE)
# What nearly every function looks like: nothing in its head that would need a closer look.
_PLAIN_HEAD = re.compile(r"[^;{}()\"'/#=<]*\((?:[^;{}()\"'/#]++|\"\w*\")*\)\s*")
_PLAIN_BODY = re.compile(r"\{[^{}\"'/#]*\}")
_OLD_STYLE = re.compile(r"\w[\w\s*]*[\s*]\w+\s*\(\s*[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*\s*\)\s*[^\W\d]")
_OLD_STYLE_REST = re.compile(r"(?:[^;{}()=#]*;)*+\s*\{")
_CONTINUES = re.compile(rf"(?:\s|{COMMENT})*(?:[,{{]|catch\b)")
_RESTART = re.compile(
    r"(?P<new>^//[ \t]*%%|^\#[ \t]*include\b"
    r"|^(?:typedef|struct|union|enum|class|static|extern|inline|template|namespace|using)\b"
    r"|^(?!(?:else|return|if|for|while|switch|case|default|do|goto|break|continue|throw|delete|new)\b)"
    r"[^\W\d][\w\s:<>,*&]*?[\s*&][^\W\d]\w*\s*\()"
    rf"|^(?P<close>\}})[ \t]*;?[ \t]*$|{COMMENT}|{LITERAL}",
    re.MULTILINE,
)


class _Code:
    """Finds the end of one declaration or function definition."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._start = start
        self._end = end
        self._braces = 0
        self._parens = 0
        self._opened = -1
        # The depths at each open #if: its branches all begin at the same ones.
        self._branches: list[tuple[int, int]] = []

    def scan(self) -> tuple[int, int, bool]:
        """Where it ends, where the function's body opens (or -1), and whether it is closed."""
        at = self._start
        head = _PLAIN_HEAD.match(self._text, at, self._end)
        if head and self._text.startswith("{", head.end(), self._end):
            at = head.end()
            if body := _PLAIN_BODY.match(self._text, at, self._end):
                return body.end(), at, True
        for match in _MARKS.finditer(self._text, at, self._end):
            if found := self._mark(match):
                return found
        opened = self._opened if self._braces and self._is_function() else -1
        return self._start + len(self._text[self._start : self._end].rstrip()), opened, False

    def _mark(self, match: re.Match[str]) -> tuple[int, int, bool] | None:
        at = match.start()
        character = self._text[at]
        if match["directive"] is not None:
            return self._directive(at, match["directive"])
        if character == "{":
            if self._braces == 0 and self._parens == 0:
                self._opened = at
            self._braces += 1
        elif character == "}":
            return self._close(at)
        elif self._braces == 0:
            return self._outside_braces(character, at)
        return None

    def _close(self, at: int) -> tuple[int, int, bool] | None:
        if self._braces == 0:
            return max(at, self._start + 1), -1, False
        self._braces -= 1
        if self._braces or self._parens or not self._is_function() or _CONTINUES.match(self._text, at + 1, self._end):
            return None
        return at + 1, self._opened, True

    def _outside_braces(self, character: str, at: int) -> tuple[int, int, bool] | None:
        if character == "(":
            self._parens += 1
        elif character == ")":
            self._parens = max(self._parens - 1, 0)
        elif character == ";" and self._parens:
            return at + 1, -1, False
        elif character == ";" and not self._is_old_style(at):
            return at + 1, -1, True
        return None

    def _directive(self, at: int, name: str) -> tuple[int, int, bool] | None:
        if name in _IFS:
            self._branches.append((self._braces, self._parens))
        elif name in _BRANCHES and self._branches:
            self._braces, self._parens = self._branches[-1]
        elif name == "endif" and self._branches:
            self._branches.pop()
        elif self._braces == 0:
            return max(at, self._start + 1), -1, False
        return None

    def _is_old_style(self, at: int) -> bool:
        """Whether the semicolon ends a parameter's declaration between the head and the body, as K&R wrote them."""
        head = _OLD_STYLE.match(self._text, self._start, at)
        return head is not None and _OLD_STYLE_REST.match(self._text, at + 1, self._end) is not None

    def _is_function(self) -> bool:
        if self._opened < 0:
            return False
        if _PLAIN_HEAD.fullmatch(self._text, self._start, self._opened):
            return True
        return _has_parameters(self._text[self._start : self._opened])


_ATTRIBUTE = re.compile(
    r"\b(?:__attribute__|__attribute|__declspec|alignas|_Alignas)\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|\[\[.*?\]\]",
    re.DOTALL,
)
_OPERATOR = re.compile(r"\boperator\s*(?:\(\s*\)|[^\s\w(]+)")
_LITERALS = re.compile(LITERAL)


def _has_parameters(head: str) -> bool:
    """Whether the text before a brace declares a function: it has parentheses, and no `=` outside them."""
    head = _OPERATOR.sub("operator", _ATTRIBUTE.sub(" ", _LITERALS.sub(" ", blank_comments(head))))
    depth = angles = 0
    found = False
    template = head.lstrip().startswith("template")
    for character in head:
        if character == "(":
            found = found or depth == 0
            depth += 1
        elif character == ")":
            depth -= 1
        elif character in "<>" and template:
            angles += 1 if character == "<" else -1
        elif character == "=" and depth == 0 and angles <= 0:
            return False
    return found
