"""`// %% Title key="value"` lines: Jupytext's percent format, with what a section says about its cells."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from hotplate.notebook.condition_text import ConditionProblem, parse_condition
from hotplate.notebook.extents import Extent, parse_extent
from hotplate.notebook.model import Attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hotplate.notebook.condition import Condition

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
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Where the values of attributes stand: `line[start:end]`."""


def read_marker(comment: str) -> Marker | None:
    """Reads a comment: None when it is no marker. An attribute that is wrong keeps its default."""
    match = _MARKER.match(comment)
    if match is None:
        return None
    first = _KEY.search(comment, match.end())
    title_end = first.start() if first else len(comment)
    title, flags = _title(comment[match.end() : title_end])
    problems: list[MarkerProblem] = []
    attributes = Attributes()
    for flag in flags:
        attributes = replace(attributes, **{flag: _READERS[flag][0](None)})
    given: dict[str, _Pair] = {}
    for pair in _pairs(comment, title_end, problems):
        attributes = _with(attributes, pair, problems)
        given[pair.key] = pair
    problems.extend(_without_effect(attributes, given))
    if attributes.clean_env and not (attributes.isolate or "isolate" in given):
        attributes = replace(attributes, isolate=True)
    places = {key: pair.value_at for key, pair in given.items()}
    return Marker(title, attributes, tuple(problems), places)


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
    value_at: tuple[int, int]


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
            group = "quoted" if match["quote"] else "plain"
            yield _Pair(match["key"], match[group], start, at, match.span(group))


def _with(attributes: Attributes, pair: _Pair, problems: list[MarkerProblem]) -> Attributes:
    reader = _READERS.get(pair.key)
    if reader is None:
        problems.append(MarkerProblem(f"unknown attribute {pair.key}", _nearest(pair.key), pair.start, pair.end))
        return attributes
    convert, allowed = reader
    try:
        return replace(attributes, **{pair.key: convert(pair.value)})
    except ConditionProblem as problem:
        start = pair.value_at[0]
        problems.append(
            MarkerProblem(f"{pair.key}: {problem}", problem.hint, start + problem.start, start + problem.end)
        )
        return attributes
    except ValueError:
        value = "nothing" if pair.value is None else f"'{pair.value}'"
        problems.append(MarkerProblem(f"{pair.key} can't be {value}", f"{pair.key} is {allowed}", pair.start, pair.end))
        return attributes


def _without_effect(attributes: Attributes, given: Mapping[str, _Pair]) -> Iterator[MarkerProblem]:
    """What is said and does nothing, for another attribute says otherwise or is not there."""
    for key in ("backoff", "retry_on"):
        if key in given and "retries" not in given:
            pair = given[key]
            yield MarkerProblem(f"{key} without retries does nothing", 'add retries="1" or more', pair.start, pair.end)
    if attributes.impure and attributes.retries and all(name != "impure" for name, _ in attributes.retry_on):
        pair = given["retries"]
        message = "impure cells are not tried again unless that is asked for: what they do would be done twice"
        hint = 'take retries off, or add retry_on="crashed timed_out lost impure"'
        yield MarkerProblem(message, hint, pair.start, pair.end)
    if attributes.clean_env and "isolate" in given and not attributes.isolate:
        pair = given["isolate"]
        message = "a clean environment takes a worker, and isolate says no"
        yield MarkerProblem(message, "take one of clean_env and isolate off", pair.start, pair.end)


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


def _grace(value: str | None) -> float:
    return 0.0 if _text(value) in ("0", "0.0") else _seconds(value)


def _backoff(value: str | None) -> tuple[float, ...]:
    seconds = tuple(_seconds(part) for part in _text(value).split("..", 1))
    if len(seconds) == 2 and seconds[0] > seconds[1]:
        raise ValueError
    return seconds


def _causes(value: str | None) -> tuple[tuple[str, int | None], ...]:
    causes = [_cause(word) for word in _text(value).split()]
    names = [name for name, _ in causes]
    if not causes or len(set(names)) < len(names):
        raise ValueError
    return tuple(causes)


def _cause(word: str) -> tuple[str, int | None]:
    name, colon, budget = word.partition(":")
    if name not in _CAUSES or (name == "impure" and colon):
        raise ValueError
    return name, _count(budget) if colon else None


def _when(value: str | None) -> Condition:
    return parse_condition(_text(value))


def _amount(value: str | None) -> Extent:
    text = _text(value)
    return Extent(text, parse_extent(text))


def _trap(value: str | None) -> tuple[str, ...]:
    names = () if value is None else tuple(value.split())
    if value is not None and (not names or len(set(names)) < len(names) or not all(map(str.isidentifier, names))):
        raise ValueError
    return names


def _count(value: str | None) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", _text(value)):
        raise ValueError
    return int(_text(value))


def _yes(value: str | None) -> bool:
    answer = "true" if value is None else value.lower()
    if answer not in {"true", "yes", "1", "false", "no", "0"}:
        raise ValueError
    return answer in {"true", "yes", "1"}


_CAUSES = ("crashed", "timed_out", "lost", "failed", "impure")
_BARE = frozenset({"isolate", "impure", "trap", "clean_env"})
_HOW = 'attributes are written key="value"'
_SWITCH = "true, false, yes, no, 1 or 0"
_AMOUNT = 'arithmetic on dimensions and whole numbers: "2 * n * m"'
_READERS: dict[str, tuple[Callable[[str | None], Any], str]] = {
    "flags": (_words, "compiler arguments as a shell would split them, with closed quotes"),
    "libs": (_words, "pkg-config package names, separated by spaces"),
    "std": (_standard, "a language standard such as gnu11 or c++23"),
    "timeout": (_seconds, "a number of seconds above 0"),
    "grace": (_grace, "a number of seconds, 0 or more"),
    "retries": (_count, "a whole number, 0 or more"),
    "backoff": (_backoff, 'a number of seconds above 0, or two, the smaller first: "0.1..10"'),
    "retry_on": (_causes, f'some of {", ".join(_CAUSES)}, each once; with a count after a colon: "timed_out:1"'),
    "isolate": (_yes, _SWITCH),
    "impure": (_yes, _SWITCH),
    "when": (_when, 'a condition, as in when="residual > 1e-6 and n < 100"'),
    "trap": (_trap, 'nothing, for all failures, or the names of cells, each once: trap="u1 u2"'),
    "clean_env": (_yes, _SWITCH),
    "flops": (_amount, _AMOUNT),
    "bytes": (_amount, _AMOUNT),
}
