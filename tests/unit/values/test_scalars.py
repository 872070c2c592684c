"""Numbers by value: what comes in, what is refused, what comes back, for every scalar type of both languages."""

from __future__ import annotations

import cmath
import decimal
import enum
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

# Parameter → its type in C, its type in C++, NumPy's name for it.
TYPES = {
    "flag": ("bool", "bool", "bool"),
    "letter": ("char", "char", "int8"),
    "i8": ("int8_t", "std::int8_t", "int8"),
    "u8": ("unsigned char", "std::uint8_t", "uint8"),
    "i16": ("short", "std::int16_t", "int16"),
    "u16": ("uint16_t", "unsigned short", "uint16"),
    "i32": ("int", "std::int32_t", "int32"),
    "u32": ("uint32_t", "unsigned", "uint32"),
    "i64": ("int64_t", "std::int64_t", "int64"),
    "u64": ("uint64_t", "std::uint64_t", "uint64"),
    "slong": ("long", "long", "int64"),
    "ulonglong": ("unsigned long long", "unsigned long long", "uint64"),
    "size": ("size_t", "std::size_t", "uint64"),
    "difference": ("ptrdiff_t", "std::ptrdiff_t", "int64"),
    "hue": ("enum colour", "colour", "uint32"),
    "f32": ("float", "float", "float32"),
    "f64": ("double", "double", "float64"),
    "aliased": ("real", "real", "float64"),
    "c64": ("float _Complex", "std::complex<float>", "complex64"),
    "c128": ("double _Complex", "std::complex<double>", "complex128"),
}
INTEGERS = [name for name, (*_, dtype) in TYPES.items() if "int" in dtype]
FLOATS = ["f32", "f64", "aliased"]
COMPLEX = ["c64", "c128"]

C = """
#include <complex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
enum colour { RED, GREEN };
typedef double real;
"""
CPP = """
enum class colour : unsigned { red, green };
using real = double;
"""


def all_of_them(language: int) -> str:
    """One cell with a parameter of each type, which gives them back as the fields of a struct."""
    fields = "".join(f"    {types[language]} {name};\n" for name, types in TYPES.items())
    parameters = ", ".join(f"{types[language]} {name}" for name, types in TYPES.items())
    return f"typedef struct {{\n{fields}}} all;\nall every({parameters}) {{ return (all){{{', '.join(TYPES)}}}; }}\n"


def each_of_them(language: int) -> str:
    spelled = {name: types[language] for name, types in TYPES.items()}
    return "".join(f"{kind} give_{name}({kind} x) {{ return x; }}\n" for name, kind in spelled.items())


@dataclass(frozen=True)
class Echo:
    """A cell that gives back one argument."""

    where: str
    call: Callable[[Any], Any]


@pytest.fixture(scope="module")
def cells(compiled: Callable[..., Any]) -> dict[str, Any]:
    c, cpp = compiled(C + all_of_them(0) + each_of_them(0)), compiled(CPP + all_of_them(1), ".cpp")
    returned = {name: c.load(f"give_{name}") for name in TYPES}
    return {"c": c.load("every"), "c++": cpp.load("every"), "returned": returned}


@pytest.fixture(params=["returned", "c", "c++"])
def echo(request: pytest.FixtureRequest, cells: dict[str, Any]) -> Callable[[str], Echo]:
    """Echoes of a type: by a C cell of its own, and as one of twenty parameters in C and in C++."""

    def one(name: str) -> Echo:
        if request.param == "returned":
            return Echo(f"give_{name}: x", cells["returned"][name])
        zeros = {other: False if other == "flag" else 0 for other in TYPES}
        every = cells[request.param]
        return Echo(f"every: {name}", lambda value: every(**{**zeros, name: value})[name].item())

    return one


def dtype(name: str) -> np.dtype[Any]:
    return np.dtype(TYPES[name][2])


def limits(name: str) -> tuple[int, int]:
    info = np.iinfo(dtype(name))
    return int(info.min), int(info.max)


# What comes in and goes out


