"""Python functions as cells."""

from __future__ import annotations

import functools
import inspect
import itertools
from typing import TYPE_CHECKING, Any

from hotplate.errors import InputError
from hotplate.notebook.condition_text import ConditionProblem, parse_condition
from hotplate.notebook.model import Attributes
from hotplate.notebook.node import FAILURE, Node, Parameter
from hotplate.run.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hotplate.notebook.condition import Condition

_versions = itertools.count(1)


class PythonCell:
    """A Python function with its place in the graph. Its parameters name cells, fields and inputs, as in the file.

    A parameter with a default is an optional input. Results count as up to date while the same function object is
    registered and its inputs are the same; what it reads besides them is not seen, so mark such a cell impure.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        *,
        impure: bool = False,
        when: str = "",
        trap: bool | str | Iterable[str] = False,
    ) -> None:
        """`when` is a condition as in a section. `trap`: run it after a failure only, of any cell or of those named.

        Raises InputError for a name, a parameter or a condition that can't be.
        """
        if not name.isidentifier():
            message = f"a cell's name must be an identifier, and {name!r} is none; pass name=..."
            raise InputError(message)
        self.name = name
        condition, traps = _condition(name, when), _traps(name, trap)
        parameters = _parameters(name, function, is_trap=traps is not None)
        self.node = Node(name, parameters, _fields(function), condition=condition, trap=traps)
        attributes = _attributes(impure, condition, traps)
        self.task = Task(name, "python", function, f"python {next(_versions)}", attributes)


@functools.lru_cache(maxsize=64)
def _attributes(impure: bool, when: Condition | None, trap: tuple[str, ...] | None) -> Attributes:
    """One object for all cells that have the same, so that what follows from it is found out once."""
    return Attributes(impure=impure, when=when, trap=trap)


def _condition(name: str, text: str) -> Condition | None:
    try:
        return parse_condition(text) if text else None
    except ConditionProblem as problem:
        raise InputError(f"{name}: when={text!r}: {problem}; {problem.hint}") from None


def _traps(name: str, trap: bool | str | Iterable[str]) -> tuple[str, ...] | None:
    if isinstance(trap, bool):
        return () if trap else None
    names = tuple(dict.fromkeys(trap.split() if isinstance(trap, str) else trap))
    if not names:
        raise InputError(f"{name}: trap={trap!r} names no cells; trap=True is for every failure")
    return names


def _parameters(name: str, function: Callable[..., Any], *, is_trap: bool) -> tuple[Parameter, ...]:
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            message = f"{name}: the parameter {parameter} can't name a cell; write each input as a plain parameter"
            raise InputError(message)
        if is_trap and parameter.name == FAILURE:
            found.append(Parameter(FAILURE, "failure", required=False))
        else:
            found.append(Parameter(parameter.name, required=parameter.default is parameter.empty))
    return tuple(found)


def _fields(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the results when the function is annotated to return a named tuple."""
    returned = getattr(function, "__annotations__", {}).get("return")
    if isinstance(returned, str):
        returned = getattr(function, "__globals__", {}).get(returned)
    return tuple(getattr(returned, "_fields", ("value",)))
