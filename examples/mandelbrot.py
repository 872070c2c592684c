"""Draws mandelbrot.cpp as a PNG file: native cells compute the pixels, a Python cell packs them.

python examples/mandelbrot.py [FILE.png]
"""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np

import hotplate

nb = hotplate.open(Path(__file__).with_suffix(".cpp"))


@nb.cell
def png(pixels: np.ndarray) -> bytes:
    """The picture as a PNG file: signature, header, one compressed stream of rows, end (RFC 2083)."""
    height, width, _ = pixels.shape
    # A row starts with the number of its filter. 2, "up", stores differences to the row above, which compress better.
    above = np.vstack([np.zeros_like(pixels[:1]), pixels[:-1]])
    rows = np.insert((pixels - above).reshape(height, -1), 0, 2, axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND")
    )


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """A piece of a PNG file: its length, kind and data, and the checksum of the last two."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "mandelbrot.png")
    run = nb.run()
    path.write_bytes(run["png"])
    print(f"{path}: {run['width']} x {run['height']} pixels")
