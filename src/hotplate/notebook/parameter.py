"""One parameter of a function → the port of a cell, or the reason why the function can't be one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from hotplate.notebook.extents import Extent, Symbol, parse_extent
from hotplate.notebook.model import Language, Port, PortKind
from hotplate.notebook.typetext import (
    is_text,
    normal_type,
    resolve_alias,
    view_arguments,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.notebook.model import Span
    from hotplate.notebook.source import Source

__all__ = ["NotACellError", "ParameterReader", "Problem", "unusable"]


class NotACellError(Exception):
    """The function can't be a cell; the message says why."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A rule that a cell breaks."""

    rule: str
    message: str
    hint: str
    span: Span


@dataclass(slots=True)
class ParameterReader:
    """Reads the parameters of one function; what is wrong with them gathers in `problems`."""

    source: Source
    language: Language
    aliases: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)

    def read(self, text: str, offset: int) -> Port:
        """The port of the parameter that starts at `offset`. Raises NotACellError."""
        stripped = _without_attributes(text)
        match = _DECLARATOR.search(stripped)
        if match is None:
            raise NotACellError(_odd(stripped))
        name, left = match["name"], stripped[: match.start()].strip()
        if not left or name in _NEVER_A_NAME:
            raise NotACellError(f"the parameter '{stripped.strip()}' has no name")
        at = offset + match.start("name")
        parameter = _Parameter(name, left, match["brackets"], self.source.span(at, at + len(name)))
        self._refuse(parameter)
        if match["brackets"]:
            return self._array(parameter)
        return self._plain(parameter)

    def _refuse(self, parameter: _Parameter) -> None:
        if "=" in parameter.left:
            raise NotACellError(f"parameter {parameter.name} has a default value")
        if "&&" in parameter.left:
            raise NotACellError(f"parameter {parameter.name} is an rvalue reference")
        if "(" in _TEMPLATE.sub("", parameter.left):
            raise NotACellError(f"parameter {parameter.name} is declared with parentheses")

    def _array(self, parameter: _Parameter) -> Port:
        name, left = parameter.name, parameter.left
        if "*" in left or "&" in left:
            raise NotACellError(f"parameter {name} is an array of pointers or a reference to an array")
        if why := unusable(normal_type(left)):
            raise NotACellError(f"parameter {name} {why}")
        is_output, constant = _is_output(name), _CONST.search(left) is not None
        if is_output and constant:
            self._problem(
                parameter, "output-name", f"{name} is const, but its name says that it is a result",
                "take the const away, or give the input another name",
            )  # fmt: skip
        elif not is_output and not constant:
            self._problem(
                parameter, "non-const-array",
                f"{name} is an array that is not const, and its name is not out or out_NAME",
                f"an input is `const {normal_type(left)} {name}{parameter.brackets.strip()}`, "
                f"a result is called out or out_{name}",
            )  # fmt: skip
        extents = tuple(self._extent(parameter, text) for text in _BRACKET.findall(parameter.brackets))
        return Port(name, PortKind.ARRAY, normal_type(left), extents, is_output, view=False, span=parameter.span)

    def _extent(self, parameter: _Parameter, text: str) -> Extent:
        words = _QUALIFIER.sub("", text).split()
        extent = " ".join(words)
        if not extent:
            result = _is_output(parameter.name)
            what = "nothing says how large the result is" if result else "nothing names its length"
            self._problem(
                parameter, "unbound-extent", f"{parameter.name} has empty brackets, so {what}",
                f"write a dimension into them: `{parameter.name}[n]`",
            )  # fmt: skip
            return Extent("", Symbol(""))
        compile_time = self.language is Language.CPP and not _LITERAL.match(extent)
        return self._parsed(parameter, extent, compile_time=compile_time)

    def _parsed(self, parameter: _Parameter, text: str, *, compile_time: bool) -> Extent:
        try:
            return Extent(text, parse_extent(text), compile_time)
        except ValueError as error:
            if not compile_time:
                self._problem(parameter, "bad-extent", f"{parameter.name}: {error}", "")
            return Extent(text, Symbol(text), compile_time)

    def _plain(self, parameter: _Parameter) -> Port:
        resolved = resolve_alias(parameter.left, self.aliases)
        if "*" in _TEMPLATE.sub("", resolved):
            return self._pointer(parameter, resolved)
        if self.language is Language.CPP:
            return self._cpp(parameter, resolved)
        return self._scalar(parameter, resolved)

    def _pointer(self, parameter: _Parameter, text: str) -> Port:
        name, base = parameter.name, normal_type(text)
        if base in {"hp_ctx*", "struct hp_ctx*"}:
            return Port(name, PortKind.CONTEXT, "hp_ctx", (), is_output=False, view=False, span=parameter.span)
        if base in {"hp_out*", "struct hp_out*"}:
            return self._dynamic(parameter)
        if base == "char*" and _CONST.search(text.partition("*")[0]):
            declared = "const char *" if self.language is Language.CPP else ""
            return Port(name, PortKind.TEXT, "const char *", (), False, False, parameter.span, declared)
        if base == "char*":
            raise NotACellError(f"parameter {name} is a char * that is not const: text is `const char *{name}`")
        element = base.rstrip("*")
        if base == f"{element}*" and element != "void":
            const = "" if name == "out" or name.startswith("out_") else "const "
            raise NotACellError(f"parameter {name} is a bare pointer: an array is `{const}{element} {name}[n]`")
        raise NotACellError(f"parameter {name} is a bare pointer ({_spelled(base)})")

    def _dynamic(self, parameter: _Parameter) -> Port:
        if not _is_output(parameter.name):
            self._problem(
                parameter, "output-name", f"the hp_out * parameter {parameter.name} is not called out or out_NAME",
                f"call it out_{parameter.name}",
            )  # fmt: skip
        return Port(parameter.name, PortKind.DYNAMIC, "", (), is_output=True, view=False, span=parameter.span)

    def _cpp(self, parameter: _Parameter, resolved: str) -> Port:
        reference = "&" in resolved
        constant = _CONST.search(_TEMPLATE.sub("", resolved)) is not None
        text = resolved.replace("&", " ").strip()
        value = resolve_alias(text, self.aliases)
        if reference and not constant:
            raise NotACellError(f"parameter {parameter.name} is a reference: take it by value")
        if view := view_arguments(value):
            if reference and view[0] == "out":
                raise NotACellError(f"parameter {parameter.name} is a reference to a view: take it by value")
            return self._view(parameter, *view, declared=_unqualified(value))
        if is_text(value):
            declared = normal_type(value)
            return Port(parameter.name, PortKind.TEXT, declared, (), False, False, parameter.span, declared)
        if reference:
            raise NotACellError(f"parameter {parameter.name} is a reference: take it by value")
        return self._scalar(parameter, text)

    def _view(self, parameter: _Parameter, direction: str, arguments: tuple[str, ...], *, declared: str) -> Port:
        name, is_output = parameter.name, direction == "out"
        if is_output and not _is_output(name):
            self._problem(
                parameter, "output-name", f"the hp::out parameter {name} is not called out or out_NAME",
                f"call it out_{name}",
            )  # fmt: skip
        if not is_output and _is_output(name):
            self._problem(
                parameter, "output-name", f"{name} is an hp::in, but its name says that it is a result",
                "make it an hp::out, or give the input another name",
            )  # fmt: skip
        if len(arguments) < 2:
            self._problem(
                parameter, "unbound-extent", f"{name} has no extents, so nothing says what its axes are",
                f'name each axis: `{direction}<{arguments[0] or "double"}, "n">`',
            )  # fmt: skip
        extents = tuple(self._view_extent(parameter, text) for text in arguments[1:])
        kind = normal_type(arguments[0])
        return Port(name, PortKind.ARRAY, kind, extents, is_output, view=True, span=parameter.span, declared=declared)

    def _view_extent(self, parameter: _Parameter, text: str) -> Extent:
        if text.startswith('"'):
            return self._parsed(parameter, text.strip('"').strip(), compile_time=False)
        return self._parsed(parameter, text, compile_time=not _LITERAL.match(text))

    def _scalar(self, parameter: _Parameter, text: str) -> Port:
        kind = normal_type(text)
        resolved = normal_type(resolve_alias(text, self.aliases))
        if why := unusable(resolved):
            raise NotACellError(f"parameter {parameter.name} {why}")
        declared = kind if self.language is Language.CPP else ""
        return Port(parameter.name, PortKind.SCALAR, kind, (), False, False, parameter.span, declared)

    def _problem(self, parameter: _Parameter, rule: str, message: str, hint: str) -> None:
        self.problems.append(Problem(rule, message, hint, parameter.span))


