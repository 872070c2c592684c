"""What one top-level piece is: tree-sitter reads it, with the body of a function left out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import tree_sitter_c
import tree_sitter_cpp
from tree_sitter import Language as Grammar
from tree_sitter import Parser

from hotplate.notebook.lexis import blank_comments, fold
from hotplate.notebook.model import ItemKind, Language

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tree_sitter import Node

    from hotplate.notebook.pieces import Piece

__all__ = ["Classifier", "Function", "Reading", "grammar"]


@dataclass(frozen=True, slots=True)
class Function:
    """The head of a function definition. Offsets count from the start of the head."""

    head: str
    """Everything before the body, comments blanked."""
    name: str
    """With its qualifiers: `S::f`."""
    name_at: int
    parameters: tuple[int, int]
    """What stands between the parentheses."""
    template: bool = False
    linkage: int = 0
    """The offset behind `extern "C"`, 0 when it is not there."""
    problem: str = ""
    """Why the head can't be a cell's, as far as the syntax tells."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a piece turned out to be."""

    kind: ItemKind
    defines: frozenset[str] = frozenset()
    mutable: bool = False
    function: Function | None = None
    error: str = ""
    """Of a BROKEN piece: what is wrong."""
    error_at: int = 0
    """Where, from the start of the piece."""


class Classifier:
    """Reads pieces of one notebook. Not thread-safe: make one for each parse."""

    def __init__(self, language: Language, macros: Mapping[str, str]) -> None:
        self._language = language
        self._macros = macros
        self._parser = Parser(grammar(language))

    def read(self, text: str, piece: Piece) -> Reading:
        """What a CODE piece is."""
        function = piece.body >= 0
        code = blank_comments(text[piece.start : piece.body if function else piece.end])
        root = self._tree(code + "{}" if function else code)
        if not root.has_error and root.named_child_count:
            reading = _reading(root.named_children[0], code, self._is_macro)
            return reading if reading.kind is not ItemKind.BROKEN else self._other(code) or reading
        return self._other(code) or _broken(root, code)

    def _tree(self, code: str) -> Node:
        """The tree of the code. One byte stands for one character, so that its offsets need no conversion."""
        ascii_code = code if code.isascii() else _NOT_ASCII.sub("_", code)
        root = self._parser.parse(ascii_code.encode()).root_node
        if root.has_error:
            plain = self._without_extensions(ascii_code)
            if plain != ascii_code:
                again = self._parser.parse(plain.encode()).root_node
                return again if not again.has_error else root
        return root

    def _without_extensions(self, code: str) -> str:
        """Words that the grammar does not know, and macros among the specifiers, as spaces."""
        code = _ATOMIC.sub(lambda match: f"{'':7}{match[0][7:].replace('(', ' ').replace(')', ' ')}", code)
        code = _COMPLEX.sub(lambda match: " " * len(match[0]), code)
        code = _USED.sub(lambda match: match[1].ljust(len(match[0])), code)
        head = re.match(r"[^=({]*", code)
        end = head.end() if head else 0
        specifiers = _WORD_BEFORE_WORD.sub(
            lambda match: " " * len(match[0]) if self._is_macro(match[0]) else match[0], code[:end]
        )
        return specifiers + code[end:]

    def _other(self, code: str) -> Reading | None:
        """A macro at the top level that makes declarations out of its arguments reads as nothing known."""
        first = re.match(r"\s*([^\W\d]\w*)\s*\(", code)
        return Reading(ItemKind.OTHER) if first and self._is_macro(first[1]) else None

    def _is_macro(self, name: str) -> bool:
        return name in self._macros or (len(name) > 1 and name.isupper() and name not in _UPPER_TYPES)


@cache
def grammar(language: Language) -> Grammar:
    """The tree-sitter grammar of a language."""
    return Grammar(tree_sitter_cpp.language() if language is Language.CPP else tree_sitter_c.language())


_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_ATOMIC = re.compile(r"\b_Atomic\s*\([^()]*\)")
_COMPLEX = re.compile(
    r"\b(?:_Complex|_Imaginary|__extension__|__restrict(?:__)?|_Thread_local|__thread|__inline(?:__)?|__const)\b"
    r"|(?<=\bfloat )complex\b|(?<=\bdouble )complex\b|\bcomplex(?=\s+(?:float|double)\b)"
)
_USED = re.compile(r"(\A\s*using\s[\w\s:]+),[\w\s:,]+(?=;)")  # a list of names, since C++17
_WORD_BEFORE_WORD = re.compile(r"\b[^\W\d]\w*\b(?=\s+[^\W\d])")
_UPPER_TYPES = frozenset({"FILE", "DIR"})
_SPECIFIERS = frozenset({"struct_specifier", "union_specifier", "enum_specifier", "class_specifier"})
_ASSERTIONS = frozenset({"static_assert", "_Static_assert"})


