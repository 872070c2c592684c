"""POD structs: NumPy's structured dtypes with the compiler's layout."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from hotplate.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

C = """
    #include <stdbool.h>
    #include <stddef.h>
    #include <stdint.h>
    #include <stdlib.h>
    #include <time.h>

    typedef struct { double x, y; } vec2;
    struct padded { char tag; double value; int16_t count; };
    typedef struct padded padded_t;
    typedef padded_t renamed;
    struct body { vec2 position; double mass; int32_t id[3]; bool fixed; };
    typedef struct { float m[2][3]; struct body bodies[2]; char name[8]; } everything;
    struct __attribute__((packed)) tight { char tag; double value; };

    vec2 flip(vec2 v) { return (vec2){v.y, v.x}; }
    renamed bump(renamed p) { p.tag++, p.value *= 2, p.count--; return p; }
    void flips(int64_t n, const vec2 points[n], vec2 out[n]) {
        for (int64_t i = 0; i < n; i++) out[i] = flip(points[i]);
    }
    struct body moved(struct body b, double dx) { b.position.x += dx; b.id[2] += 1; b.fixed = !b.fixed; return b; }
    everything whole(everything e) { e.m[1][2] += 1; e.bodies[1].id[0] = 7; e.name[0] = 'J'; return e; }
    void offsets(int64_t out[4]) {
        out[0] = offsetof(struct padded, value), out[1] = offsetof(struct padded, count);
        out[2] = sizeof(struct padded), out[3] = offsetof(struct body, id);
    }
    struct timespec later(struct timespec t, int64_t seconds) { t.tv_sec += seconds; return t; }
    div_t divided(int a, int b) { return div(a, b); }
    struct tight loosen(struct tight t) { t.value = -t.value; return t; }
    double total(int64_t n, const struct tight parts[n]) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += parts[i].value;
        return sum;
    }
    void both(vec2 v, vec2 out_first[1], double out_norm[1]) { out_first[0] = v; out_norm[0] = v.x * v.x + v.y * v.y; }
"""
CPP = """

    struct vec2 { double x, y; };
    struct padded { char tag; double value; std::int16_t count; };
    using padded_t = padded;
    typedef padded_t renamed;
    struct body { vec2 position; double mass; std::int32_t id[3]; bool fixed; };
    struct everything { float m[2][3]; body bodies[2]; char name[8]; };
    namespace wave { struct mode { double k[2]; std::complex<double> amplitude; }; }

    vec2 flip(vec2 v) { return {v.y, v.x}; }
    renamed bump(renamed p) { p.tag++, p.value *= 2, p.count--; return p; }
    void flips(hp::in<vec2, "n"> points, hp::out<vec2, "n"> out) {
        for (std::int64_t i = 0; i < points.size(); ++i) out(i) = flip(points(i));
    }
    everything whole(everything e) { e.m[1][2] += 1; e.bodies[1].id[0] = 7; e.name[0] = 'J'; return e; }
    void offsets(std::int64_t out[4]) {
        out[0] = offsetof(padded, value), out[1] = offsetof(padded, count);
        out[2] = sizeof(padded), out[3] = offsetof(body, id);
    }
    timespec later(timespec t, std::int64_t seconds) { t.tv_sec += seconds; return t; }
    wave::mode damped(wave::mode m) { m.amplitude *= 0.5; m.k[1] = -m.k[1]; return m; }
