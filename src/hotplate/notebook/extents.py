"""The integer expressions in brackets: `n`, `2 * n + 1`, `3`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Binary", "Constant", "Expression", "Extent", "Symbol", "evaluate", "linear", "parse_extent"]


@dataclass(frozen=True, slots=True)
class Constant:
    """An integer as written."""

    value: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A dimension, or a constant of the notebook."""

    name: str


@dataclass(frozen=True, slots=True)
class Binary:
    """`left op right`, where op is one of + - * /. A unary minus is `0 - right`."""

    op: str
    left: Expression
    right: Expression


Expression = Constant | Symbol | Binary


@dataclass(frozen=True, slots=True)
class Extent:
    """The size of an array along one axis."""

    text: str
    """As written, without qualifiers and quotes."""
    expression: Expression
    compile_time: bool = False
    """A C++ template argument that is neither string nor literal (`in<double, N>`): the compiler knows it. One that
    only the compiler can read (`sizeof(T)`) is a single Symbol of its text."""

    @property
    def symbols(self) -> frozenset[str]:
        """The names that the expression uses."""
        return frozenset(_symbols(self.expression))


@lru_cache(maxsize=4096)
def parse_extent(text: str) -> Expression:
    """Reads an extent. Raises ValueError, with what is wrong, for anything but integer arithmetic on names."""
    tokens = _tokens(text)
    if not tokens:
        raise ValueError("an extent is missing: write a name or a number in the brackets")
    if len(tokens) > _MAX_TOKENS:
        raise ValueError(f"the extent is too long ({len(tokens)} parts, {_MAX_TOKENS} allowed): compute it before")
    return _Reader(text, tokens).read()


def evaluate(expression: Expression, values: Mapping[str, int]) -> int:
    """The value of an extent, with C's integer division. Raises ValueError for a division by 0 or an unknown name."""
    match expression:
        case Constant(value):
            return value
        case Symbol(name):
            if name not in values:
                raise ValueError(f"the value of {name} is not known")
            return values[name]
        case Binary(op, left, right):
            return _apply(op, evaluate(left, values), evaluate(right, values))


def linear(expression: Expression) -> Mapping[tuple[str, ...], int] | None:
    """The expression as a polynomial in canonical form, so that equal extents compare equal.

    A key is a product of symbols in alphabetical order, () the constant term; a coefficient is never 0.
    None when there is a division in it, or when it multiplies out to more terms than anybody writes.
    """
    match expression:
        case Constant(value):
            return {(): value} if value else {}
        case Symbol(name):
            return {(name,): 1}
        case Binary("/", _, _):
            return None
        case Binary(op, left, right):
            first, second = linear(left), linear(right)
            return None if first is None or second is None else _combine(op, first, second)


# Bounds the recursion below, and evaluate's, far under Python's limit.
_MAX_TOKENS = 200
_MAX_TERMS = 256

_TOKEN = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F']+|0[bB][01']+|\d[\d']*)([uUlLzZ]*)(?!\w)|([^\W\d]\w*)|([-+*/()])|(\S))",
)
_CASTS = frozenset({"int", "long", "short", "unsigned", "signed", "size_t", "int64_t", "int32_t", "uint64_t", "double"})


def _tokens(text: str) -> list[int | str]:
    tokens: list[int | str] = []
    for number, _, name, operator, other in _TOKEN.findall(text):
        if other:
            raise ValueError(f"'{other}' in the extent '{text.strip()}': only names, integers, + - * / ( ) are allowed")
        if name == "sizeof":
            raise ValueError(f"sizeof in the extent '{text.strip()}': name the number, with an enumerator for instance")
        tokens.append(_integer(number) if number else name or operator)
    return tokens


def _integer(text: str) -> int:
    digits = text.replace("'", "")
    if digits[:1] == "0" and digits[1:].isdigit():
        return int(digits, 8)
    return int(digits, 0)


class _Reader:
    """Recursive descent over the tokens; their number bounds its depth."""

    def __init__(self, text: str, tokens: list[int | str]) -> None:
        self._text = text.strip()
        self._tokens = tokens
        self._at = 0

    def read(self) -> Expression:
        expression = self._sum()
        if self._at < len(self._tokens):
            raise self._unexpected()
        return expression

    def _sum(self) -> Expression:
        left = self._product()
        while self._peek() in ("+", "-"):
            left = Binary(str(self._next()), left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._factor()
        while self._peek() in ("*", "/"):
            left = Binary(str(self._next()), left, self._factor())
        return left

    def _factor(self) -> Expression:
        token = self._next()
        if isinstance(token, int):
            return Constant(token)
        if token == "-":
            inner = self._factor()
            return Constant(-inner.value) if isinstance(inner, Constant) else Binary("-", Constant(0), inner)
        if token == "+":
            return self._factor()
        if token == "(":
            return self._parenthesised()
        if token is None or not (token[0].isalpha() or token[0] == "_"):
            self._at -= 1
            raise self._unexpected()
        if self._peek() == "(":
            raise ValueError(f"{token}(...) in the extent '{self._text}': calls are not allowed, name the number")
        return Symbol(token)

    def _parenthesised(self) -> Expression:
        if self._peek() in _CASTS:
            raise ValueError(f"a cast in the extent '{self._text}': extents are integers, leave it out")
        expression = self._sum()
        if self._next() != ")":
            raise ValueError(f"')' is missing in the extent '{self._text}'")
        return expression

    def _peek(self) -> int | str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> int | str | None:
        token = self._peek()
        self._at += 1
        return token

    def _unexpected(self) -> ValueError:
        token = self._peek()
        if token is None:
            return ValueError(f"the extent '{self._text}' ends too early")
        return ValueError(f"'{token}' is not expected there in the extent '{self._text}'")


def _symbols(expression: Expression) -> set[str]:
    match expression:
        case Symbol(name):
            return {name}
        case Binary(_, left, right):
            return _symbols(left) | _symbols(right)
        case _:
            return set()


def _apply(op: str, left: int, right: int) -> int:
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    if right == 0:
        raise ValueError(f"{left} / 0: an extent divides by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _combine(
    op: str, first: Mapping[tuple[str, ...], int], second: Mapping[tuple[str, ...], int]
) -> Mapping[tuple[str, ...], int] | None:
    total: Counter[tuple[str, ...]] = Counter()
    if op == "*":
        if len(first) * len(second) > _MAX_TERMS:
            return None
        for one, factor in first.items():
            for other, coefficient in second.items():
                total[tuple(sorted(one + other))] += factor * coefficient
    else:
        sign = 1 if op == "+" else -1
        total.update(first)
        for term, coefficient in second.items():
            total[term] += sign * coefficient
    return {term: coefficient for term, coefficient in sorted(total.items()) if coefficient}
