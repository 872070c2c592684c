"""RemoteLibrary: a cell's library as workers have described it. Libraries: those of one pool."""

from __future__ import annotations

import itertools
import threading
import weakref
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from hotplate.abi import ffi, handshake, lib, read_descriptor
from hotplate.errors import LoadError
from hotplate.load.trial import has_initialisers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from hotplate.execute.workers.worker import Worker


MOST_PRELOADED = 16
"""Libraries that a worker opens before it is asked to."""


class RemoteLibrary:
    """A cell's library that workers load; nothing of it is in this process but its description."""

    def __init__(self, path: Path, unit_key: str | None, description: bytes, number: int) -> None:
        """Raises HandshakeError for what is no cell of this interface, LoadError for nonsense."""
        self.path = path
        self.number = number
        if not description:
            handshake(ffi.NULL, str(path))
        handle = lib.hp_library_remote(ffi.from_buffer("uint8_t[]", description), len(description), number)
        if handle == ffi.NULL:
            raise LoadError(f"what {path} says of its cell makes no sense; build the cell again")
        self.handle = ffi.gc(handle, lib.hp_library_remote_free)
        self.raw_cell = lib.hp_library_cell(self.handle)
        handshake(self.raw_cell, str(path), unit_key)
        self.descriptor = read_descriptor(self.raw_cell)

    @cached_property
    def is_silent(self) -> bool:
        """Whether nothing of the user's runs when it is opened, so that nobody notices."""
        return not has_initialisers(self.path)


class Libraries:
    """The libraries of one pool, each known by one number to all of its workers. Thread-safe."""

    def __init__(self) -> None:
        self._known: weakref.WeakValueDictionary[tuple[Path, str | None], RemoteLibrary]
        self._known = weakref.WeakValueDictionary()
        self._numbers = itertools.count(1)
        self._outdated: set[int] = set()
        """The numbers of libraries that nobody holds any more, and some worker may still have loaded."""
        self._lock = threading.Lock()

    def get(self, path: Path, unit_key: str | None, describe: Callable[[Path, int], bytes]) -> RemoteLibrary:
        """The library at an absolute path; `describe` has a worker open it under a number. Raises what that raises."""
        with self._lock:
            known = self._known.get((path, unit_key))
            number = next(self._numbers)
        if known is None:
            known = RemoteLibrary(path, unit_key, describe(path, number), number)
            weakref.finalize(known, self._outdated.add, number).atexit = False
            with self._lock:
                known = self._known.setdefault((path, unit_key), known)
        return known

    def preload(self, worker: Worker) -> None:
        """Has a worker open the newest ones before a call asks for them, if that is silent. Raises WorkerDied."""
        with self._lock:
            known = sorted(self._known.values(), key=lambda library: -library.number)
        for library in known[:MOST_PRELOADED]:
            if library.is_silent:
                with suppress(LoadError):  # a call that needs it says what is wrong
                    worker.open(library.path, library.number)

    def outdated(self, loaded: set[int]) -> set[int]:
        """Those of the numbers whose library nobody calls any more."""
        return loaded & self._outdated

    def forget(self, numbers: Iterable[int]) -> None:
        """Numbers of outdated libraries that no worker has any more."""
        self._outdated.difference_update(numbers)

    def forget_parent(self) -> None:
        """In a child that was forked: whoever had the lock is not there."""
        self._lock = threading.Lock()
