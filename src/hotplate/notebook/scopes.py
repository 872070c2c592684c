"""Which names a piece of code uses from outside: those that no parameter, local or member of the same name hides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tree_sitter import Parser

from hotplate.notebook.classify import grammar
from hotplate.notebook.lexis import names

if TYPE_CHECKING:
    from tree_sitter import Node

    from hotplate.notebook.model import Language

__all__ = ["free_uses"]


def free_uses(
    text: str, language: Language, wanted: frozenset[str], scoped: frozenset[str] = frozenset()
) -> dict[str, int]:
    """For each wanted name that the text uses unhidden, the offset of its first such use.

    `scoped` names belong to a namespace: for them `x::name` is a use, which for a cell it never is.

    Walks the syntax tree with a stack of scopes, so it costs about a microsecond a node: ask only for names that occur.
    """
    if text.startswith("#"):
        return _in_directives(text, wanted)
    ascii_text = text if text.isascii() else re.sub(r"[^\x00-\x7f]", "_", text)
    tree = Parser(grammar(language)).parse(ascii_text.encode())
    return _Walk(text, wanted, scoped).run(tree.root_node)


def _in_directives(text: str, wanted: frozenset[str]) -> dict[str, int]:
    """A macro's own parameters hide names; in conditional blocks every occurrence counts."""
    hidden: set[str] = set()
    if match := re.match(r"#[ \t]*define[ \t]+(\w+)(?:\(([^)]*)\))?", text):
        hidden = {match[1], *re.findall(r"\w+", match[2] or "")}
    found = {}
    for name in (wanted & names(text)) - hidden:
        if place := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            found[name] = place.start()
    return found


_SCOPES = frozenset(
    {
        "function_definition", "compound_statement", "for_statement", "for_range_loop", "lambda_expression",
        "catch_clause", "if_statement", "while_statement", "switch_statement", "function_declarator",
        "template_declaration",
    }
)  # fmt: skip
_DECLARES = frozenset({"declaration", "parameter_declaration", "optional_parameter_declaration", "for_range_loop"})
_TAGGED = frozenset({"struct_specifier", "union_specifier", "enum_specifier", "class_specifier"})


class _Walk:
    """One pass over the tree in text order. It uses its own stack, so that nesting has no limit."""

    def __init__(self, text: str, wanted: frozenset[str], scoped: frozenset[str]) -> None:
        self._text = text
        self._scoped = scoped
        self._wanted = wanted
        self._scopes: list[set[str]] = [set()]
        self.found: dict[str, int] = {}

    def run(self, root: Node) -> dict[str, int]:
        pending: list[Node | None] = [root]
        while pending:
            node = pending.pop()
            if node is None:
                self._scopes.pop()
                continue
            if node.type in _SCOPES and not self._is_prototype_of_body(node):
                self._scopes.append(set())
                pending.append(None)
            if node.type in _DECLARES and len(self._scopes) > 1:
                self._declare(node)
            if node.child_count:
                pending.extend(reversed(node.children))
            else:
                self._leaf(node)
        return self.found

    def _is_prototype_of_body(self, node: Node) -> bool:
        """The parameters of a definition live in the scope of its body, not only in its parentheses."""
        parent = node.parent
        while parent is not None and parent.type in {"pointer_declarator", "reference_declarator"}:
            parent = parent.parent
        return node.type == "function_declarator" and parent is not None and parent.type == "function_definition"

    def _declare(self, node: Node) -> None:
        for declarator in node.children_by_field_name("declarator"):
            self._scopes[-1].update(self._spelled(name) for name in _declared(declarator))

    def _leaf(self, node: Node) -> None:
        if node.type not in {"identifier", "type_identifier"}:
            return
        name = self._spelled(node)
        if name not in self._wanted or name in self.found or any(name in scope for scope in self._scopes):
            return
        parent = node.parent
        if parent is None or not self._is_foreign(node, parent, name):
            self.found[name] = node.start_byte

    def _is_foreign(self, node: Node, parent: Node, name: str) -> bool:
        """Whether the identifier names something else: a tag, a qualified name, the declared function itself."""
        if parent.type in _TAGGED or parent.type in {"type_definition", "alias_declaration", "labeled_statement"}:
            return True
        if parent.type == "enumerator":
            return parent.child_by_field_name("name") == node
        if parent.type == "qualified_identifier":
            return name not in self._scoped and parent.child_by_field_name("scope") is not None
        return parent.type == "function_declarator" and parent.child_by_field_name("declarator") == node

    def _spelled(self, node: Node) -> str:
        return self._text[node.start_byte : node.end_byte]


def _declared(declarator: Node) -> list[Node]:
    """The name that a declarator introduces; the names of a structured binding."""
    node: Node | None = declarator
    while node is not None:
        if node.type == "identifier":
            return [node]
        if node.type == "structured_binding_declarator":
            return node.named_children
        inner = node.child_by_field_name("declarator")
        if inner is None and node.type in {"reference_declarator", "parenthesized_declarator", "pointer_declarator"}:
            inner = node.named_children[-1] if node.named_children else None
        node = inner
    return []
