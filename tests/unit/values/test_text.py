"""Text: UTF-8 in and out, without NUL inside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.errors import CellFailed, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

C = """
    #include <hotplate.h>
    #include <string.h>
    const char *echo(const char *text) { return text; }
    int64_t bytes_in(const char *text) { return (int64_t)strlen(text); }
    const char *doubled(hp_ctx *ctx, const char *text) {
        char *twice = hp_alloc(ctx, 2 * strlen(text) + 1);
        if (!twice) return NULL;
        return strcat(strcpy(twice, text), text);
    }
    const char *nothing(void) { return NULL; }
    const char *latin_1(void) { return "caf\\xe9"; }
    const char *cut(const char *text) { static char kept[8]; return strncpy(kept, text, 2); }
    const char *beside(double out[1], double x) { out[0] = x; return "text"; }
"""
CPP = """
    std::string echo(std::string_view text) { return std::string(text); }
    std::string doubled(const std::string &text) { return text + text; }
    const char *nothing() { return nullptr; }
    std::string with_nul() { return std::string("one\\0two", 7); }
"""


@pytest.mark.parametrize("text", ["", "plain", "Grüße, 世界 🜂", "a\nb\t\\", "x" * 100_000], ids=lambda text: text[:8])
def test_text_comes_back(load: Callable[[str], Any], text: str) -> None:
    got = load("echo")(text)
    assert (got, type(got)) == (text, str)


def test_a_cell_sees_utf_8(c: Callable[[str], Any]) -> None:
    assert c("bytes_in")("é🜂") == 6


def test_text_that_a_cell_makes_lives_as_long_as_its_result(load: Callable[[str], Any]) -> None:
    assert [load("doubled")("äb") for _ in range(3)] == ["äbäb"] * 3


class Name(str):
    __slots__ = ()


@pytest.mark.parametrize("value", [Name("né"), np.str_("né"), np.array("né")], ids=["subclass", "numpy", "rank 0"])
def test_what_is_text_elsewhere_is_text_here(load: Callable[[str], Any], value: Any) -> None:
    assert load("echo")(value) == "né"


@pytest.mark.parametrize("value", [b"bytes", None, 1, ["a"], np.array(["a"]), bytearray(b"x")], ids=repr)
def test_what_is_no_text_is_refused(load: Callable[[str], Any], value: Any) -> None:
    name = type(value).__name__
    with pytest.raises(InputError, match=rf"^echo: text wants text, got {name}.*; pass a str \(decode bytes first\)$"):
        load("echo")(value)


def test_text_with_a_nul_inside_is_refused(load: Callable[[str], Any]) -> None:
    message = "echo: text wants text without NUL characters inside; cut it at the first one"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        load("echo")("one\0two")


def test_text_that_utf_8_has_no_bytes_for_is_refused(load: Callable[[str], Any]) -> None:
    with pytest.raises(InputError, match=r"^echo: text wants text, and .*\\ud800.* has lone surrogates; "):
        load("echo")("broken \ud800 half")


def test_null_is_no_result(load: Callable[[str], Any]) -> None:
    with pytest.raises(CellFailed, match=r"^nothing: the cell returned without filling a result$"):
        load("nothing")()


def test_a_result_that_is_not_utf_8_is_refused(c: Callable[[str], Any]) -> None:
    with pytest.raises(CellFailed, match=r"^latin_1: the text is not UTF-8$"):
        c("latin_1")()


def test_a_result_cut_inside_a_character_is_refused(c: Callable[[str], Any]) -> None:
    assert c("cut")("abc") == "ab"
    with pytest.raises(CellFailed, match="not UTF-8"):
        c("cut")("a🜂")


def test_a_result_with_a_nul_inside_is_refused_rather_than_cut(notebooks: dict[str, Any]) -> None:
    with pytest.raises(CellFailed, match=r"^with_nul: the text has a NUL character inside"):
        notebooks["c++"].load("with_nul")()


def test_text_stands_beside_arrays_in_a_result(notebooks: dict[str, Any]) -> None:
    got = notebooks["c"].load("beside")(2.5)
    assert got.value == "text"
    assert got.out.tolist() == [2.5]
