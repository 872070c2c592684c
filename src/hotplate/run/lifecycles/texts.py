"""TextCutter: a stream of bytes as texts of limited size."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 1 << 16
"""Bytes that a text has at most, as UTF-8."""
_LONGEST = 3
"""Bytes that a part of a character has at most."""


class TextCutter:
    """Cuts one stream between characters. Bytes that are no UTF-8 become U+FFFD."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, data: bytes) -> Iterator[str]:
        """The texts that the next bytes make. The beginning of a character is kept until the rest of it comes."""
        step = PIECE - _LONGEST
        for at in range(0, len(data), step):
            yield from _pieces(self._decoder.decode(data[at : at + step]))

    def resume(self, data: bytes) -> tuple[bytes, int]:
        """Bytes are missing before `data`: returns it without the rest of a character, and how many bytes are lost.

        Those are what the gap leaves of characters on its two sides.
        """
        lost = len(self._decoder.getstate()[0])
        self._decoder.reset()
        start = 0
        while start < min(_LONGEST, len(data)) and data[start] & 0xC0 == 0x80:
            start += 1
        return data[start:], lost + start

    def end(self) -> str:
        """What is left of a character that never became whole."""
        return self._decoder.decode(b"", final=True)


def _pieces(text: str) -> Iterator[str]:
    """A text in parts that are small enough as UTF-8; a replaced byte takes three there."""
    fits = len(text) * 4 <= PIECE or len(text.encode()) <= PIECE
    step = len(text) if fits else PIECE // 4
    for at in range(0, len(text), step or 1):
        yield text[at : at + step]
