"""Axes: what people write after --sweep and in Python, and what is wrong with it."""

from __future__ import annotations

import ast
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotplate.errors import InputError
from hotplate.run.sweep import Axis, axes_of, parse_axis


def read(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


PROPERTY = settings(max_examples=100, deadline=None, database=None, derandomize=True)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("dt=1e-4,1e-3", (1e-4, 1e-3)),
        ("dt= 1 , 2 ", (1, 2)),
        ("name=low,high", ("low", "high")),
        ("box=[1,2],[3,4]", ([1, 2], [3, 4])),
        ("n=128:1024:128", (128, 256, 384, 512, 640, 768, 896, 1024)),
        ("n=1:4", (1, 2, 3, 4)),
        ("n=1:6:2", (1, 3, 5)),
        ("n=10:1:-3", (10, 7, 4, 1)),
        ("n=5:5", (5,)),
        ("n=1:3,10", (1, 2, 3, 10)),
        ("x=0:1:0.25", (0.0, 0.25, 0.5, 0.75, 1.0)),
        ("x=1e-3:3e-3:1e-3", (0.001, 0.002, 0.003)),
        ("x=-1:-2:-.5", (-1.0, -1.5, -2.0)),
        ("x=1:2:1.0", (1.0, 2.0)),
    ],
)
def test_reads_values_and_series(text: str, values: tuple[Any, ...]) -> None:
    axis = parse_axis(text, read)
    assert axis == Axis(text.split("=", maxsplit=1)[0], values)
    assert [type(value) for value in axis.values] == [type(value) for value in values]


@given(st.integers(-50, 50), st.integers(1, 60), st.integers(1, 3))
@PROPERTY
def test_a_series_of_floats_holds_the_numbers_that_people_would_write(start: int, count: int, digits: int) -> None:
    stop = start + count
    text = f"x={start}e-{digits}:{stop}e-{digits}:1e-{digits}"
    assert parse_axis(text, read).values == tuple(float(f"{i}e-{digits}") for i in range(start, stop + 1))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dt", "not of the form NAME=VALUE,VALUE"),
        ("2dt=1", "not of the form"),
        ("dt=", "there are no values; say dt=1,2,4 or dt=START:STOP:STEP"),
        ("dt=1,,2", "nothing between two commas"),
        ("dt=1,2,", "nothing between two commas"),
        ("n=1:2:0", "its step is 0"),
        ("n=1:2:1e-400", "its step is 0"),
        ("n=2:1", "give a negative step"),
        ("n=1:2:-1", "give a positive step"),
        ("n=0:1e9", "1,000,000 are the most, so take a larger step"),
        ("n=0:1e999", "out of range"),
        ("n=1,2,1", "value 3 is the same as value 1"),
    ],
)
def test_what_is_wrong_names_the_option_and_the_way_out(text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_axis(text, read, "--sweep")
    assert str(caught.value).startswith("--sweep")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], (1, 2)),
        (range(3), (0, 1, 2)),
        ((x for x in "ab"), ("a", "b")),
        (np.linspace(0, 1, 3), (0.0, 0.5, 1.0)),
        (np.arange(2), (0, 1)),
    ],
)
def test_python_gives_any_series(values: Any, expected: tuple[Any, ...]) -> None:
    (axis,) = axes_of({"x": values})
    assert axis.values == expected
    assert all(type(value) is type(wanted) for value, wanted in zip(axis.values, expected, strict=True))


def test_an_array_of_several_axes_is_swept_along_its_first() -> None:
    (axis,) = axes_of({"x": np.arange(6).reshape(2, 3)})
    assert [value.tolist() for value in axis.values] == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("values", [5, "abc", b"abc", {"a": 1}, {1, 2}, np.float64(1), np.array(1)])
def test_what_is_no_series_is_refused(values: Any) -> None:
    with pytest.raises(InputError, match=r"no series of values; write x=\[...\]"):
        axes_of({"x": values})


@pytest.mark.parametrize(
    ("swept", "told"),
    [
        ({}, "names no values"),
        ({"x": []}, "there are no values"),
        ({"x": [1, 2, 1]}, "value 3 is the same as value 1"),
        ({"x": [np.zeros(2), np.zeros(2)]}, "value 2 is the same as value 1"),
        ({"x": range(2000), "y": range(2000)}, r"4,000,000 points: 2,000 \(x\) \* 2,000 \(y\)"),
        ({"x": itertools.count()}, "1,000,000 are the most"),
    ],
)
def test_an_axis_that_makes_no_sense_is_refused(swept: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        axes_of(swept)


def test_a_value_of_another_type_is_another_value() -> None:
    (axis,) = axes_of({"x": [1, 1.0, True]})
    assert len(axis) == 3


@given(st.lists(st.one_of(st.integers(), st.floats(), st.text(), st.booleans()), min_size=1, unique_by=repr))
@PROPERTY
def test_labels_are_distinct_and_hold_nothing_that_separates(values: list[Any]) -> None:
    labels = Axis("x", tuple(values)).labels
    assert len(set(labels)) == len(values)
    assert not any(set(label) & set(",[]= \t\n") for label in labels)


def test_labels_are_what_people_would_write() -> None:
    values = (0.1, 128, "low", "two words", np.zeros(3))
    assert Axis("x", values).labels == ("0.1", "128", "low", "#3", "#4")
