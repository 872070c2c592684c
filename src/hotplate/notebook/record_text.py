"""Where a type is defined in a text, and the member declarations between a struct's braces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.notebook.model import Language
from hotplate.notebook.typetext import ARITHMETIC, normal_type, split_arguments, strip_attributes

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Definition", "Definitions", "Member", "members"]


@dataclass(frozen=True, slots=True)
class Definition:
    """A struct's definition."""

    body: str
    """What stands between the braces."""
    private: bool = False
    """A `class`: its fields are private until it says otherwise."""
    problem: str = ""
    """Why it can't be a record whatever its fields are."""


class Definitions:
    """Looks types up in a text without comments and directives. Remembers what it found."""

    def __init__(self, text: str, language: Language) -> None:
        self._text = text
        self._cpp = language is Language.CPP
        self._known: dict[str, Definition | str | None] = {}

    def find(self, name: str) -> Definition | str | None:
        """A struct's definition; the text of the type that a typedef stands for in the end; None for anything else."""
        name = normal_type(name)
        if name not in self._known:
            self._known[name] = None  # a name that is defined by itself ends here
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> Definition | str | None:
        for _ in range(_MAX_TYPEDEFS):
            match = _TYPE_NAME.fullmatch(name)
            if match is None:
                return name
            if name in ARITHMETIC:
                return None
            plain = match["name"].rpartition("::")[2]
            if (match["tag"] or self._cpp) and (definition := self._tagged(plain)):
                return definition
            if match["tag"]:
                return None
            found = self._typedef(plain)
            if not isinstance(found, str):
                return found
            name = found
        return None

    def _tagged(self, name: str) -> Definition | None:
        head = rf"\b(struct|union|class)\b{_ATTRIBUTES}\b{re.escape(name)}\s*(?:final\s*)?{_ATTRIBUTES}"
        pattern = head + r"(:[^;{}]*)?\{"
        for match in re.finditer(pattern, self._text):
            before = self._text[max(match.start() - 200, 0) : match.start()].rstrip()
            if before.endswith(">") or re.search(r"\benum\Z", before):
                continue  # a template, a scoped enumeration
            return self._definition(match[1], match.end() - 1, bases=bool(match[2]))
        return None

    def _definition(self, keyword: str, brace: int, *, bases: bool = False) -> Definition:
        body = self._text[brace + 1 : _closing(self._text, brace)]
        problem = "it is a union" if keyword == "union" else "it has a base class" if bases else ""
        if re.search(r"\bvirtual\b", body):
            problem = problem or "it has virtual functions"
        return Definition(body, keyword == "class", problem)

    def _typedef(self, name: str) -> Definition | str | None:
        escaped = re.escape(name)
        if self._cpp and (match := re.search(rf"\busing\s+{escaped}\s*=\s*([^;{{}}]+);", self._text)):
            return normal_type(match[1])
        for match in re.finditer(rf"(?<![\w.]){escaped}\s*((?:\[[^\]]*\]\s*)*)(?=[,;])", self._text):
            start = _statement_start(self._text, match.start())
            statement = self._text[start : match.start()]
            if typedef := re.match(r"\s*(?:__extension__\s+)?typedef\b", statement):
                return self._aliased(start + typedef.end(), match)
        return None

    def _aliased(self, start: int, match: re.Match[str]) -> Definition | str | None:
        """What the typedef from `start` makes of the name that was matched."""
        statement = self._text[start : match.start()]
        shape = ("*" if re.search(r"\*[\s\w]*\Z", statement) else "") + match[1].strip()
        brace = statement.find("{")
        if brace >= 0:
            keyword = re.match(r"\s*(struct|union|enum|class)\b", statement)
            if shape:
                return f"struct {shape}"
            return self._definition(keyword[1], start + brace) if keyword and keyword[1] != "enum" else None
        aliased = normal_type(strip_attributes(split_arguments(statement)[0][0]))
        first = re.sub(r"\s*\w+(?:\[[^\]]*\])*\Z", "", aliased) if "," in statement else aliased
        return f"{first} {shape}".strip()


@dataclass(frozen=True, slots=True)
class Member:
    """One field as declared."""

    name: str
    type: str
    rank: int
    problem: str = ""
    """Why it can't be part of a record, as a phrase behind "the field x"."""


def members(body: str, *, private: bool) -> Iterator[Member]:
    """The data members of a struct's body, in order. Methods, static members, nested types and aliases are left out."""
    for declaration in _declarations(body):
        text, private = _access(declaration, private=private)
        text = strip_attributes(text).strip()
        if not text or _NO_FIELD.match(text):
            continue
        for member in _fields(text):
            yield Member(member.name, member.type, member.rank, "is private") if private else member


