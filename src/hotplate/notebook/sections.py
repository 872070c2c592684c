"""`// %% Title key="value"` lines: Jupytext's percent format, with what a section says about its cells."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from hotplate.notebook.model import Attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Marker", "MarkerProblem", "read_marker"]


@dataclass(frozen=True, slots=True)
class MarkerProblem:
    """What is wrong in a marker: `line[start:end]`."""

    message: str
    hint: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Marker:
    """A section's first line."""

    title: str
    attributes: Attributes
    problems: tuple[MarkerProblem, ...] = ()


def read_marker(comment: str) -> Marker | None:
    """Reads a comment: None when it is no marker. An attribute that is wrong keeps its default."""
    match = _MARKER.match(comment)
    if match is None:
        return None
    first = _KEY.search(comment, match.end())
    title_end = first.start() if first else len(comment)
    title, flags = _title(comment[match.end() : title_end])
    problems: list[MarkerProblem] = []
    attributes = Attributes(isolate="isolate" in flags, impure="impure" in flags)
    for pair in _pairs(comment, title_end, problems):
        attributes = _with(attributes, pair, problems)
    return Marker(title, attributes, tuple(problems))


_MARKER = re.compile(r"//[ \t]*%%+(?=\s|\Z)")
_KEY = re.compile(r"(?:(?<=\s)|^)[^\W\d][\w-]*=")
_PAIR = re.compile(
    r"\s*(?:(?P<key>[^\W\d][\w-]*)(?:=(?:(?P<quote>[\"'])(?P<quoted>.*?)(?P<close>(?P=quote)|\Z)|(?P<plain>[^\s\"']*)))?"
    r"|(?P<other>\S+))",
)


@dataclass(frozen=True, slots=True)
class _Pair:
    key: str
    value: str | None
    start: int
    end: int


def _title(text: str) -> tuple[str, set[str]]:
    """The title, and the bare keys at its end."""
    words = text.split()
    flags: set[str] = set()
    while words and words[-1] in _BARE:
        flags.add(words.pop())
    return " ".join(words), flags


def _pairs(comment: str, at: int, problems: list[MarkerProblem]) -> Iterator[_Pair]:
    comment = comment.rstrip()
    while at < len(comment) and (match := _PAIR.match(comment, at)):
        at = match.end()
        start = at - len(match[0].lstrip())
        if match["other"] is not None:
            problems.append(MarkerProblem(f"'{match['other']}' is no attribute", _HOW, start, at))
        elif match["quote"] and not match["close"]:
            message = f"the quote of {match['key']} is not closed"
            problems.append(MarkerProblem(message, f'write {match["key"]}="..." on one line', start, at))
        else:
            value = match["quoted"] if match["quote"] else match["plain"]
            yield _Pair(match["key"], value, start, at)


def _with(attributes: Attributes, pair: _Pair, problems: list[MarkerProblem]) -> Attributes:
    reader = _READERS.get(pair.key)
    if reader is None:
        problems.append(MarkerProblem(f"unknown attribute {pair.key}", _nearest(pair.key), pair.start, pair.end))
        return attributes
    convert, allowed = reader
    try:
        return replace(attributes, **{pair.key: convert(pair.value)})
    except ValueError:
        value = "nothing" if pair.value is None else f"'{pair.value}'"
        problems.append(MarkerProblem(f"{pair.key} can't be {value}", f"{pair.key} is {allowed}", pair.start, pair.end))
        return attributes


def _nearest(key: str) -> str:
    known = [field.name for field in fields(Attributes)]
    close = get_close_matches(key.lower(), known, 1, 0.5)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"


def _words(value: str | None) -> tuple[str, ...]:
    return tuple(shlex.split(_text(value)))


def _text(value: str | None) -> str:
    if value is None:
        raise ValueError
    return value


def _standard(value: str | None) -> str:
    if not re.fullmatch(r"[\w+:.]+", _text(value)):
        raise ValueError
    return _text(value)


def _seconds(value: str | None) -> float:
    seconds = float(_text(value))
    if not 0 < seconds < float("inf"):
        raise ValueError
    return seconds


def _count(value: str | None) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", _text(value)):
        raise ValueError
    return int(_text(value))


def _yes(value: str | None) -> bool:
    answer = "true" if value is None else value.lower()
    if answer not in {"true", "yes", "1", "false", "no", "0"}:
        raise ValueError
    return answer in {"true", "yes", "1"}


_BARE = frozenset({"isolate", "impure"})
_HOW = 'attributes are written key="value"'
_SWITCH = "true, false, yes, no, 1 or 0"
_READERS: dict[str, tuple[Callable[[str | None], Any], str]] = {
    "flags": (_words, "compiler arguments as a shell would split them, with closed quotes"),
    "libs": (_words, "pkg-config package names, separated by spaces"),
    "std": (_standard, "a language standard such as gnu11 or c++23"),
    "timeout": (_seconds, "a number of seconds above 0"),
    "retries": (_count, "a whole number, 0 or more"),
    "isolate": (_yes, _SWITCH),
    "impure": (_yes, _SWITCH),
}
