"""Python functions as cells."""

from __future__ import annotations

import inspect
import itertools
from typing import TYPE_CHECKING, Any

from hotplate.errors import InputError
from hotplate.notebook.graph import Node, Parameter
from hotplate.notebook.model import Attributes
from hotplate.run.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

_versions = itertools.count(1)


class PythonCell:
    """A Python function with its place in the graph. Its parameters name cells, fields and inputs, as in the file.

    A parameter with a default is an optional input. Results count as up to date while the same function object is
    registered and its inputs are the same; what it reads besides them is not seen, so mark such a cell impure.
    """

    def __init__(self, function: Callable[..., Any], name: str, *, impure: bool = False) -> None:
        if not name.isidentifier():
            message = f"a cell's name must be an identifier, and {name!r} is none; pass name=..."
            raise InputError(message)
        self.name = name
        self.node = Node(name, _parameters(name, function), _fields(function))
        self.task = Task(name, "python", function, f"python {next(_versions)}", Attributes(impure=impure))


def _parameters(name: str, function: Callable[..., Any]) -> tuple[Parameter, ...]:
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            message = f"{name}: the parameter {parameter} can't name a cell; write each input as a plain parameter"
            raise InputError(message)
        found.append(Parameter(parameter.name, required=parameter.default is parameter.empty))
    return tuple(found)


def _fields(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the results when the function is annotated to return a named tuple."""
    returned = getattr(function, "__annotations__", {}).get("return")
    if isinstance(returned, str):
        returned = getattr(function, "__globals__", {}).get(returned)
    return tuple(getattr(returned, "_fields", ("value",)))
