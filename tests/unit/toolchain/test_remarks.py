from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import hotplate
from hotplate.errors import ToolchainError
from hotplate.toolchain.remarks import parse_remarks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINES = ["", "for (x) y();", "for (y) z();", 'puts("äö"); for (z) w();']

GCC = """\
/n.c:2:3: optimized: loop vectorized using 64 byte vectors
/n.c:2:3: optimized: loop vectorized using 32 byte vectors
/usr/include/x.h:2:3: optimized: loop vectorized using 64 byte vectors
/n.c:3:3: missed: couldn't vectorize loop
/n.c:3:3: missed: not vectorized: control flow in loop.
/n.c:3:9: missed: statement clobbers memory: z ();
/n.c:3:9: missed: statement clobbers memory: z (1);
/n.c:3:9: missed: statement clobbers memory: z (2);
/n.c:4:15: missed: couldn't vectorize loop
[]
"""
CLANG = """\
/n.c:2:3: remark: vectorized loop (vectorization width: 8, interleaved count: 4) [-Rpass=loop-vectorize]
/n.c:3:9: remark: loop not vectorized: call can't be vectorized. [-Rpass-analysis=loop-vectorize]
/n.c:3:3: remark: loop not vectorized [-Rpass-missed=loop-vectorize]
/n.c:1:1:{4:1-4:9}: remark: loop not vectorized [-Rpass-missed=loop-vectorize]
/n.c:1:1: note: could not determine the original source location for n.c:4:15
/n.c:1:1: note: could not determine the original source location for n.c:9:9
"""


@pytest.mark.parametrize(
    ("text", "done", "missed"),
    [
        (GCC, "loop vectorized using 64 byte vectors", (3, "loop not vectorized: control flow in loop", 2)),
        (
            CLANG,
            "vectorized loop (vectorization width: 8, interleaved count: 4)",
            (9, "loop not vectorized: call can't be vectorized", 0),
        ),
    ],
)
def test_each_loop_has_one_remark_with_its_reason(text: str, done: str, missed: tuple[int, str, int]) -> None:
    first, second, third = parse_remarks(text, "/n.c", LINES)
    assert (first.line, first.severity, first.message) == (2, "note", done)
    assert (second.line, second.severity) == (3, "warning")
    assert (second.column, second.message, len(second.notes)) == missed
    assert (third.line, third.message) == (4, "loop not vectorized")


@pytest.mark.parametrize("text", [GCC, CLANG])
def test_columns_are_in_characters(text: str) -> None:
    found = parse_remarks(text, "/n.c", LINES)[-1]
    assert found.source[found.column - 1 :].startswith("for (z)")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_a_real_compilers_remarks_are_on_the_lines_of_the_cell(notebook: Callable[..., Path], compiler: str) -> None:
    text = """\
    #include <stdint.h>
    static double twice(double x) { return 2 * x; }
    void a(int64_t n, const double x[n], double out[n]) {
        for (int64_t i = 0; i < n; i++) out[i] = twice(x[i]);
    }
    void b(int64_t n, const double x[n], double out[n]) {
        for (int64_t i = 0; i < n; i++) { if (x[i] > 7) break; out[i] = 1; }
    }
    """
    opened = hotplate.open(notebook(text), compiler=compiler)
    (only,) = opened.remarks("a")
    assert (only.cell, only.line, only.severity) == ("a", 4, "note")
    assert only.source.strip().startswith("for (int64_t i")
    assert [(it.cell, it.line, str(it.severity)) for it in opened.remarks()] == [("a", 4, "note"), ("b", 7, "warning")]


def test_a_compiler_that_makes_no_remarks_is_told_of(notebook: Callable[..., Path]) -> None:
    with pytest.raises(ToolchainError, match=r"tcc .* makes no remarks"):
        hotplate.open(notebook("int a(void) { return 1; }"), compiler="tcc").remarks()
