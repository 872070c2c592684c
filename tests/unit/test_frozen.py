"""Immutable values that are made quickly: as any frozen dataclass, but for the time."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from hotplate.frozen import quickly_made


@quickly_made
@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float = 2.0
    tags: list[str] = field(default_factory=list)
    name: str = field(default="p", kw_only=True)


@quickly_made
@dataclass(frozen=True, slots=True)
class Positive(Point):
    z: int = 3

    def __post_init__(self) -> None:
        if self.x <= 0:
            raise ValueError("x must be positive")


@quickly_made
@dataclass(frozen=True, slots=True)
class Nothing:
    pass


def test_fields_are_given_by_position_by_name_or_by_default() -> None:
    made = Point(1.0, name="q")
    assert (made.x, made.y, made.tags, made.name) == (1.0, 2.0, [], "q")
    assert Point(1.0, y=5.0, tags=["t"]) == Point(1.0, 5.0, ["t"])
    assert Nothing() == Nothing()


def test_what_a_default_makes_is_made_for_each() -> None:
    assert Point(1.0).tags is not Point(1.0).tags


@pytest.mark.parametrize("arguments", [(), (1.0, 2.0, [], "too many")])
def test_wrong_arguments_are_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        Point(*arguments)  # type: ignore[arg-type]


def test_nothing_can_be_set() -> None:
    with pytest.raises(FrozenInstanceError):
        Point(1.0).x = 2.0  # type: ignore[misc]


def test_it_can_be_replaced_copied_pickled_and_looked_at() -> None:
    made = Point(1.0, name="q")
    assert replace(made, y=7.0) == Point(1.0, 7.0, name="q")
    assert copy.copy(made) == pickle.loads(pickle.dumps(made)) == made
    assert repr(made) == "Point(x=1.0, y=2.0, tags=[], name='q')"
    assert [f.name for f in fields(made)] == ["x", "y", "tags", "name"]
    assert list(inspect.signature(Point).parameters) == ["x", "y", "tags", "name"]


def test_one_that_extends_another_has_its_fields_and_its_own_check() -> None:
    assert (Positive(1.0).y, Positive(1.0).z) == (2.0, 3)
    with pytest.raises(ValueError, match="x must be positive"):
        Positive(-1.0)


def test_a_class_that_extends_one_without_being_made_so_has_its_fields() -> None:
    class Named(Point):
        pass

    made = Named(1.0, name="q")
    assert (type(made), made.x, made.tags, made.name) == (Named, 1.0, [], "q")