"""


# Layout


def test_a_dtype_has_the_compilers_offsets_and_size(load: Callable[[str], Any]) -> None:
    padded, body = load("bump").dtype("p"), load("whole").dtype("e")["bodies"].base
    fields = padded.fields
    found = [fields["value"][1], fields["count"][1], padded.itemsize, body.fields["id"][1]]
    assert found == load("offsets")().tolist() == [8, 16, 24, 24]


def test_a_dtype_names_types_and_shapes_as_the_struct_does(load: Callable[[str], Any], c: Callable[[str], Any]) -> None:
    dtype = load("whole").dtype("e")
    assert dtype.names == ("m", "bodies", "name")
    assert (dtype["m"].base, dtype["m"].shape) == (np.float32, (2, 3))
    assert (dtype["bodies"].base, dtype["bodies"].shape) == (c("moved").dtype("b"), (2,))
    assert (dtype["name"].base, dtype["name"].shape) == (np.int8, (8,))
    assert dtype["bodies"].base["fixed"] == np.bool_


def test_a_typedef_is_the_struct_that_it_stands_for(load: Callable[[str], Any]) -> None:
    assert load("bump").dtype("p").names == ("tag", "value", "count")


# By value


@pytest.mark.parametrize(
    "value", [(1.0, 2.0), {"x": 1.0, "y": 2.0}, {"y": 2, "x": 1}, np.array((1, 2), [("x", "f8"), ("y", "f8")]),
              np.array([(1, 2)], [("x", "f8"), ("y", "f8")])[0]],
    ids=["tuple", "mapping", "any order", "rank 0", "numpy.void"],
)  # fmt: skip
def test_a_struct_is_given_as_a_tuple_a_mapping_or_a_record(load: Callable[[str], Any], value: Any) -> None:
    assert load("flip")(value).item() == (2.0, 1.0)


def test_a_struct_comes_back_as_a_read_only_record_of_its_dtype(load: Callable[[str], Any]) -> None:
    got = load("bump")({"tag": 5, "value": 1.5, "count": 0})
    assert (got.dtype, got.shape, got.item()) == (load("bump").dtype("p"), (), (6, 3.0, -1))
    with pytest.raises(ValueError, match="read-only"):
        got["tag"] = 1


def test_a_result_is_an_argument_as_it_is(load: Callable[[str], Any]) -> None:
    once = load("flip")((1.0, 2.0))
    assert load("flip")(once).item() == (1.0, 2.0)
    assert load("flip")(v=once[()]).item() == (1.0, 2.0)


def test_structs_inside_structs_are_tuples_inside_tuples(c: Callable[[str], Any]) -> None:
    got = c("moved")(((1.0, 2.0), 3.0, (4, 5, 6), False), 0.5)
    assert got["position"].item() == (1.5, 2.0)
    assert got["id"].tolist() == [4, 5, 7]
    assert got["fixed"] == np.True_


def test_mappings_may_be_nested(c: Callable[[str], Any]) -> None:
    body = {"position": {"x": 1.0, "y": 2.0}, "mass": 3.0, "id": [4, 5, 6], "fixed": True}
    got = c("moved")(body, 0.5)
    assert (got["position"]["x"], got["id"].tolist(), bool(got["fixed"])) == (1.5, [4, 5, 7], False)


def test_fields_that_are_arrays_cross_whole(load: Callable[[str], Any]) -> None:
    value = np.zeros((), load("whole").dtype("e"))
    value["m"] = np.arange(6).reshape(2, 3)
    value["name"] = np.frombuffer(b"Aupiter\0", np.int8)
    got = load("whole")(value)
    assert got["m"].tolist() == [[0, 1, 2], [3, 4, 6]]
    assert got["bodies"]["id"].tolist() == [[0, 0, 0], [7, 0, 0]]
    assert got["name"].tobytes() == b"Jupiter\0"


def test_a_namespaces_struct_with_complex_fields_crosses(notebooks: dict[str, Any]) -> None:
    damped = notebooks["c++"].load("damped")
    got = damped(((1.0, 2.0), 4 - 2j))
    assert got.dtype == np.dtype([("k", "f8", 2), ("amplitude", "c16")])
    assert (got["k"].tolist(), got["amplitude"]) == ([1.0, -2.0], 2 - 1j)


def test_a_struct_stands_beside_other_results(notebooks: dict[str, Any]) -> None:
    got = notebooks["c"].load("both")((3.0, 4.0))
    assert (got.first[0].item(), got.norm[0]) == ((3.0, 4.0), 25.0)


# Where structs are defined


def test_a_systems_struct_without_a_tag_crosses(c: Callable[[str], Any]) -> None:
    assert c("divided")(17, 5).item() == (3, 2)


def test_a_systems_struct_crosses(load: Callable[[str], Any]) -> None:
    got = load("later")({"tv_sec": 5, "tv_nsec": 7}, 10)
    assert got.item() == (15, 7)


@pytest.mark.parametrize("suffix", [".c", ".cpp"])
def test_a_struct_of_a_header_beside_the_notebook_crosses(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "shapes.h").write_text("#pragma once\nstruct box { float low[2], high[2]; int kind; };\n")
    path = tmp_path / f"notebook{suffix}"
    path.write_text(
        '#include "shapes.h"\nstruct box shifted(struct box b) { b.low[1] += 1; b.kind = -b.kind; return b; }\n'
    )
    got = hotplate.open(path).load("shifted")(((0, 1), (2, 3), 4))
    assert got.dtype == np.dtype([("low", "f4", 2), ("high", "f4", 2), ("kind", "i4")])
    assert (got["low"].tolist(), got["kind"]) == ([0, 2], -4)


# In arrays


def test_arrays_of_structs_cross(load: Callable[[str], Any]) -> None:
    flips = load("flips")
    points = np.array([(1, 2), (3, 4)], flips.dtype("points"))
    assert flips(points).tolist() == [(2, 1), (4, 3)]
    assert flips(points[:0]).tolist() == []


def test_a_plain_dtype_with_the_same_fields_is_the_same(load: Callable[[str], Any]) -> None:
    points = np.array([(1, 2)], [("x", "f8"), ("y", "f8")])
    assert load("flips")(points).tolist() == [(2, 1)]


def test_a_packed_struct_may_lie_anywhere(notebooks: dict[str, Any]) -> None:
    total = notebooks["c"].load("total")
    assert total.dtype("parts").itemsize == 9
    parts = np.array([(1, 2.5), (2, 3.5), (3, 4.5)], total.dtype("parts"))
    assert total(parts[1:]) == 8.0
    assert notebooks["c"].load("loosen")((1, 2.5)).item() == (1, -2.5)


@pytest.mark.parametrize(
    "dtype",
    [
        [("x", "f8"), ("z", "f8")],
        [("y", "f8"), ("x", "f8")],
        [("x", "f4"), ("y", "f8")],
        [("x", "f8"), ("y", "f8"), ("z", "f8")],
        [("x", ">f8"), ("y", "f8")],
        {"names": ["x", "y"], "formats": ["f8", "f8"], "offsets": [0, 8], "itemsize": 24},
        "f8",
    ],
    ids=["name", "order", "type", "one more", "byte order", "size", "no struct"],
)
def test_another_dtype_is_refused_with_the_way_to_the_right_one(load: Callable[[str], Any], dtype: Any) -> None:
    points = np.zeros(3, dtype)
    message = r"^flips: points wants vec2\[n\], got .*\[3\]; make it with dtype=nb.load\('flips'\).dtype\('points'\)$"
    with pytest.raises(InputError, match=message):
        load("flips")(points)


# What does not fit by value


@pytest.mark.parametrize(
    "value",
    [1.0, (1.0,), (1.0, 2.0, 3.0), {"x": 1.0}, {"x": 1.0, "y": 2.0, "z": 3.0}, [1.0, 2.0], None, "ab",
     np.array((1, 2), [("x", "f4"), ("y", "f4")])[()]],
    ids=["number", "short", "long", "a field less", "a field more", "list", "None", "text", "another record"],
)  # fmt: skip
def test_a_value_without_the_structs_fields_is_refused_with_their_names(load: Callable[[str], Any], value: Any) -> None:
    with pytest.raises(
        InputError, match=r"^flip: v wants vec2, got .*; pass a mapping or a tuple with the fields x, y$"
    ):
        load("flip")(value)


@pytest.mark.parametrize(
    ("value", "field", "why"),
    [
        ((1.5, 1.0, 1), "tag", "float 1.5"),
        ((1, "2.0", 1), "value", "str '2.0'"),
        ((1, None, 1), "value", "None"),
        ((1, 1.0, True), "count", "bool True"),
        ((200, 1.0, 1), "tag", "200"),
        ((1, 1.0, 2**15), "count", "32768"),
        (([1], 1.0, 1), "tag", "list"),
    ],
)
def test_a_field_is_as_strict_as_a_parameter(load: Callable[[str], Any], value: Any, field: str, why: str) -> None:
    with pytest.raises(InputError, match=rf"^bump: p\.{field} wants .*{re.escape(why)}"):
        load("bump")(value)


def test_a_field_that_is_an_array_takes_exactly_its_shape(c: Callable[[str], Any]) -> None:
    with pytest.raises(InputError, match=r"^moved: b\.id wants int32\[3\]"):
        c("moved")(((1.0, 2.0), 3.0, (4, 5), False), 0.5)


def test_an_array_of_structs_is_no_struct(load: Callable[[str], Any]) -> None:
    with pytest.raises(InputError, match=r"flip: v wants vec2, got .*: 1 dimensions where 0 must be"):
        load("flip")(np.zeros(1, load("flip").dtype("v")))
