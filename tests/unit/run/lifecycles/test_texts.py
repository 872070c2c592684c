"""A stream of bytes as texts."""

from __future__ import annotations

import pytest

from hotplate.run.lifecycles.texts import PIECE, TextCutter


def texts(*chunks: bytes) -> list[str]:
    cutter = TextCutter()
    return [*(text for chunk in chunks for text in cutter.add(chunk)), *filter(None, [cutter.end()])]


def test_a_character_that_comes_in_parts_is_in_one_text() -> None:
    assert texts(b"a\xe2", b"\x82", b"\xacb") == ["a", "€b"]


@pytest.mark.parametrize("character", ["x", "é", "€", "𝄞"])
def test_texts_are_no_longer_than_a_piece_and_nothing_is_missing(character: str) -> None:
    whole = character * (3 * PIECE // len(character.encode()) + 1)
    found = texts(b"a" + whole.encode())
    assert "".join(found) == "a" + whole
    assert max(len(text.encode()) for text in found) <= PIECE


def test_bytes_that_are_no_text_are_replaced_and_their_texts_are_no_longer_either() -> None:
    found = texts(b"\xff" * PIECE)
    assert "".join(found) == "\ufffd" * PIECE
    assert max(len(text.encode()) for text in found) <= PIECE


def test_a_character_that_never_becomes_whole_is_replaced_at_the_end() -> None:
    assert texts(b"a\xe2\x82") == ["a", "\ufffd"]


def test_what_a_gap_leaves_of_characters_is_no_text_and_counts_as_lost() -> None:
    cutter = TextCutter()
    before = list(cutter.add(b"a\xe2\x82"))
    rest, lost = cutter.resume(b"\x82\xacb")
    assert (before, list(cutter.add(rest)), lost) == (["a"], ["b"], 4)


def test_nothing_makes_no_text() -> None:
    assert texts(b"", b"") == []
