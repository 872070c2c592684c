"""Conditions: what can stand in one, what it says, and what is told about one that can't be read or computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotplate.notebook.condition_text import ConditionProblem, parse_condition

if TYPE_CHECKING:
    from hotplate.notebook.condition import Condition

VALUES: dict[str, Any] = {
    "residual": 3e-8, "n": np.int64(7), "zero": 0, "u": np.arange(4.0), "grid": np.ones((2, 3)), "mode": "fast",
    "pair": (1, 2), "nothing": None, "flag": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("residual > 1e-6 and n < 100", False),
        ("residual < 1e-6 and n < 100", True),
        ("n > 100 or not zero", True),
        ("0 < n < 8", True),
        ("0 < n < 5", False),
        ("n % 2 == 1 and n // 2 == 3 and n / 2 == 3.5", True),
        ("-n < +n", True),
        ("mode == 'fast'", True),
        ('mode != "fast"', False),
        ("any(u > 2)", True),
        ("all(u > 2)", False),
        ("all(abs(u - 1) <= 2)", True),
        ("max(u) == 3 and min(u) == 0", True),
        ("max(grid) == 1", True),
        ("len(u) == 4", True),
        ("u[1] == 1 and grid[-1, 2] == 1 and pair[1] == 2", True),
        ("max(n, 9) == 9", True),
        ("flag", True),
        ("zero", False),
        ("true", True),
        ("false or False", False),
        ("zero == 0 or n / zero > 1", True),
        ("(n > 3) == true", True),
    ],
)
def test_says_whether_the_cell_runs(text: str, answer: bool) -> None:
    assert parse_condition(text).evaluate(VALUES) is answer


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("n / zero > 1", "n / zero divides by zero"),
        ("n % zero", "n % zero divides by zero"),
        ("any(n / u > 1)", "n / u divides by zero"),
        ("u > 2", "u > 2 is bool[4] where true or false is needed; say any(u > 2) or all(u > 2)"),
        ("u and n > 1", "u is float64[4] where true or false is needed"),
        ("0 < u < 5", "bool[4] where true or false is needed"),
        ("mode > 1", "mode > 1 can't be computed with 'fast' and 1"),
        ("mode + 1 == 2", "only numbers can be computed with"),
        ("mode", "mode is 'fast', which is neither true nor false; compare it"),
        ("nothing > 1", "can't be computed with None and 1"),
        ("u[9] == 1", "u[9] is not there: index 9 is out of bounds"),
        ("len(n) == 1", "len(n) can't be computed of 7"),
    ],
)
def test_why_there_is_no_answer(text: str, told: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what is tested
        parse_condition(text).evaluate(VALUES)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("residual > 1e-6", "residual > 1e-6 is false (residual = 3e-08)"),
        ("residual > 1e-6 and n < 100", "residual > 1e-6 is false (residual = 3e-08)"),
        ("n < 100 and residual > 1e-6", "residual > 1e-6 is false (residual = 3e-08)"),
        ("n > 100 or zero > 1", "n > 100 or zero > 1 is false (n = 7, zero = 0)"),
        ("n > 100 or n > 1", "n > 1 is true (n = 7)"),
        ("any(u > 5)", "any(u > 5) is false (u = float64[4])"),
        ("false", "false is false"),
    ],
)
def test_explains_by_the_part_that_settles_it(text: str, told: str) -> None:
    assert parse_condition(text).explain(VALUES) == told


@pytest.mark.parametrize(
    ("text", "message", "hint", "marked"),
    [
        ("", "empty", "when=", ""),
        ("a && b", "'&&' is no operator", "write and", "&&"),
        ("a || b", "'||' is no operator", "write or", "||"),
        ("!a", "'!' is no operator", "write not", "!"),
        ("a = 3", "'=' is no operator", "write ==", "="),
        ("  a >", "can't be read from here on", "when=", "a >"),
        ("(a > 1", "can't be read from here on", "when=", "(a > 1"),
        ("a > 1)", "can't be read from here on", "when=", ")"),
        ("s.mean > 1", "no dot", "write s_mean", "s.mean"),
        ("é > f(a)", "'f(a)' can't be called", "there are len, abs", "f(a)"),
        ("len > 1", "len is a function", "write len(...)", "len"),
        ("a ** 2 > 1", "'a ** 2' can't stand", "compute it in a cell", "a ** 2"),
        ("a in b", "'a in b' can't stand", "compute it in a cell", "a in b"),
        ("x[i] > 1", "only constants can stand in brackets", "compute it in a cell", "i"),
        ("x[1:] > 1", "only constants", "compute it", "1:"),
        ("len(*a) > 1", "'*a' can't stand", "compute it", "*a"),
        ("a if b else c", "can't stand", "compute it", "a if b else c"),
        ("a, b", "can't stand", "compute it", "a, b"),
        ("a == 1j", "'1j' can't stand", "compute it", "1j"),
        ("a is b", "can't stand", "compute it", "a is b"),
        ("__import__('os')", "can't be called", "there are len", "__import__('os')"),
        ("a > 1 # b", "no '#'", "compute it", "#"),
        ("a == 'x\\n'", "no '\\'", "compute it", "\\"),
    ],
)
def test_what_is_wrong_is_named_at_its_place(text: str, message: str, hint: str, marked: str) -> None:
    with pytest.raises(ConditionProblem) as caught:
        parse_condition(text)
    assert message in str(caught.value)
    assert hint in caught.value.hint
    assert text[caught.value.start : caught.value.end] == marked


@pytest.mark.parametrize("text", ["-" * 300 + "a", "(" * 300 + "a" + ")" * 300, "not " * 400 + "a", "a + " * 600 + "a"])
def test_what_is_nested_too_deeply_is_refused_and_not_a_crash(text: str) -> None:
    with pytest.raises(ConditionProblem):
        parse_condition(text)


def test_names_are_there_once_with_their_places() -> None:
    text = " é == 1 and n > len(u) and n < u[2]"
    found = parse_condition(text)
    assert found.names == ("é", "n", "u")
    assert [text[at : at + len(name)] for name, at in zip(found.names, found.places, strict=True)] == ["é", "n", "u"]


@given(st.text(alphabet="abu01.<>=!&|()[]+-*/% '\"\\#,:\n", max_size=30))
@settings(max_examples=300, deadline=None, database=None, derandomize=True)
def test_any_text_is_a_condition_or_a_problem_within_it(text: str) -> None:
    try:
        condition = parse_condition(text)
    except ConditionProblem as problem:
        places = (0, problem.start, problem.end, len(text))
    else:
        places, values = (0,), (1, 0.0, "x", np.arange(2.0), None)
        assert all(_answers(condition, value) for value in values)
    assert list(places) == sorted(places)


def _answers(condition: Condition, value: Any) -> bool:
    """Whether there is an answer or a reason why there is none, when all names have this value."""
    try:
        return isinstance(condition.evaluate(dict.fromkeys(condition.names, value)), bool)
    except ValueError as error:
        return bool(str(error))
