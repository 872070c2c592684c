"""The words of C and C++."""

from __future__ import annotations

import pytest

from hotplate.notebook.lexis import spell


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("int\na ( void )", "int a(void)"),
        (
            "void  u1( int64_t n ,const double u0 [ n ],\n\tdouble out[2*n+1] )",
            "void u1(int64_t n, const double u0[n], double out[2 * n + 1])",
        ),
        ("const char*f(/* nothing */void)", "const char *f(void)"),
        (
            'void s(hp :: in < double,"n, 2 * m" > x, std::vector<int>const&y)',
            'void s(hp::in<double, "n, 2 * m"> x, std::vector<int> const &y)',
        ),
    ],
)
def test_a_declaration_is_spelled_alike_whatever_its_formatting(text: str, spelled: str) -> None:
    assert spell(text) == spelled
    assert spell(spelled) == spelled
