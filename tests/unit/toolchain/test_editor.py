"""One command for a file whose sections have many."""

from __future__ import annotations

import pytest

from hotplate.toolchain.editor import newest_standard, union


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        pytest.param([["-O3"], ["-O3", "-fopenmp"]], "-O3 -fopenmp", id="each flag once"),
        pytest.param([["-isystem", "/a"], ["-isystem", "/b"]], "-isystem /a -isystem /b", id="a flag has its value"),
        pytest.param([["-isystem", "/a"], ["-isystem", "/a"]], "-isystem /a", id="the same value once"),
        pytest.param([["-DN=4"], ["-DN=8", "-DM"]], "-DN=4 -DM", id="of two values of a macro the first"),
        pytest.param([["-D", "N=4"], ["-UN"]], "-D N=4", id="or that it has none"),
        pytest.param([["-UN", "-DN=4"], []], "-UN -DN=4", id="but one section may say both"),
        pytest.param([["-isystem"]], "-isystem", id="a value that is missing"),
        pytest.param([], "", id="no sections"),
    ],
)
def test_flags_of_sections_are_put_together(lists: list[list[str]], expected: str) -> None:
    assert " ".join(union(lists)) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["c11", "gnu2x", "c17"], "gnu2x"),
        (["c99", "c89", ""], "c99"),
        (["iso9899:199409", "c89"], "iso9899:199409"),
        (["c++98", "c++2b", "c++20"], "c++2b"),
        (["c++20", "c++2d", "c++26"], "c++2d"),
        (["", ""], ""),
        (["unknown"], "unknown"),
    ],
)
def test_the_newest_standard_is_chosen(names: list[str], expected: str) -> None:
    assert newest_standard(names) == expected
