"""POD structs, read from C or C++ text: the fields that a NumPy structured dtype would have.

Only names and kinds are read here. Offsets and sizes are the compiler's to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hotplate.notebook.lexis import DIRECTIVE, blank_comments
from hotplate.notebook.record_text import Definition, Definitions, Member, members
from hotplate.notebook.typetext import normal_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hotplate.notebook.model import Language

__all__ = ["Record", "RecordField", "find_records"]


@dataclass(frozen=True, slots=True)
class RecordField:
    """One field of a struct."""

    name: str
    type: str
    """The type without its array part: `double`, `struct vec`. A struct has its own Record under this text."""
    rank: int
    """The number of brackets: 2 for `double m[3][3]`."""


@dataclass(frozen=True, slots=True)
class Record:
    """A struct. With a `problem` it can't be a dtype."""

    name: str
    """A spelling that names the type in code."""
    fields: tuple[RecordField, ...]
    problem: str = ""
    """Which field NumPy can't hold and why, one phrase; "" when it can hold all."""


def find_records(text: str, language: Language, wanted: Iterable[str]) -> Mapping[str, Record]:
    """The records among the wanted type texts, and those nested in them, each under the text that names it.

    Follows typedefs and `using`. Numbers, enums and unknown types are absent. `text` may be a notebook or the
    preprocessor's output; only the definitions that are asked for are read.
    """
    reader = _Reader(Definitions(_DIRECTIVES.sub(_blank, blank_comments(text)), language))
    for name in wanted:
        reader.add(name)
    return reader.records()


_DIRECTIVES = re.compile(DIRECTIVE, re.MULTILINE)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


class _Reader:
    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._found: dict[str, Record] = {}
        self._absent: set[str] = set()

    def add(self, name: str) -> None:
        """Reads the record of that name and, one after the other, all that are nested in it."""
        pending = [name]
        while pending:
            name = pending.pop()
            if name in self._found or name in self._absent:
                continue
            definition = self._definitions.find(name)
            if not isinstance(definition, Definition):
                self._absent.add(name)
                continue
            record = self._found[name] = self._record(name, definition)
            pending.extend(field.type for field in record.fields)

    def records(self) -> Mapping[str, Record]:
        """What was found; a record that holds one with a problem has it too."""
        grows = True
        while grows:
            grows = False
            for name, record in self._found.items():
                if problem := "" if record.problem else self._inherited(record):
                    self._found[name] = replace(record, problem=problem)
                    grows = True
        return self._found

    def _inherited(self, record: Record) -> str:
        for field in record.fields:
            inner = self._found.get(field.type)
            if inner is not None and inner.problem:
                return f"in the field {field.name}, {inner.problem}"
        return ""

    def _record(self, name: str, definition: Definition) -> Record:
        spelled = normal_type(name)
        if definition.problem:
            return Record(spelled, (), definition.problem)
        fields: list[RecordField] = []
        problem = ""
        for member in members(definition.body, private=definition.private):
            why = member.problem or self._type_problem(member)
            problem = problem or (f"the field {member.name} {why}" if member.name else why) * bool(why)
            if not why:
                fields.append(self._field(member, spelled))
        if not fields and not problem:
            problem = "it has no fields"
        return Record(spelled, tuple(fields), problem)

    def _field(self, member: Member, owner: str) -> RecordField:
        kind = member.type
        # A name of the owner's namespace, spelled so that it can be used outside of it.
        scope = owner.rpartition("::")[0]
        if scope and "::" not in kind and isinstance(self._definitions.find(kind), Definition):
            kind = f"{scope}::{kind}"
        return RecordField(member.name, kind, member.rank)

    def _type_problem(self, member: Member) -> str:
        kind = member.type
        found = self._definitions.find(kind)
        problem = ""
        if "long double" in kind:
            problem = "is a long double"
        elif kind.startswith("union ") or (isinstance(found, Definition) and found.problem == "it is a union"):
            problem = "is a union"
        elif _CLASSES.match(kind):
            problem = f"is a {kind}"
        elif isinstance(found, str) and "*" in found:
            problem = f"is a pointer ({kind})"
        elif isinstance(found, str) and "[" in found:
            problem = f"is an array by typedef ({kind}): write its brackets at the field"
        return problem


_CLASSES = re.compile(r"(?!(?:::)?(?:std::)?complex<)[\w:]+<|(?:::)?std::(?:string|string_view|any)\Z")