@pytest.mark.parametrize("name", INTEGERS)
def test_an_integer_comes_back_as_an_int_at_both_ends_and_between(echo: Callable[[str], Echo], name: str) -> None:
    low, high = limits(name)
    for number in (low, low + 1, 0, 1, high - 1, high):
        got = echo(name).call(number)
        assert (got, type(got)) == (number, int)


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("number", [0.5, -0.0, 1.5e-45, 3.4028234663852886e38, math.inf, -math.inf])
def test_a_float_comes_back_bit_by_bit(echo: Callable[[str], Echo], name: str, number: float) -> None:
    got = echo(name).call(number)
    expected = float(dtype(name).type(number))
    assert (got, math.copysign(1, got), type(got)) == (expected, math.copysign(1, expected), float)


def test_a_double_is_rounded_to_the_nearest_float(echo: Callable[[str], Echo]) -> None:
    assert echo("f32").call(0.1) == float(np.float32(0.1))


@pytest.mark.parametrize("name", FLOATS)
def test_nan_stays_nan(echo: Callable[[str], Echo], name: str) -> None:
    assert math.isnan(echo(name).call(math.nan))


@pytest.mark.parametrize("name", COMPLEX)
@pytest.mark.parametrize("number", [0.5 - 2j, complex(0, -0.0), complex(math.inf, -1), 3, 2.5])
def test_a_complex_number_comes_back_with_both_parts(echo: Callable[[str], Echo], name: str, number: complex) -> None:
    got = echo(name).call(number)
    assert (got, type(got)) == (complex(number), complex)


@pytest.mark.parametrize("name", COMPLEX)
def test_a_complex_nan_keeps_its_other_part(echo: Callable[[str], Echo], name: str) -> None:
    got = echo(name).call(complex(math.nan, 2))
    assert cmath.isnan(got)
    assert got.imag == 2


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_, np.array(True)])
def test_a_bool_comes_back_as_a_bool(echo: Callable[[str], Echo], value: Any) -> None:
    assert echo("flag").call(value) is bool(value)


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("number", [3, -(2**20), np.int16(7), np.uint8(255)])
def test_a_float_takes_an_integer(echo: Callable[[str], Echo], name: str, number: Any) -> None:
    got = echo(name).call(number)
    assert (got, type(got)) == (float(number), float)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, dtype(name).type(7)) for name in (*INTEGERS, *FLOATS, *COMPLEX)],
        *[(name, np.array(7, dtype(name))) for name in (*INTEGERS, *FLOATS, *COMPLEX)],
        ("u8", np.int64(7)),
        ("f32", np.float64(7)),
        ("f64", np.float16(7)),
        ("f64", np.longdouble(7)),
        ("c64", np.complex128(7)),
        ("c128", np.float32(7)),
    ],
)
def test_numpys_scalars_and_arrays_of_rank_0_are_numbers(echo: Callable[[str], Echo], name: str, value: Any) -> None:
    assert echo(name).call(value) == 7


class Index:
    def __index__(self) -> int:
        return 5


class Level(enum.IntEnum):
    HIGH = 5


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("value", [Index(), Level.HIGH], ids=["__index__", "IntEnum"])
def test_an_integer_is_whatever_python_can_index_with(echo: Callable[[str], Echo], name: str, value: Any) -> None:
    assert echo(name).call(value) == 5


# What is refused


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("beyond", [1, 2**70])
@pytest.mark.parametrize("end", [0, 1], ids=["below", "above"])
def test_an_integer_out_of_range_is_refused_with_the_range(
    echo: Callable[[str], Echo], name: str, beyond: int, end: int
) -> None:
    number = limits(name)[end] + (beyond if end else -beyond)
    low, high = limits(name)
    message = f"{echo(name).where} wants {dtype(name)}, and {number} is out of its range, {low} to {high}"
    with pytest.raises(InputError, match=rf"^{re.escape(message)}$"):
        echo(name).call(number)


class Large:
    def __index__(self) -> int:
        return 256


