"""Immutable values that are made quickly, for those that come by the thousand in a run."""

from __future__ import annotations

from dataclasses import MISSING, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from dataclasses import Field

T = TypeVar("T")


def quickly_made(cls: type[T]) -> type[T]:
    """Has the instances of a dataclass with `frozen` and `slots` made in half the time. Use it above `@dataclass`.

    The generated `__init__` sets each field by object.__setattr__, which looks it up by its name (90 ns here); this one
    sets it by its slot's descriptor (35 ns). Nothing else changes.
    """
    names: dict[str, Any] = {"absent": object()}
    positional: list[str] = []
    by_name: list[str] = []
    body: list[str] = []
    for field in fields(cls):  # type: ignore[arg-type]  # a dataclass, which its type does not say
        names[f"set_{field.name}"] = getattr(cls, field.name).__set__
        (by_name if field.kw_only else positional).append(_parameter(field, names))
        body.append(f"set_{field.name}(self, {_value(field)})")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join(["self", *positional, *(["*", *by_name] if by_name else [])])
    exec(f"def __init__({parameters}):\n    " + "\n    ".join(body or ["pass"]), names)
    cls.__init__ = wraps(cls.__init__)(names["__init__"])  # type: ignore[method-assign]  # as @dataclass does
    return cls


def _parameter(field: Field[Any], names: dict[str, Any]) -> str:
    if field.default is not MISSING:
        names[f"default_{field.name}"] = field.default
        return f"{field.name}=default_{field.name}"
    if field.default_factory is not MISSING:
        names[f"make_{field.name}"] = field.default_factory
        return f"{field.name}=absent"
    return field.name


def _value(field: Field[Any]) -> str:
    if field.default_factory is not MISSING:
        return f"make_{field.name}() if {field.name} is absent else {field.name}"
    return field.name