@lru_cache(maxsize=4096)
def unusable(kind: str) -> str:
    """Why a type can't be an element or a number ("is a long double, ..."), "" when nothing speaks against it."""
    if "long double" in kind or kind == "double long":
        return "is a long double, which has no portable dtype"
    if kind in {"void", "va_list"}:
        return f"is a {kind}, which has no dtype"
    if re.search(r"\b(?:auto|decltype)\b", kind):
        return "is auto: write its type"
    if _STD_TEMPLATE.match(kind) and not kind.startswith(("std::complex<", "complex<", "::std::complex<")):
        return f'is a {kind}: an array is `hp::in<T, "n">`'
    return ""


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    left: str
    """What stands before the name."""
    brackets: str
    span: Span


_DECLARATOR = re.compile(r"(?<!\w)(?P<name>[^\W\d]\w*)\s*(?P<brackets>(?:\[[^\[\]]*\]\s*)*)\Z")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_QUALIFIER = re.compile(r"\b(?:static|const|restrict|volatile|__restrict|__restrict__)\b")
_LITERAL = re.compile(r"\d[\w']*\Z")
_CONST = re.compile(r"\b(?:const|constexpr)\b")
_TEMPLATE = re.compile(r"<.*>", re.DOTALL)
_STD_TEMPLATE = re.compile(r"(?:::)?std::\w+<|(?:vector|array|span|optional|map|unordered_map|tuple|pair)<")
_NEVER_A_NAME = frozenset(
    {
        "int", "char", "short", "long", "float", "double", "signed", "unsigned", "void", "bool", "_Bool", "const",
        "volatile", "_Complex", "restrict", "auto",
    }
)  # fmt: skip


