"""What a Python worker and its controller say to each other: one packet a message, large values beside it.

Both sides import this module, the worker by its path and without the package: it needs nothing but Python itself.
The worker runs the program's own code and its answers are unpickled: this guards against accidents, not malice.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import socket
import struct
import sys
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

assert sys.platform == "linux"

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

PROTOCOL = 1
"""Told by the worker with READY: the files of an installation may have been replaced since the controller started."""

INLINE = 1 << 16
"""Bytes; a body below travels in the packet, any other in a sealed memfd that the packet carries."""

LOADING, CALLING, RETURNING = "loading", "calling", "returning"
"""The phases of a call: taking the function and its arguments, running it, making the answer of its result."""

CRASH_AT = 16
"""Where in the page that both sides share faulthandler writes. The number of the call to interrupt is before it."""

_ALIGN = 64
_ANCILLARY = socket.CMSG_SPACE(4 * 253)  # as many descriptors as the kernel puts into one packet
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
_HEADER = struct.Struct("<IIQ16s")
_COUNT = struct.Struct("<Q")
_ENTRY = struct.Struct("<QQQ")  # the arena's number or _OWN, offset, size
_OWN = 2**64 - 1


class Kind(IntEnum):
    """What a message is about."""

    READY = 1
    """From the worker, once: calls may come."""
    SETUP = 2
    """To the worker: the list of `sys.path`, and the working directory."""
    CALL = 3
    """To the worker: the function, empty where its key is known, and the arguments."""
    DONE = 4
    """From the worker: the value."""
    RAISED = 5
    """From the worker: a Report, and the pickled exception, which may be empty."""


class Report(NamedTuple):
    """How a call failed, in plain values that any process can read."""

    type: str
    message: str
    traceback: str
    phase: str
    """LOADING, CALLING or RETURNING."""
    interrupted: bool = False
    """Whether it is the KeyboardInterrupt that was asked for."""


class Reference(NamedTuple):
    """A piece of shared memory: in the memfd `descriptor`, which is known to the other side as `block`."""

    block: int
    descriptor: int
    offset: int
    size: int


class Shared(Protocol):
    """Memory that both processes have mapped, so that arrays in it need not be copied."""

    def place(self, array: NDArray[np.uint8]) -> Reference | None:
        """Where these bytes lie in shared memory; None when they do not."""

    def view(self, reference: Reference) -> NDArray[np.uint8]:
        """The bytes at a reference, read-only. Its `descriptor` means nothing here. Raises ValueError."""


Part = bytes | memoryview | Reference


class ProtocolError(Exception):
    """The other side sent what makes no sense."""


class Message(NamedTuple):
    """One message. `parts` are read-only and live as long as anything refers to them."""

    kind: Kind
    number: int
    key: bytes
    parts: Sequence[memoryview]


class Link:
    """One end of the connection. For one thread at a time."""

    def __init__(self, connection: socket.socket, shared: Shared | None = None) -> None:
        self._socket = connection
        self.shared = shared
        self._arenas = shared if isinstance(shared, Arenas) else None
        self._buffer = bytearray(2 * INLINE)
        self._told: set[int] = set()
        """The arenas whose descriptors the other side has."""

    def send(
        self,
        kind: Kind,
        number: int = 0,
        key: bytes = b"",
        parts: Sequence[Part] = (),
        sending: Callable[[], None] | None = None,
    ) -> None:
        """Sends one message. Raises OSError when the other side is gone, or there is no memory for it.

        `sending` is called when all of it is prepared, right before it goes.
        """
        body = _Body(parts)
        arenas = self._untold(parts)
        if body.size < INLINE:
            self._send(_HEADER.pack(kind, number, 0, key) + body.inline(), list(arenas.values()), sending)
        else:
            block = body.write_block()
            try:
                self._send(_HEADER.pack(kind, number, body.size, key), [block, *arenas.values()], sending)
            finally:
                os.close(block)
        self._told.update(arenas)

    def _untold(self, parts: Sequence[Part]) -> dict[int, int]:
        """The descriptors of the arenas that the other side has yet to map, in the order in which it meets them."""
        references = [part for part in parts if isinstance(part, Reference) and part.descriptor >= 0]
        return {part.block: part.descriptor for part in references if part.block not in self._told}

    def _send(self, packet: bytes, descriptors: list[int], sending: Callable[[], None] | None) -> None:
        if sending is not None:
            sending()
        if descriptors:
            socket.send_fds(self._socket, [packet], descriptors)
        else:
            self._socket.send(packet)

    def receive(self) -> Message | None:
        """Waits for one message; None: the other side is gone. Raises ProtocolError, BlockingIOError."""
        descriptors: list[int] = []
        try:
            try:
                size, ancillary, flags, _ = self._socket.recvmsg_into([self._buffer], _ANCILLARY)
            except ConnectionResetError:
                return None
            for _level, _type, data in ancillary:
                descriptors += struct.unpack(f"={len(data) // 4}i", data[: len(data) // 4 * 4])
            if not size:
                return None
            if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC) or size < _HEADER.size:
                raise ProtocolError(f"a packet of {size} bytes is too short or too long")
            return self._parse(size, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _parse(self, size: int, descriptors: list[int]) -> Message:
        kind, number, length, key = _HEADER.unpack_from(self._buffer)
        given = iter(descriptors)
        if length:
            body = _map_block(next(given, -1), length)
        else:
            body = memoryview(bytes(memoryview(self._buffer)[_HEADER.size : size]))
        parts = [self._part(body, entry, given) for entry in _entries(body)]
        try:
            return Message(Kind(kind), number, key, parts)
        except ValueError:
            raise ProtocolError(f"no message is of kind {kind}") from None

    def _part(self, body: memoryview, entry: tuple[int, int, int], given: Iterator[int]) -> memoryview:
        block, offset, size = entry
        if block == _OWN:
            if offset + size > len(body):
                raise ProtocolError("a packet is shorter than it says")
            return body[offset : offset + size]
        if self._arenas is not None and block not in self._arenas:
            self._arenas.add(block, next(given, -1))
        if self.shared is None:
            raise ProtocolError("a packet names memory that is not shared")
        try:
            return self.shared.view(Reference(block, -1, offset, size)).data
        except ValueError as error:
            raise ProtocolError(str(error)) from None


class Arenas:
    """The worker's side of shared memory: maps what the controller names, and finds arrays in there again."""

    def __init__(self) -> None:
        self._blocks: dict[int, NDArray[np.uint8]] = {}

    def __contains__(self, block: int) -> bool:
        return block in self._blocks

    def add(self, block: int, descriptor: int) -> None:
        """Maps a whole memfd, read-only. Raises ProtocolError when there is none."""
        if descriptor < 0:
            raise ProtocolError(f"shared memory {block} came without its descriptor")
        import numpy as np

        mapped = mmap.mmap(descriptor, os.fstat(descriptor).st_size, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
        self._blocks[block] = np.frombuffer(mapped, np.uint8)

    def place(self, array: NDArray[np.uint8]) -> Reference | None:
        """See Shared."""
        start = array.ctypes.data
        for number, block in self._blocks.items():
            offset = start - block.ctypes.data
            if offset >= 0 and offset + array.nbytes <= block.nbytes:
                return Reference(number, -1, offset, array.nbytes)
        return None

    def view(self, reference: Reference) -> NDArray[np.uint8]:
        """See Shared."""
        block = self._blocks.get(reference.block)
        if block is None or reference.offset + reference.size > block.nbytes:
            message = f"there is no shared memory {reference.block} of that size"
            raise ValueError(message)
        return block[reference.offset : reference.offset + reference.size]


class _Body:
    """The table of the parts, then the parts that lie nowhere else."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.size = _COUNT.size + _ENTRY.size * len(parts)
        self._pieces: list[tuple[int, bytes | memoryview]] = []
        table = [_COUNT.pack(len(parts))]
        for part in parts:
            if isinstance(part, Reference):
                table.append(_ENTRY.pack(part.block, part.offset, part.size))
                continue
            self.size += -self.size % _ALIGN
            table.append(_ENTRY.pack(_OWN, self.size, len(part)))
            self._pieces.append((self.size, part))
            self.size += len(part)
        self._pieces.insert(0, (0, b"".join(table)))

    def inline(self) -> bytearray:
        body = bytearray(self.size)
        for offset, piece in self._pieces:
            body[offset : offset + len(piece)] = piece
        return body

    def write_block(self) -> int:
        """A new memfd with everything in it, which nobody can change any more: whoever maps it may rely on it."""
        descriptor = os.memfd_create("hotplate-value", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(descriptor, self.size)
            # Written, not mapped: 37 ms against 44 for 64 MiB, as no page is faulted in.
            for offset, piece in self._pieces:
                _write_all(descriptor, memoryview(piece), offset)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor


def _write_all(descriptor: int, data: memoryview, offset: int) -> None:
    while len(data):
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written


def _map_block(descriptor: int, length: int) -> memoryview:
    if descriptor < 0:
        raise ProtocolError("a packet lacks its memory")
    seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    if seals & _SEALS != _SEALS or os.fstat(descriptor).st_size < length:
        raise ProtocolError("a packet's memory is shorter than it says, or could change")
    # Private, because kernels before 6.7 refuse to share what is sealed. Nobody writes, so no page is ever copied.
    return memoryview(mmap.mmap(descriptor, length, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ))


def _entries(body: memoryview) -> list[tuple[int, int, int]]:
    if len(body) < _COUNT.size:
        raise ProtocolError("a packet has no table")
    count = _COUNT.unpack_from(body)[0]
    end = _COUNT.size + _ENTRY.size * count
    if end > len(body):
        raise ProtocolError("a packet's table is cut short")
    return list(_ENTRY.iter_unpack(body[_COUNT.size : end]))