@pytest.mark.parametrize("value", [np.int64(256), np.array(256), Large()], ids=["scalar", "rank 0", "__index__"])
def test_the_range_holds_for_converted_integers_too(echo: Callable[[str], Echo], value: Any) -> None:
    with pytest.raises(InputError, match=rf"{echo('u8').where} wants uint8, and 256 is out of its range, 0 to 255"):
        echo("u8").call(value)


@pytest.mark.parametrize("number", [1e39, -1e39, 3.5e38, 10**39, np.float64(1e300)])
def test_a_finite_number_that_a_float_can_not_hold_is_refused(echo: Callable[[str], Echo], number: Any) -> None:
    with pytest.raises(InputError, match=rf"{echo('f32').where} wants float32, and .* is out of its range, -3.4"):
        echo("f32").call(number)


def test_an_integer_that_a_double_can_not_hold_is_refused(echo: Callable[[str], Echo]) -> None:
    with pytest.raises(InputError, match=r"wants float64, and 1000\d+ is out of its range, -1\.797\d+e\+308 to 1\.79"):
        echo("f64").call(10**309)


@pytest.mark.parametrize("name", ["i8", "u64", "f32", "c64"])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_integer_with_more_digits_than_python_writes_is_refused_too(
    echo: Callable[[str], Echo], name: str, sign: int
) -> None:
    with pytest.raises(InputError, match=rf"wants {dtype(name)}, and -?0x[0-9a-f]+\.\.\. is out of its range, "):
        echo(name).call(sign * 10**5000)


def test_such_an_integer_is_refused_where_none_is_taken(echo: Callable[[str], Echo]) -> None:
    with pytest.raises(InputError, match=r"wants bool, got int 0x[0-9a-f]+\.\.\.; convert it first"):
        echo("flag").call(10**5000)


@pytest.mark.parametrize("number", [1e39, 1e39j, complex(1, -1e39)])
def test_a_part_that_a_complex_float_can_not_hold_is_refused(echo: Callable[[str], Echo], number: complex) -> None:
    with pytest.raises(InputError, match=rf"{echo('c64').where} wants complex64, and .* is out of its range"):
        echo("c64").call(number)


NOT_INTEGERS = [1.0, 1.5, True, np.True_, np.float64(1), 1j, "1", b"1", None, [1], np.array([1]), np.array(1.0)]
NOT_BOOLS = [1, 0, 0.0, "yes", None, np.int8(1), np.array(1), [True]]
NOT_FLOATS = ["1.0", True, np.True_, None, 1j, np.complex64(1), decimal.Decimal(1), [1.0], np.array([1.0]), Index()]
NOT_COMPLEX = ["1j", True, np.True_, None, [1j], np.array([1j]), Index()]
WRONG = [
    *[(name, "int", value) for name in ("i8", "u64") for value in NOT_INTEGERS],
    *[("flag", "bool", value) for value in NOT_BOOLS],
    *[(name, "float", value) for name in ("f32", "f64") for value in NOT_FLOATS],
    *[(name, "complex", value) for name in COMPLEX for value in NOT_COMPLEX],
]


@pytest.mark.parametrize(("name", "converter", "value"), WRONG)
def test_another_kind_of_value_is_refused_with_the_conversion(
    echo: Callable[[str], Echo], name: str, converter: str, value: Any
) -> None:
    one = echo(name)
    value_shown = value[()] if isinstance(value, np.ndarray) and value.shape == () else value
    shown = f" {value_shown!r}" if np.isscalar(value_shown) or value is None else ""
    parameter = one.where.split()[-1]
    way_out = f"convert it first, with {converter}({parameter}) for instance" if value is not None else "give a number"
    message = f"{one.where} wants {dtype(name)}, got {type(value_shown).__name__}{shown}; {way_out}"
    with pytest.raises(InputError, match=rf"^{re.escape(message)}$"):
        one.call(value)


def test_a_value_that_raises_while_it_is_converted_passes_its_own_error_on(echo: Callable[[str], Echo]) -> None:
    class Broken:
        def __index__(self) -> int:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        echo("i32").call(Broken())
