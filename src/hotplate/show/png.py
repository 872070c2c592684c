"""PNG files of a few thousand pixels, without a library: a palette, and one byte a pixel."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INDEXED = 3


def encode(pixels: np.ndarray[Any, Any], colours: bytes) -> bytes:
    """The file for a matrix of uint8, each the number of a colour (3 bytes); the last of 256 colours is transparent."""
    height, width = pixels.shape
    lines = b"".join(b"\0" + pixels[row].tobytes() for row in range(height))  # no filter: 0 before each line
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _INDEXED, 0, 0, 0)),
        (b"PLTE", colours),
        (b"tRNS", b"\xff" * 255 + b"\0"),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    ]
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
