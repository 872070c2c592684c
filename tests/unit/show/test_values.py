"""Pictures of values: every kind of array, in bounded work, escaped."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from hotplate.show import sampling
from hotplate.show.colours import palette
from hotplate.show.plots import pixels_of
from hotplate.show.sampling import envelope, places, sample, thinned
from hotplate.show.values import caption, figure, plot
from hotplate.show.words import preview

NAN = np.nan
BODY = np.dtype([("id", "i4"), ("<x>", "f8"), ("p", "i4", (2,))])
HUGE = 10**15
"""Elements that nobody could look at, one after another, in the time of a test or of a life."""


def paths(markup: str) -> list[str]:
    return [path.get("d", "") for path in ElementTree.fromstring(markup).iter("path")]


def points(markup: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for d in paths(markup) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", d)]


def decoded(markup: str) -> list[list[int]]:
    """The pixels of the PNG in an image element."""
    match = re.search(r"base64,([^\"]+)", markup)
    assert match
    data, at, found = base64.b64decode(match[1]), 8, dict[bytes, bytes]()
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + body)
        found[kind] = body
        at += 12 + length
    width, height = struct.unpack_from(">II", found[b"IHDR"])
    assert len(found[b"PLTE"]) == 3 * 256
    raw = zlib.decompress(found[b"IDAT"])
    return [list(raw[row * (width + 1) + 1 :][:width]) for row in range(height)]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.all: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.all.add(tag)
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.all.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: str) -> Tags:
    tags = Tags()
    tags.feed(markup)
    assert not tags.open
    return tags


# ---- lines


def test_a_line_goes_from_left_to_right_and_its_greatest_number_is_on_top() -> None:
    line = points(plot(np.array([0.0, 1, 2, 3]), (100, 20)))
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    assert [y for _, y in line] == sorted((y for _, y in line), reverse=True)
    assert line[0] == (2, 18)
    assert line[-1] == (98, 2)


def test_a_constant_line_is_in_the_middle() -> None:
    assert {y for _, y in points(plot(np.full(9, 7.5), (100, 20)))} == {10.0}


def test_a_gap_divides_the_line_and_a_lone_number_is_a_dot() -> None:
    markup = plot(np.array([1.0, 2, NAN, 3, np.inf, 4, 5]))
    assert len(paths(markup)) == 2
    assert len(list(ElementTree.fromstring(markup).iter("circle"))) == 1


def test_a_line_without_a_number_is_an_empty_picture() -> None:
    assert points(plot(np.full(9, NAN))) == []


def test_no_peak_is_lost_where_there_are_many_numbers_to_a_pixel() -> None:
    line = np.zeros(10_000)
    line[4321], line[777] = 5, -5
    shape = envelope(line, 100)
    assert (shape.high.max(), shape.low.min()) == (5, -5)
    assert (shape.low <= shape.high).all()
    assert len(shape.low) == 100


@pytest.mark.parametrize("dtype", ["i1", "u8", "f2", "f4", "g", "?", "c8", "c16"])
def test_every_type_of_number_is_a_line(dtype: str) -> None:
    assert len(points(plot(np.array([0, 1, 1, 0, 1], dtype=dtype)))) == 5


def test_numbers_at_the_ends_of_their_range_stay_within_the_picture() -> None:
    extreme = np.finfo(np.float64).max
    assert all(0 <= y <= 20 for _, y in points(plot(np.array([-extreme, extreme, 0, 1]), (100, 20))))


def test_a_long_matrix_of_few_columns_is_a_line_for_each() -> None:
    assert len(paths(plot(np.arange(60.0).reshape(20, 3)))) == 3


# ---- matrices


def test_a_matrix_is_an_image_with_its_own_rows_and_columns() -> None:
    image = decoded(plot(np.array([[0.0, 1, 2], [3, 4, NAN]])))
    assert [len(row) for row in image] == [3, 3]
    assert image[0][0] == 0
    assert image[1][1] == 254
    assert image[1][2] == 255


def test_a_matrix_of_few_rows_is_stretched_rather_than_a_strip() -> None:
    markup = plot(np.zeros((20, 1000)), (120, 28))
    assert 'width="120" height="14"' in markup
    assert len(decoded(markup)) == 20


def test_equal_numbers_have_the_colour_in_the_middle() -> None:
    assert set(pixels_of(np.ones((3, 3))).flat) == {127}


def test_a_large_matrix_is_thinned_and_keeps_its_corners() -> None:
    matrix = np.arange(1000.0 * 2000).reshape(1000, 2000)
    thin = thinned(matrix)
    assert thin.shape == (sampling.SIDE, sampling.SIDE)
    assert (thin[0, 0], thin[-1, -1]) == (matrix[0, 0], matrix[-1, -1])


def test_colours_become_lighter_in_even_steps() -> None:
    colours = np.frombuffer(palette(), np.uint8).reshape(-1, 3).astype(float) / 255
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    lightness = np.cbrt(linear @ [0.2126, 0.7152, 0.0722])[::8]  # a step of one is less than a byte shows
    steps = np.diff(lightness)
    assert (steps > 0).all()
    assert steps.max() < 2 * steps.mean()


# ---- bounds


@pytest.mark.parametrize("shape", [(HUGE,), (10**7, 10**8), (10**5, 10**5, 10**5)])
def test_an_array_of_any_size_is_shown_by_a_sample_that_says_so(shape: tuple[int, ...]) -> None:
    array = np.broadcast_to(np.float64(1.5), shape)
    assert len(figure(array)) < 50_000
    assert f"from a sample of 65,536 of {HUGE:,}" in caption(array)


def test_a_sample_is_of_the_whole_array_and_no_larger_than_it_may_be() -> None:
    found = places(10**9, 1024, 64)
    assert len(found) <= sampling.MOST
    assert (found[0], found[-1]) == (0, 10**9 - 1)
    assert sample(np.arange(100)).is_all


def test_of_a_long_list_no_more_is_read_than_fits() -> None:
    class Loud:
        def __repr__(self) -> str:
            read.append(1)
            return "loud"

    read: list[int] = []
    assert len(preview([Loud()] * 10_000, 40)) == 40
    assert len(read) < 50


# ---- the rest


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.array([1.0, NAN, 3, np.inf, NAN]), "float64[5] · 1 to 3, mean 2 · 2 NaN · 1 inf"),
        (np.array([True, False, True, True]), "bool[4] · 0.75 of it true"),
        (np.array([3 + 4j, 0]), "complex128[2] · magnitude 0 to 5, mean 2.5"),
        (np.empty((0, 3)), "float64[0, 3] · empty"),
        (np.full(3, NAN), "float64[3] · 3 NaN"),
        (np.array([1e308, -1e308] * 40), "float64[80] · -1e+308 to 1e+308, mean 0"),
        (np.full(9, 1e308), "float64[9] · 1e+308 to 1e+308, mean 1e+308"),
        (np.zeros(9, BODY), "struct(id, <x>, p)[9] · the first 6 of 9"),
        (np.array(["a", "b"]), "str32[2]"),
        (3.5, "float"),
        (None, ""),
    ],
)
def test_a_caption_says_type_shape_and_range(value: Any, words: str) -> None:
    assert caption(value) == words


def test_structs_are_a_table_of_their_fields() -> None:
    shown = read(figure(np.array([(1, 2.5, (3, 4))], BODY)))
    assert "table" in shown.all
    for part in ("id", "<x>", "2.5", "[3 4]"):
        assert part in shown.text


@pytest.mark.parametrize(
    "value",
    [
        "</div><script>alert(1)</script>",
        np.array(["<img src=x onerror=alert(1)>", "b"]),
        np.array([("<b>",)], dtype=[("<i>", "U9")]),
        np.array([{"<b>": "</figure>"}], dtype=object),
        {"<b>": "&"},
        np.datetime64("2020-01-01"),
        np.array([], dtype="f4"),
        np.float64(2.5),
        (1, 2),
    ],
)
def test_nothing_in_a_value_becomes_markup(value: Any) -> None:
    allowed = {"figure", "figcaption", "div", "br", "table", "tr", "td", "th"}
    assert read(figure(value)).all <= allowed


@pytest.mark.parametrize("value", [1.5, "text", None, np.zeros(3), np.zeros(9, BODY), np.array(["a"] * 9)])
def test_what_has_no_picture_has_none(value: Any) -> None:
    assert plot(value) == ""


class Mute:
    def __repr__(self) -> str:
        raise RuntimeError("nothing to say")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([10**5000], "<list whose repr raises ValueError>"),
        (Mute(), "<Mute whose repr raises RuntimeError>"),
        ([Mute()], "<list whose repr raises RuntimeError>"),
        (np.array([Mute()]), "<ndarray whose repr raises RuntimeError>"),
    ],
)
def test_a_value_that_cannot_say_what_it_is_is_shown_as_that(value: Any, words: str) -> None:
    assert preview(value) == words


def test_long_texts_are_cut() -> None:
    assert len(figure(np.array(["x" * 100_000] * 9))) < 5000
