"""The text of a condition → a Condition, or what in it can't be one, and where."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from hotplate.notebook.condition import CONSTANTS, FUNCTIONS, OPERATORS, Condition

__all__ = ["ConditionProblem", "parse_condition"]


class ConditionProblem(ValueError):
    """What is wrong in a condition: `text[start:end]`."""

    def __init__(self, message: str, hint: str, start: int, end: int) -> None:
        super().__init__(message)
        self.hint = hint
        self.start = start
        self.end = end


@lru_cache(maxsize=1024)
def parse_condition(text: str) -> Condition:
    """Reads a condition. Raises ConditionProblem.

    It has comparisons, `and`, `or`, `not`, + - * / // %, numbers, quoted text, names, `true`, `false`, len, abs, min,
    max, any and all, and constants in brackets.
    """
    flat = re.sub(r"\s", " ", text).rstrip()
    bare = flat.lstrip()
    before = len(flat) - len(bare)
    try:
        return _read(bare, before)
    except ConditionProblem as problem:
        problem.start += before
        problem.end += before
        raise


def _read(text: str, before: int) -> Condition:
    if not text:
        raise ConditionProblem("the condition is empty", _EXAMPLE, 0, 0)
    if len(text) > _LONGEST:
        raise ConditionProblem(f"the condition is longer than {_LONGEST} characters", _IN_A_CELL, 0, len(text))
    _refuse_c(text)
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        at = min(max((error.offset or 1) - 1, 0), len(text) - 1)
        raise ConditionProblem("the condition can't be read from here on", _EXAMPLE, at, len(text)) from None
    except (ValueError, MemoryError, RecursionError):  # a NUL; more brackets than the parser can take
        raise ConditionProblem("the condition can't be read", _EXAMPLE, 0, len(text)) from None
    names: dict[str, int] = {}
    _check(tree, text, names, _DEEPEST)
    return Condition(text, tuple(names), tuple(before + at for at in names.values()), tree)


_LONGEST, _DEEPEST = 2000, 60
_EXAMPLE = 'a condition is written as when="residual > 1e-6 and n < 100"'
_IN_A_CELL = "compute it in a cell, and compare that cell's result"
_C_OPERATORS = {"&&": "and", "||": "or", "!": "not", "=": "=="}


def _refuse_c(text: str) -> None:
    """C's spelling of operators, an assignment, and what ends a line, each by what to write instead."""
    quote, previous = "", ""
    for at, character in enumerate(text):
        after = text[at + 1 : at + 2]
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif (character in "&|" and after == character) or (character == "!" and after != "="):
            word = character * 2 if character in "&|" else character
            raise _unknown(word, _C_OPERATORS[word], at)
        elif character == "=" and after != "=" and previous not in ("=", "!", "<", ">"):
            raise _unknown("=", "==", at)
        if character in "\\#":
            raise ConditionProblem(f"a condition has no '{character}'", _IN_A_CELL, at, at + 1)
        previous = character


def _unknown(word: str, instead: str, at: int) -> ConditionProblem:
    return ConditionProblem(f"'{word}' is no operator of a condition", f"write {instead}", at, at + len(word))


def _check(node: ast.expr, text: str, names: dict[str, int], depth: int) -> None:
    """Raises ConditionProblem for what a condition can't have, and notes the names."""
    if depth == 0:
        raise _problem(node, text, "the condition is nested too deeply")
    match node:
        case ast.Constant(value=bool() | int() | float() | str()):
            return
        case ast.Name(id=name):
            if name in FUNCTIONS:
                raise _problem(node, text, f"{name} is a function", f"write {name}(...)")
            if name not in CONSTANTS:
                names.setdefault(name, _at(node, text))
            return
        case ast.Call(func=ast.Name(id=name), args=[_, *_], keywords=[]) if name in FUNCTIONS:
            parts = node.args
        case ast.Call():
            known = ", ".join(FUNCTIONS)
            raise _problem(node, text, f"'{_source(node, text)}' can't be called in a condition", f"there are {known}")
        case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
            raise _problem(node, text, "a result of several has no dot", f"write {owner}_{attribute}")
        case ast.Subscript(slice=index):
            if not _is_index(index):
                raise _problem(index, text, "only constants can stand in brackets", _IN_A_CELL)
            parts = [node.value]
        case _:
            parts = _operands(node, text)
    for part in parts:
        _check(part, text, names, depth - 1)


def _operands(node: ast.expr, text: str) -> list[ast.expr]:
    match node:
        case ast.BoolOp(values=values):
            return values
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
            return [operand]
        case ast.BinOp(op=op, left=left, right=right) if type(op) in OPERATORS:
            return [left, right]
        case ast.Compare(left=left, ops=ops, comparators=rest) if all(type(op) in OPERATORS for op in ops):
            return [left, *rest]
    raise _problem(node, text, f"'{_source(node, text)}' can't stand in a condition")


def _is_index(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=int() | str()) | ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())):
            return True
        case ast.Tuple(elts=[_, *_] as parts):
            return all(map(_is_index, parts))
    return False


def _problem(node: ast.expr, text: str, message: str, hint: str = _IN_A_CELL) -> ConditionProblem:
    start = _at(node, text)
    return ConditionProblem(message, hint, start, start + len(_source(node, text)))


def _source(node: ast.expr, text: str) -> str:
    return ast.get_source_segment(text, node) or ""


def _at(node: ast.expr, text: str) -> int:
    """Where a node starts. The parser counts bytes."""
    return len(text.encode()[: node.col_offset].decode())
