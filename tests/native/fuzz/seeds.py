"""Writes the seeds of both fuzz targets: one well-formed input of every kind, from which a fuzzer finds the others.

python tests/native/fuzz/seeds.py
"""

from __future__ import annotations

import struct
from pathlib import Path

HERE = Path(__file__).parent
MAGIC = 0x31574850
SAY_DONE, SAY_REFUSED, SAY_WAKE = 16, 17, 6
SCALAR, TEXT, TENSOR = 1, 2, 3
PORT_SCALAR, PORT_TEXT, PORT_ARRAY, PORT_DYNAMIC = 0, 1, 2, 4
FLOAT64 = 2 | 64 << 8 | 1 << 16
TOKEN_ARENA, TOKEN_PLACE = 0xA4E0A4E0 << 32, 0x0FF50FF5 << 32


def words(*numbers: int) -> bytes:
    return struct.pack(f"={len(numbers)}Q", *numbers)


def text(value: str) -> bytes:
    data = value.encode()
    return words(len(data)) + data + b"\0" * (8 - len(data) % 8)


def part(data: bytes) -> bytes:
    return struct.pack("<H", len(data)) + data


def tensor(arena: int, offset: int, shape: list[int]) -> bytes:
    strides = [1] * len(shape)
    for axis in reversed(range(len(shape) - 1)):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    return words(arena, offset, FLOAT64, len(shape), *shape, *strides)


# ---- what a worker says ----


def description() -> bytes:
    inner = words(1) + text("inner") + words(8, 1) + text("x") + words(0, FLOAT64, 0, 0, 0, 0, 0) + words(0)
    record = words(1) + text("outer") + words(16, 2)
    record += text("a") + words(0, FLOAT64, 1, 2, 0, 0, 0) + words(0)
    record += text("b") + words(8, FLOAT64, 0, 0, 0, 0, 0) + inner
    port_in = text("points") + words(PORT_ARRAY, FLOAT64) + record + words(3) + text("n") + text("2 * n + 1")
    port_out = text("found") + words(PORT_DYNAMIC, FLOAT64, 0, 0)
    head = words(88, 1) + text("cell") + text("int cell(int)") + text("key") + text("gcc 12") + words(1)
    return head + words(1) + text("N") + words(42) + words(1) + port_in + words(1) + port_out


def answer(outputs: bytes, state: bytes = words(0)) -> bytes:
    return words(0) + text("") + state + outputs


def calls_answered() -> dict[str, bytes]:
    forms = [PORT_ARRAY, PORT_SCALAR, PORT_TEXT, PORT_DYNAMIC, PORT_DYNAMIC]
    head = bytes([2, len(forms), *forms])
    given = words(TENSOR, SCALAR, 7, 0, TEXT) + text("said")
    arrays = words(TENSOR) + tensor(TOKEN_ARENA, TOKEN_PLACE | 256, [3, 2])
    arrays += words(TENSOR) + tensor(TOKEN_ARENA, TOKEN_PLACE | 0, [4])
    kept = words(1, TOKEN_PLACE | 4096, 32, 1)
    bits = words(TENSOR, TOKEN_ARENA, TOKEN_PLACE, 2 | 7 << 8 | 64 << 16, 1, 1000, 1)
    endless = words(TENSOR, TOKEN_ARENA, TOKEN_PLACE, FLOAT64, 3, 0, 2, 1 << 62, 1, 1 << 62, 1)
    return {
        "answer": head + b"\0" + answer(given + arrays),
        "answer-empty": head + b"\0" + answer(given + words(TENSOR) + tensor(TOKEN_ARENA, TOKEN_PLACE, [0]) + words(0)),
        "answer-state": head + b"\1" + answer(given + arrays, kept),
        "answer-failure": head + b"\0" + words(1) + text("it failed"),
        "answer-of-bits": bytes([2, 1, PORT_DYNAMIC]) + b"\0" + answer(bits),
        "answer-endless": bytes([2, 1, PORT_DYNAMIC]) + b"\0" + answer(endless),
        "answer-one": bytes([2, 1, PORT_DYNAMIC]) + b"\0" + answer(arrays),
    }


def messages() -> bytes:
    own_head = bytes([0x80]) + struct.pack("=IIQ", MAGIC, SAY_DONE, 8) + words(1)
    parts = [bytes([SAY_WAKE]), bytes([SAY_DONE]) + description(), bytes([SAY_REFUSED]) + text("no"), own_head]
    return b"\1" + b"".join(map(part, parts))


# ---- what a controller says ----


def call(number: int, state: bytes = words(0)) -> bytes:
    given = words(SCALAR, number, 0, TEXT) + text("some text") + words(TENSOR) + tensor(1, 64, [4, 3])
    results = words(PORT_ARRAY) + tensor(2, 0, [8]) + words(PORT_SCALAR, PORT_TEXT, PORT_DYNAMIC)
    regions = words(2, 2, 4096, 1024, 8192, 24576)
    return words(1) + regions + state + words(3) + given + words(4) + results


def requests() -> dict[str, bytes]:
    policy = words(1, 1) + text("no policy")
    opened = bytes([3]) + words(5) + text("/a/library.so") + b""
    arena = bytes([2]) + words(9, 4096, 1)
    other_call = bytes([0x20]) + call(10).replace(words(1), words(5), 1)
    return {
        "hello": part(bytes([1]) + policy),
        "libraries": part(arena) + part(opened) + part(other_call) + part(bytes([4]) + words(5)) + part(bytes([6])),
        "refused": part(bytes([3]) + words(6) + text("!missing")) + part(bytes([4]) + words(77)) + part(bytes([5])),
        "call": part(bytes([0x20]) + call(300)),
        "call-text": part(bytes([0x20]) + call(301)),
        "call-length": part(bytes([0x21]) + words(len(call(8)) + 8) + call(8)),
        "call-failing": part(bytes([0x20]) + call(0x10000)),
        "call-state": part(b"\x20" + call(0xC000 | 48)) + part(b"\x20" + call(0xC000, words(1, 512, 64, 1))),
    }


def main() -> None:
    said = {"description": b"\0" + description(), "messages": messages(), **calls_answered()}
    for side, seeds in (("controller", said), ("worker", requests())):
        folder = HERE / "corpus" / side
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