_MAX_TYPEDEFS = 32
_ATTRIBUTES = r"(?:\s|__attribute__\s*\(\(.*?\)\)|__declspec\(\w+\)|alignas\s*\([^()]*\)|\[\[.*?\]\])*"
_TYPE_NAME = re.compile(r"(?:(?P<tag>struct|union|class)\s+)?(?P<name>[^\W\d][\w:]*)")
_ACCESS = re.compile(r"\s*(public|private|protected)\s*:(?!:)")
_NO_FIELD = re.compile(
    r"(?:static|using|typedef|friend|template|static_assert|_Static_assert)\b|enum\s[^{]*\{[^}]*\}\Z"
)
_GOES_ON = re.compile(r"\s*[,{]")  # a constructor's list of initialisers
_INITIALISER = re.compile(r"\s*(?:=.*|\{.*\})\s*\Z", re.DOTALL)
_DECLARATOR = re.compile(
    r"(?P<left>.*?)[*&\s]*(?<!\w)(?P<name>[^\W\d]\w*)\s*(?P<brackets>(?:\[[^\]]*\]\s*)*)(?P<bits>:[^:].*)?",
    re.DOTALL,
)


def _declarations(body: str) -> Iterator[str]:
    """The text of each member declaration; a method's body ends it like a semicolon."""
    depth = start = 0
    for match in re.finditer(r"[{}();]", body):
        character = match[0]
        if character in "{(":
            depth += 1
        elif character in "})":
            depth -= 1
        text = body[start : match.start()]
        ends_method = character == "}" and "(" in text.partition("{")[0] and not _GOES_ON.match(body, match.end())
        if depth == 0 and (character == ";" or ends_method):
            yield text
            start = match.end()


def _access(text: str, *, private: bool) -> tuple[str, bool]:
    while match := _ACCESS.match(text):
        private = match[1] != "public"
        text = text[match.end() :]
    return text, private


def _fields(text: str) -> Iterator[Member]:
    if "{" in text and (nested := re.match(r"(struct|union|class)\s*(\w*)[^{]*\{", text)):
        yield from _nested(text, nested)
        return
    if pointer := re.search(r"\(\s*\*+\s*(\w+)", text):
        yield Member(pointer[1], "", 0, "is a pointer")
        return
    if "operator" in text or re.match(r"[^={]*\(", text):
        return  # a method
    declarators = [_INITIALISER.sub("", part).strip() for part, _ in split_arguments(text)]
    first = _DECLARATOR.fullmatch(declarators[0])
    kind = normal_type(first["left"]) if first else ""
    if first is None or not kind:
        return
    declarators[0] = declarators[0][len(first["left"]) :]
    for declarator in declarators:
        yield _member(kind, declarator)


def _member(kind: str, declarator: str) -> Member:
    match = _DECLARATOR.fullmatch(declarator.strip())
    if match is None:
        return Member(declarator.strip(), kind, 0, "can't be read")
    brackets = re.findall(r"\[([^\]]*)\]", match["brackets"])
    problem = ""
    if match["bits"]:
        problem = "is a bit-field"
    elif "*" in declarator:
        problem = "is a pointer"
    elif "&" in declarator:
        problem = "is a reference"
    elif brackets and not brackets[0].strip():
        problem = "has no fixed length"
    return Member(match["name"], kind, len(brackets), problem)


def _nested(text: str, match: re.Match[str]) -> Iterator[Member]:
    """`struct vec { ... } v;` within a struct."""
    rest = text[_closing(text, match.end() - 1) + 1 :].strip()
    keyword, tag = match[1], match[2]
    if not rest and tag:
        return  # a type of its own, no field
    if not tag or not rest:
        name = re.match(r"\w*", rest)
        problem = f"is an anonymous {keyword}" if rest else f"it has an anonymous {keyword}"
        yield Member(name[0] if name else "", "", 0, problem)
        return
    for part, _ in split_arguments(rest):
        yield _member(f"{keyword} {tag}", part)


def _closing(text: str, brace: int) -> int:
    """The offset of the brace that closes the one at `brace`; the end of the text when nothing does."""
    depth = 0
    for match in re.compile(r"[{}]").finditer(text, brace):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.start()
    return len(text)


def _statement_start(text: str, at: int) -> int:
    """The offset behind the `;`, `{` or `}` that the statement around `at` follows, over balanced braces."""
    depth = 0
    while at > 0:
        character = text[at - 1]
        if character == "}":
            if depth == 0 and not re.match(r"\s*[\w*]", text[at : at + 200]):
                return at
            depth += 1
        elif character == "{":
            if depth == 0:
                return at
            depth -= 1
        elif character == ";" and depth == 0:
            return at
        at -= 1
    return 0
