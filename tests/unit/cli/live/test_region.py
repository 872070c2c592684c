"""The region: its bytes, read by a terminal of a few lines of Python."""

from __future__ import annotations

import re

import pytest

from hotplate.cli.live.region import LONG, Region, harmless


class Screen:
    """A terminal that knows what the region uses. Lines that leave it at the top are kept."""

    def __init__(self, height: int = 8) -> None:
        self.height = height
        self.lines = [""]
        self.row = self.column = 0
        self.cursor = True
        self.writes = 0

    def write(self, data: bytes) -> None:
        self.writes += 1
        for match in re.finditer(r"\x1b\[(\??)(\d*)([A-Za-z])|\r|\n|[^\x1b\r\n]+", data.decode()):
            text, (private, number, letter) = match[0], match.groups()
            if text == "\r":
                self.column = 0
            elif text == "\n":
                self.row, self.column = self.row + 1, 0
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif letter is None:
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[: self.column] + text + line[self.column + len(text) :]
                self.column += len(text)
            elif private:
                self.cursor = letter == "h" if number == "25" else self.cursor
            elif letter == "A":
                self.row = max(self.row - int(number), len(self.lines) - self.height, 0)
            elif letter == "K":
                self.lines[self.row] = self.lines[self.row][: self.column]
            elif letter == "J":
                self.lines[self.row :] = [self.lines[self.row][: self.column]]
            elif letter == "H":
                self.row = max(len(self.lines) - self.height, 0)

    @property
    def shown(self) -> list[str]:
        return [line for line in self.lines if line]


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def region(screen: Screen) -> Region:
    return Region(screen.write)


@pytest.mark.parametrize("below", [False, True])
def test_a_picture_replaces_the_one_before(screen: Screen, region: Region, below: bool) -> None:
    region.draw([b"one", b"two", b"three"], 20, below=below)
    region.draw([b"1", b"two"], 20)
    region.draw([b"uno"], 20, below=below)
    assert screen.shown == ["uno"]
    assert not screen.cursor


def test_the_same_picture_costs_nothing(screen: Screen, region: Region) -> None:
    region.draw([b"one"], 20)
    region.draw([b"one"], 20)
    assert screen.writes == 1


@pytest.mark.parametrize("below", [False, True])
def test_output_goes_past_above_in_its_order(screen: Screen, region: Region, below: bool) -> None:
    region.draw([b"view", b"end"], 20, below=below)
    for number in range(12):
        region.print(b"line %d\n" % number)
    assert screen.shown == [*(f"line {number}" for number in range(12)), "view", "end"]


@pytest.mark.parametrize("below", [False, True])
def test_a_line_without_an_end_is_the_first_of_the_view_until_it_ends(
    screen: Screen, region: Region, below: bool
) -> None:
    region.draw([b"view"], 20, below=below)
    region.print(b"first\nhalf")
    assert screen.shown == ["first", "half", "view"]
    region.print(b" and half\r10 %\r20 %")
    assert screen.shown == ["first", "20 %", "view"]
    region.print(b"\n")
    assert screen.shown[0] == "first"
    assert screen.shown[2:] == ["view"]


def test_a_line_without_an_end_is_cut_to_the_width_while_it_stands_in_the_view(screen: Screen, region: Region) -> None:
    region.draw([b"view"], 10)
    region.print(b"x" * 50)
    assert screen.shown == ["x" * 10, "view"]
    region.leave()
    assert screen.shown == ["x" * 50, "view"]


def test_a_very_long_line_is_not_kept_back(screen: Screen, region: Region) -> None:
    region.draw([b"view"], 20)
    region.print(b"x" * (LONG + 1))
    assert screen.shown == ["x" * (LONG + 1), "view"]


def test_leaving_shows_the_cursor_below(screen: Screen, region: Region) -> None:
    region.draw([b"one", b"two"], 20)
    region.leave()
    screen.write(b"$ ")
    assert screen.shown == ["one", "two", "$ "]
    assert screen.cursor
    region.draw([b"three"], 20)
    assert screen.shown == ["one", "two", "$ "], "until it enters again"


def test_output_goes_straight_to_a_terminal_that_was_left(screen: Screen, region: Region) -> None:
    region.leave()
    region.print(b"half")
    assert screen.shown == ["half"]


@pytest.mark.parametrize(
    ("output", "kept"),
    [
        (b"\x1b[1;31mred\x1b[m", b"\x1b[1;31mred\x1b[m"),
        (b"a\x1b[2Jb\x1b[10;10Hc", b"abc"),
        (b"a\x1b[?1049hb\x1b7c\x1b(0d", b"abcd"),
        (b"a\x1b]0;title\x07b\x1b]8;;x\x1b\\c", b"abc"),
        (b"a\x0cb\x0bc\x00d\x7fe", b"abcde"),
        (b"tab\tback\bbell\x07\rnew\n", b"tab\tback\bbell\x07\rnew\n"),
        ("naïve ∑ 日本".encode(), "naïve ∑ 日本".encode()),
        (b"end \x1b", b"end "),
    ],
)
def test_only_what_would_move_the_view_is_taken_out_of_output(output: bytes, kept: bytes) -> None:
    assert harmless(output) == kept
