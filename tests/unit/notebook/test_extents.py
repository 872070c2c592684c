from __future__ import annotations

import pytest

from hotplate.notebook.extents import Binary, Constant, Extent, Symbol, evaluate, linear, parse_extent


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("n", Symbol("n")),
        ("3", Constant(3)),
        ("0x10u", Constant(16)),
        ("010", Constant(8)),
        ("1'000", Constant(1000)),
        ("-2", Constant(-2)),
        ("-n", Binary("-", Constant(0), Symbol("n"))),
        ("n - 1 - m", Binary("-", Binary("-", Symbol("n"), Constant(1)), Symbol("m"))),
        ("2 * (n + 1)", Binary("*", Constant(2), Binary("+", Symbol("n"), Constant(1)))),
    ],
)
def test_reads(text: str, expression: object) -> None:
    assert parse_extent(text) == expression


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "missing"),
        ("n +", "ends too early"),
        ("n m", "'m' is not expected"),
        ("(n", "')' is missing"),
        ("f(n)", "calls are not allowed"),
        ("sizeof(n)", "sizeof"),
        ("(int)n", "a cast"),
        ("n % 2", "'%'"),
        ("2.5", "'.'"),
        ("1e3", "'1'|'e3'"),
        ("*", "'*' is not expected"),
        ("n ? 1 : 2", "'?'"),
        ("(" * 1000 + "n", "too long"),
    ],
)
def test_refuses_and_says_why(text: str, message: str) -> None:
    with pytest.raises(
        ValueError,
        match="|".join(part.replace("?", r"\?").replace("*", r"\*").replace(")", r"\)") for part in message.split("|")),
    ):
        parse_extent(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n - 1", 6),
        ("2 * n + 1", 15),
        ("n / 2", 3),
        ("-n / 2", -3),
        ("n / -2", -3),
        ("-7 / -2", 3),
        ("n * (n - 1)", 42),
    ],
)
def test_computes_as_c_does(text: str, value: int) -> None:
    assert evaluate(parse_extent(text), {"n": 7}) == value


@pytest.mark.parametrize(("text", "message"), [("1 / n", "divides by zero"), ("m", "m is not known")])
def test_a_value_that_does_not_exist_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(parse_extent(text), {"n": 0})


@pytest.mark.parametrize(
    ("one", "other"),
    [("n + n", "2 * n"), ("n * m", "m * n"), ("(n + 1) * (n - 1)", "n * n - 1"), ("n - n", "0"), ("-(n - 1)", "1 - n")],
)
def test_equal_extents_have_the_same_polynomial(one: str, other: str) -> None:
    assert linear(parse_extent(one)) == linear(parse_extent(other))


def test_different_extents_have_different_polynomials() -> None:
    assert linear(parse_extent("n + 1")) != linear(parse_extent("n"))


def test_a_division_has_no_polynomial() -> None:
    assert linear(parse_extent("n / 2 + 1")) is None


def test_a_product_of_many_sums_is_given_up_instead_of_multiplied_out() -> None:
    assert linear(parse_extent(" * ".join(f"(a{i} + b{i})" for i in range(25)))) is None


def test_an_extent_knows_its_symbols() -> None:
    assert Extent("2 * n + m", parse_extent("2 * n + m")).symbols == {"n", "m"}


def test_a_chain_at_the_limit_needs_no_deep_recursion() -> None:
    assert evaluate(parse_extent("+".join(["n"] * 100)), {"n": 2}) == 200
