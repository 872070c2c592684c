"""Type texts: qualifiers taken off, spelling made uniform, aliases of the notebook resolved."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from hotplate.notebook.lexis import blank_comments

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ARITHMETIC",
    "FLOATING",
    "container_element",
    "is_text",
    "normal_type",
    "read_aliases",
    "resolve_alias",
    "split_arguments",
    "strip_attributes",
    "view_arguments",
]

FLOATING = frozenset({"float", "double", "long double", "float _Complex", "double _Complex", "_Float16", "__float128"})
ARITHMETIC = FLOATING | {
    f"{std}{name}"
    for std in ("", "std::")
    for name in (
        "bool", "_Bool", "char", "signed char", "unsigned char", "short", "unsigned short", "int", "unsigned", "signed",
        "unsigned int", "long", "unsigned long", "long long", "unsigned long long", "size_t", "ptrdiff_t",
        *(f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    )
}  # fmt: skip
"""Types that are surely one number, whatever the headers say."""

_QUALIFIERS = frozenset(
    {
        "const", "volatile", "register", "restrict", "__restrict", "__restrict__", "_Atomic", "static", "inline",
        "extern", "constexpr", "consteval", "typename", "__extension__", "__inline", "__inline__", "_Noreturn",
        "noreturn", "friend", "virtual", "explicit", "_Thread_local",
    }
)  # fmt: skip
_ATTRIBUTES = re.compile(
    r"\b(?:__attribute__|__attribute|__declspec|alignas|_Alignas)\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
    r"|\[\[.*?\]\]|\bextern\s*\"C(?:\+\+)?\"",
    re.DOTALL,
)
_ATOMIC = re.compile(r"\b_Atomic\s*\(([^()]*)\)")
_WORD = re.compile(r"[^\W\d][\w$]*|\d[\w.']*|\"[^\"]*\"|::|\S")
_ALIAS = re.compile(
    r"(?:typedef\s+(?P<type>[^;{}]*?)\b(?P<typedef>\w+)\s*;?|using\s+(?P<using>\w+)\s*=\s*(?P<is>[^;]*);?)\s*"
)
_MAX_ALIASES = 16


def strip_attributes(text: str) -> str:
    """The text without attributes, alignment and linkage; `_Atomic(T)` is T."""
    if "(" not in text and "[[" not in text and '"' not in text:
        return text
    return _ATOMIC.sub(r"\1", _ATTRIBUTES.sub(" ", text))


@lru_cache(maxsize=4096)
def normal_type(text: str) -> str:
    """The type without qualifiers, in one spelling: words one space apart, punctuation tight, `, ` after a comma."""
    if text.isidentifier():
        return "" if text in _QUALIFIERS else text
    spelled = ""
    for word in _WORD.findall(strip_attributes(text)):
        if word in _QUALIFIERS:
            continue
        joined = spelled and (spelled[-1].isalnum() or spelled[-1] == "_") and (word[0].isalnum() or word[0] == "_")
        spelled += f"{' ' if joined else ''}{word}{' ' if word == ',' else ''}"
    return spelled.strip()


def read_aliases(text: str) -> tuple[str, str] | None:
    """The name and the type of `using name = type;` or a plain `typedef type name;`, else None."""
    match = _ALIAS.fullmatch(blank_comments(text).strip())
    if match is None:
        return None
    return (match["using"], match["is"].strip()) if match["using"] else (match["typedef"], match["type"].strip())


def resolve_alias(text: str, aliases: Mapping[str, str]) -> str:
    """The type that a name stands for, followed through the notebook's aliases; the text itself when it is none."""
    for _ in range(_MAX_ALIASES):
        name = normal_type(text)
        if name not in aliases:
            break
        text = aliases[name]
    return text


def split_arguments(text: str) -> list[tuple[str, int]]:
    """The parts between top-level commas, each with its offset."""
    if not any(character in text for character in '<([{"'):
        parts, at = [], 0
        for part in text.split(","):
            parts.append((part, at))
            at += len(part) + 1
        return parts
    return _split_nested(text)


def _split_nested(text: str) -> list[tuple[str, int]]:
    parts: list[tuple[str, int]] = []
    depth = start = 0
    quoted = False
    for at, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character in "<([{":
            depth += 1
        elif character in ">)]}" and not (character == ">" and text[at - 1 : at] == "-"):
            depth -= 1
        elif character == "," and depth == 0:
            parts.append((text[start:at], start))
            start = at + 1
    return [*parts, (text[start:], start)]


_VIEW = re.compile(r"(?:::\s*)?(?:hp\s*::\s*)?(?P<direction>in|out)\s*<(?P<arguments>.*)>", re.DOTALL)


@lru_cache(maxsize=4096)
def view_arguments(text: str) -> tuple[str, tuple[str, ...]] | None:
    """The direction ("in" or "out") and the template arguments of a view type, else None."""
    match = _VIEW.fullmatch(_unqualified(text))
    if match is None:
        return None
    return match["direction"], tuple(part.strip() for part, _ in split_arguments(match["arguments"]))


_TEXTS = frozenset({"string_view", "string", "std::string_view", "std::string", "::std::string", "::std::string_view"})
_CONTAINER = re.compile(r"(?:(?:::)?std::)?(?:vector|array)<(?P<arguments>.*)>", re.DOTALL)


def is_text(text: str) -> bool:
    """Whether it is one of C++'s string types, by value."""
    return normal_type(text) in _TEXTS


@lru_cache(maxsize=4096)
def container_element(text: str) -> str:
    """The T of a `std::vector<T>` or `std::array<T, N>`, else ""."""
    match = _CONTAINER.fullmatch(normal_type(text))
    return normal_type(split_arguments(match["arguments"])[0][0]) if match else ""


def _unqualified(text: str) -> str:
    return re.sub(r"\s*\b(?:const|volatile)\s*$", "", re.sub(r"^\s*(?:(?:const|volatile)\s+)*", "", text)).strip()