def _is_output(name: str) -> bool:
    return name == "out" or (name.startswith("out_") and len(name) > len("out_"))


def _without_attributes(text: str) -> str:
    """The text with attributes blanked, so that offsets stay."""
    if "__attribute__" not in text and "[[" not in text and "_Atomic" not in text:
        return text
    text = re.sub(r"__attribute__\s*\(\(.*?\)\)|\[\[.*?\]\]", lambda match: " " * len(match[0]), text, flags=re.DOTALL)
    return re.sub(r"\b_Atomic(\s*)\(([^()]*)\)", r"       \1 \2 ", text)


def _odd(text: str) -> str:
    """Why a parameter whose name is not at the end can't be read."""
    if "..." in text:
        return "it takes a variable number of arguments"
    if name := re.search(r"\(\s*\*\s*(?:const\s+)?(\w+)\s*\)\s*\[", text):
        return f"parameter {name[1]} is a pointer to an array: write `{name[1]}[n][m]`"
    if name := re.search(r"\(\s*\*\s*(\w+)", text):
        return f"parameter {name[1]} is a function pointer"
    if name := re.search(r"(\w+)\s*(?:\[[^\]]*\]\s*)*=", text):
        return f"parameter {name[1]} has a default value"
    if name := re.search(r"\(\s*(?:&\s*)?(\w+)", text):
        return f"parameter {name[1]} is declared with parentheses"
    return f"the parameter '{' '.join(text.split())}' has no name"


def _unqualified(text: str) -> str:
    words = re.sub(r"^\s*(?:const|volatile)\b\s*", "", text)
    return " ".join(re.sub(r"\s*\b(?:const|volatile)\s*$", "", words).split())


def _spelled(kind: str) -> str:
    """`double**` as people write it."""
    return kind.replace("*", " *", 1)