def _reading(node: Node, code: str, is_macro: Callable[[str], bool]) -> Reading:
    linkage, template = 0, False
    while node.type in {"linkage_specification", "template_declaration"}:  # a loop: they nest as deep as one likes
        if node.type == "linkage_specification":
            node = _field(node, "body")
            linkage = node.start_byte
        else:
            parameters = node.child_by_field_name("parameters")
            if parameters is None or not parameters.named_child_count:
                return Reading(ItemKind.OTHER)  # a specialisation: used without being named
            node, template = node.named_children[-1], True
    reading = _unwrapped(node, code, is_macro)
    if reading.function and (linkage or template):
        return replace(reading, function=replace(reading.function, template=template, linkage=linkage))
    return replace(reading, kind=ItemKind.TYPE, mutable=False) if template and reading.mutable else reading


def _unwrapped(node: Node, code: str, is_macro: Callable[[str], bool]) -> Reading:
    match node.type:
        case "function_definition":
            reading = _function(node, code)
        case "declaration":
            reading = _declaration(node, code)
        case "using_declaration":
            reading = _using(node, code)
        case kind if kind in _SPECIFIERS or kind == "type_definition":
            reading = Reading(ItemKind.TYPE, frozenset(_type_names(node, code)))
        case kind if kind in _NAMED:
            reading = Reading(ItemKind.TYPE, frozenset({_text(_field(node, "name"), code)}))
        case kind if kind in _UNNAMED:
            reading = Reading(ItemKind.OTHER)
        case _:
            reading = _statement(node, code, is_macro)
    return reading


_NAMED = frozenset({"alias_declaration", "namespace_alias_definition", "concept_definition"})
_UNNAMED = frozenset({"static_assert_declaration", "template_instantiation", "primitive_type", "empty_declaration"})


def _statement(node: Node, code: str, is_macro: Callable[[str], bool]) -> Reading:
    inner = node.named_children[0] if node.named_child_count else node
    if inner.type == "gnu_asm_expression":
        return Reading(ItemKind.OTHER)
    name = _text(inner.child_by_field_name("function") or inner, code)
    if name in _ASSERTIONS or is_macro(name):
        return Reading(ItemKind.OTHER)
    return Reading(ItemKind.BROKEN, error="a statement outside of any function", error_at=node.start_byte)


def _using(node: Node, code: str) -> Reading:
    text = fold(_text(node, code))
    if text.startswith("using namespace ") or "operator" in text:
        return Reading(ItemKind.OTHER)
    return Reading(ItemKind.TYPE, frozenset(re.findall(r"(\w+)\s*(?=[,;])", text)))


def _function(node: Node, code: str) -> Reading:
    declarator, problem = _function_declarator(node)
    if declarator is None:
        return Reading(ItemKind.BROKEN, error="this is not a function definition", error_at=node.start_byte)
    name = _field(declarator, "declarator") if declarator.type == "function_declarator" else declarator
    parameters = declarator.child_by_field_name("parameters")
    span = (parameters.start_byte + 1, parameters.end_byte - 1) if parameters else (0, 0)
    if any(child.type == "declaration" for child in node.children):
        problem = "it is written in the old style: put the types into the parentheses"
    text = fold(_text(name, code))
    function = Function(code, text, name.start_byte, span, problem=problem)
    if "operator" in text or name.type not in {"identifier", "qualified_identifier"}:
        return Reading(ItemKind.OTHER, function=function)  # an operator: used without being named
    return Reading(ItemKind.FUNCTION, frozenset(re.findall(r"\w+", re.sub(r"<.*>", "", text))), function=function)


def _function_declarator(node: Node) -> tuple[Node | None, str]:
    declarator = node.child_by_field_name("declarator")
    while declarator is not None and declarator.type in {"pointer_declarator", "reference_declarator"}:
        declarator = declarator.child_by_field_name("declarator") or declarator.named_children[-1]
    if declarator is None or declarator.type not in {"function_declarator", "operator_cast"}:
        return None, ""
    problem = ""
    while (inner := declarator.child_by_field_name("declarator")) and inner.type in _WRAPPERS:
        problem = "it returns a function pointer"
        declarator = inner.named_children[-1] if inner.type == "parenthesized_declarator" else inner
    return declarator, problem


