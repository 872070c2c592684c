"""Fingerprints: what makes a Python cell the same cell in another process."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from hotplate.run.fingerprint import fingerprint

if TYPE_CHECKING:
    import types


def function(text: str, **names: Any) -> Any:
    """The function `f` of a text, with these globals."""
    scope = dict(names)
    exec(compile(text, "<cell>", "exec", dont_inherit=True), scope)  # not this module's annotations
    return scope["f"]


def test_equal_functions_have_equal_fingerprints() -> None:
    text = "def f(a, b=1, *, c=(2, 'x')): return [a + b for _ in range(c[0])]"
    assert fingerprint(function(text)) == fingerprint(function(text)) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(a): return a + 1", "def f(a): return a + 2"),
        ("def f(a): return a + 1", "def f(a): return a + 1.0"),
        ("def f(a): return a + 1", "def f(a): return a - 1"),
        ("def f(a): return a", "def f(a=1): return a"),
        ("def f(a=1): return a", "def f(a=2): return a"),
        ("def f(a=1): return a", "def f(*, a=1): return a"),
        ("def f(*, a=1): return a", "def f(*, a=2): return a"),
        ("def f(a): return a in {1, 2}", "def f(a): return a in {1, 3}"),
        ("def f(a): return (lambda: 1)()", "def f(a): return (lambda: 2)()"),
    ],
)
def test_functions_that_differ_have_different_ones(one: str, other: str) -> None:
    assert fingerprint(function(one)) != fingerprint(function(other))


def test_what_a_function_refers_to_is_looked_at_each_time() -> None:
    f = function("def f(a): return (lambda: a * scale)()", scale=2)
    before = fingerprint(f)
    f.__globals__["scale"] = 3
    changed = fingerprint(f)
    f.__globals__["scale"] = 2
    assert changed != before == fingerprint(f)


def test_changed_defaults_and_another_code_are_seen() -> None:
    f = function("def f(a=1): return a")
    seen = {fingerprint(f)}
    f.__defaults__ = (2,)
    seen.add(fingerprint(f))
    f.__code__ = function("def f(a=1): return -a").__code__
    seen.add(fingerprint(f))
    assert len(seen) == 3


def test_functions_that_it_calls_count() -> None:
    def calling(text: str) -> str | None:
        return fingerprint(function("def f(a): return helper(a)", helper=function(text)))

    assert calling("def f(a): return a") == calling("def f(a): return a") != calling("def f(a): return -a")


def test_an_object_whose_content_cannot_be_told_leaves_none() -> None:
    assert fingerprint(function("def f(a): return thing", thing=object())) is None


def test_code_that_is_gone_is_not_kept() -> None:
    f = function("def f(a): return a + 12345")
    fingerprint(f)
    code: weakref.ref[types.CodeType] = weakref.ref(f.__code__)
    del f
    gc.collect()
    assert code() is None


def test_another_process_finds_the_same() -> None:
    text = "def f(a, b=1): return (lambda: a in {'x', 'y', 'z'})() or b"
    program = f"from hotplate.run.fingerprint import fingerprint\n{text}\nprint(fingerprint(f))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == fingerprint(function(text))
