"""Conditions: `when="residual > 1e-6 and n < 100"`, evaluated over results without `eval`."""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["CONSTANTS", "FUNCTIONS", "OPERATORS", "Condition"]


@dataclass(frozen=True, slots=True)
class Condition:
    """When a cell runs. Immutable; safe to share between threads."""

    text: str
    names: tuple[str, ...]
    """Whose values it looks at: cells, `cell_field` and inputs, each once."""
    places: tuple[int, ...] = field(compare=False, repr=False)
    """For each name, where it stands in the text first."""
    tree: ast.expr = field(compare=False, repr=False)

    def evaluate(self, values: Mapping[str, Any]) -> bool:
        """Whether the cell runs, given the values by name.

        Raises ValueError that says why there is no answer: an array where true or false is needed, a division by
        zero, values that can't be compared.
        """
        return _decide(self.tree, _Reader(self.text, values))

    def explain(self, values: Mapping[str, Any]) -> str:
        """Why the answer is what it is: `residual > 1e-6 is false (residual = 3e-08)`. Raises as `evaluate` does."""
        reader = _Reader(self.text, values)
        part, answer = _decisive(self.tree, reader)
        names = dict.fromkeys(node.id for node in ast.walk(part) if isinstance(node, ast.Name) and node.id in values)
        shown = ", ".join(f"{name} = {_shown(values[name])}" for name in names)
        return f"{reader.source(part)} is {'true' if answer else 'false'}" + (f" ({shown})" if shown else "")


CONSTANTS = {"true": True, "false": False}
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {"len": len, "abs": abs, "min": min, "max": max, "any": any, "all": all}
_OVER_ARRAYS = ("min", "max", "any", "all")


@dataclass(frozen=True, slots=True)
class _Reader:
    text: str
    values: Mapping[str, Any]

    def source(self, node: ast.expr) -> str:
        """The text of a part."""
        return ast.get_source_segment(self.text, node) or ""


def _decide(node: ast.expr, reader: _Reader) -> bool:
    """True or false, without looking at what can't change it."""
    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_decide(part, reader) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_decide(part, reader) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return not _decide(part, reader)
        case ast.Compare(left=left, ops=ops, comparators=rest) if len(ops) > 1:
            return all(_truth(node, value, reader) for value in _links(left, ops, rest, reader))
    return _truth(node, _value(node, reader), reader)


def _links(left: ast.expr, ops: list[ast.cmpop], rest: list[ast.expr], reader: _Reader) -> Iterator[Any]:
    """The comparisons of `0 < x < 1`, one by one."""
    before = _value(left, reader)
    for op, right in zip(ops, rest, strict=True):
        after = _value(right, reader)
        yield _apply(op, (before, after), right, reader)
        before = after


def _value(node: ast.expr, reader: _Reader) -> Any:
    match node:
        case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]):
            return _apply(op, (_value(left, reader), _value(right, reader)), node, reader)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
            return _apply(op, (_value(operand, reader),), node, reader)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(node, name, [_value(argument, reader) for argument in arguments], reader)
        case ast.Subscript(value=owner, slice=index):
            return _element(node, _value(owner, reader), ast.literal_eval(index), reader)
        case ast.Name() | ast.Constant():
            return _leaf(node, reader)
    return _decide(node, reader)


def _leaf(node: ast.Name | ast.Constant, reader: _Reader) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    return CONSTANTS[node.id] if node.id in CONSTANTS else _plain(reader.values[node.id])


def _apply(op: ast.AST, operands: tuple[Any, ...], node: ast.expr, reader: _Reader) -> Any:
    if isinstance(op, (ast.Div, ast.FloorDiv, ast.Mod)) and _has_zero(operands[1]):
        raise ValueError(f"{reader.source(node)} divides by zero")
    if not isinstance(op, ast.cmpop) and any(isinstance(value, (str, bytes, list, tuple)) for value in operands):
        raise ValueError(f"{reader.source(node)} computes with {_named(operands)}; only numbers can be computed with")
    try:
        return OPERATORS[type(op)](*operands)
    except Exception as error:
        raise ValueError(f"{reader.source(node)} can't be computed with {_named(operands)}: {error}") from error


def _call(node: ast.expr, name: str, arguments: list[Any], reader: _Reader) -> Any:
    try:
        if name in _OVER_ARRAYS and len(arguments) == 1 and _is_array(arguments[0]):
            return _plain(getattr(arguments[0], name)())  # over all axes, where Python's own would take the first
        return _plain(FUNCTIONS[name](*arguments))
    except Exception as error:
        raise ValueError(f"{reader.source(node)} can't be computed of {_named(arguments)}: {error}") from error


def _element(node: ast.expr, owner: Any, index: Any, reader: _Reader) -> Any:
    try:
        return _plain(owner[index])
    except Exception as error:
        raise ValueError(f"{reader.source(node)} is not there: {error}") from error


def _truth(node: ast.expr, value: Any, reader: _Reader) -> bool:
    if _is_array(value):
        text = reader.source(node)
        raise ValueError(f"{text} is {_shown(value)} where true or false is needed; say any({text}) or all({text})")
    if isinstance(value, (bool, int, float, complex)):
        return bool(value)
    raise ValueError(f"{reader.source(node)} is {_shown(value)}, which is neither true nor false; compare it")


def _decisive(node: ast.expr, reader: _Reader) -> tuple[ast.expr, bool]:
    """The smallest part that settles the answer: of `a and b` the first that is false."""
    if isinstance(node, ast.BoolOp):
        settles = isinstance(node.op, ast.Or)
        for part in node.values:
            if _decide(part, reader) is settles:
                return _decisive(part, reader)
        return node, not settles
    return node, _decide(node, reader)


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python's, which divides by zero with an error and not with a warning."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def _is_array(value: Any) -> bool:
    return getattr(value, "ndim", 0) > 0


def _has_zero(value: Any) -> bool:
    return not value.all() if _is_array(value) else isinstance(value, (int, float, complex)) and value == 0


def _named(values: Any) -> str:
    return " and ".join(_shown(value) for value in values)


def _shown(value: Any) -> str:
    """A value in few words: `3e-08`, `float64[128, 3]`."""
    if _is_array(value):
        return f"{value.dtype}{list(value.shape)}"
    text = repr(_plain(value))
    return text if len(text) <= 40 else f"{text[:37]}..."