_WRAPPERS = frozenset({"parenthesized_declarator", "pointer_declarator", "function_declarator", "array_declarator"})


def _declaration(node: Node, code: str) -> Reading:
    names: set[str] = set()
    kinds: set[ItemKind] = set()
    mutable = False
    type_node = node.child_by_field_name("type")
    if type_node is not None and type_node.type in _SPECIFIERS and type_node.child_by_field_name("body"):
        names.update(_type_names(type_node, code))
    declarators = node.children_by_field_name("declarator")
    specifiers = code[node.start_byte : declarators[0].start_byte] if declarators else ""
    for declarator in declarators:
        shape = _Declarator(declarator)
        names.update(_text(name, code) for name in shape.names)
        kinds.add(ItemKind.PROTOTYPE if shape.is_function else ItemKind.VARIABLE)
        mutable = mutable or not (shape.is_function or shape.is_constant(specifiers, code))
    kind = ItemKind.PROTOTYPE if kinds == {ItemKind.PROTOTYPE} else ItemKind.VARIABLE
    return Reading(kind if kinds else ItemKind.TYPE, frozenset(names), mutable)


class _Declarator:
    """One declared name with what stands around it, from the outside in."""

    def __init__(self, node: Node) -> None:
        self.chain: list[Node] = []
        inner: Node | None = node
        while inner is not None:
            self.chain.append(inner)
            inner = inner.child_by_field_name("declarator") or _wrapped(inner)
        last = self.chain[-1]
        bindings = last.type == "structured_binding_declarator"
        self.names = last.named_children if bindings else [last]

    @property
    def is_function(self) -> bool:
        return len(self.chain) > 1 and self.chain[-2].type == "function_declarator"

    def is_constant(self, specifiers: str, code: str) -> bool:
        if re.search(r"\bconstexpr\b", specifiers):
            return True
        for node in reversed(self.chain):
            if node.type == "pointer_declarator":
                return any(_text(child, code) == "const" for child in node.children if child.type == "type_qualifier")
        return re.search(r"\bconst\b", specifiers) is not None


def _wrapped(node: Node) -> Node | None:
    if node.type in {"parenthesized_declarator", "reference_declarator", "attributed_declarator"}:
        return node.named_children[-1] if node.named_child_count else None
    return None


def _type_names(node: Node, code: str) -> Iterator[str]:
    """The tags, typedef names and enumerators that a type's definition puts into the file's scope."""
    pending = [node]
    while pending:
        current = pending.pop()
        if current.type in _SPECIFIERS or current.type == "enumerator":
            name = current.child_by_field_name("name")
            defines = current is node or current.type == "enumerator" or current.child_by_field_name("body")
            if name is not None and defines:
                yield re.sub(r"<.*", "", _text(name, code), flags=re.DOTALL)
        if current.type == "type_definition":
            for declarator in current.children_by_field_name("declarator"):
                yield from (_text(name, code) for name in _Declarator(declarator).names)
        pending.extend(current.named_children)


def _broken(root: Node, code: str) -> Reading:
    node = _first_error(root)
    at = min(node.start_byte, max(len(code) - 1, 0))
    if node.is_missing:
        at = max(len(code[: node.start_byte].rstrip()) - 1, 0)
        message = f"'{node.type}' is missing after '{_near(code, at, before=True)}'"
    else:
        while at < len(code) - 1 and code[at].isspace():
            at += 1
        message = f"this can't be read: something is wrong near '{_near(code, at)}'"
    return Reading(ItemKind.BROKEN, error=message, error_at=at)


def _first_error(root: Node) -> Node:
    """The deepest node that holds the first error."""
    node = root
    while not (node.is_missing or node.is_error):
        inner = next((child for child in node.children if child.has_error or child.is_missing), None)
        if inner is None:
            return node
        node = inner
    return node


def _near(code: str, at: int, *, before: bool = False) -> str:
    """The words at a place, enough to find it by eye."""
    if before:
        return fold(code[: at + 1].rpartition("\n")[2])[-30:]
    return fold(code[at : at + 60].partition("\n")[0])[:30] or "the end"


def _field(node: Node, name: str) -> Node:
    return node.child_by_field_name(name) or node


def _text(node: Node, code: str) -> str:
    return code[node.start_byte : node.end_byte]
