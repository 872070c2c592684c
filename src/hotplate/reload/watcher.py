"""Tells that the content of files has changed: events and polls say where to look, hashes what is true."""

from __future__ import annotations

import logging
import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from hotplate.reload.contents import EMPTY, Look, first_look, look
from hotplate.reload.directories import Directories
from hotplate.reload.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

log = logging.getLogger("hotplate")

# A file that is missing or empty may be in the middle of a save (vim moves it away, VS Code truncates it): it is
# believed only after this many seconds.
_SAVING = 0.2

_POLL = 0.1  # s, for files that may change without an event
_SWEEP = 2.5  # s, for all: events get lost in overflowing queues, and never come for writes through mmap or a hard link
_SHARE = 0.05  # of one processor that looking at stamps may take, however many files there are


class Window:
    """When a burst of changes is over: `quiet` seconds after its last one, at most `cap` after its first."""

    def __init__(self, quiet: float, cap: float) -> None:
        self._quiet, self._cap = quiet, cap
        self._end = self.due = math.inf

    def touch(self, now: float) -> None:
        """Notes a change."""
        self._end = min(self._end, now + self._cap)
        self.due = min(now + self._quiet, self._end)

    def close(self) -> None:
        """Begins anew: nothing is due."""
        self._end = self.due = math.inf


@dataclass(slots=True)
class _File:
    path: Path
    told: str | None
    seen: Look
    believed: float = math.inf  # when it is taken for missing or empty

    @classmethod
    def of(cls, name: str, path: Path, known: Self | None) -> Self:
        """The file as it is known, or else as it is now."""
        if known is None:
            seen = first_look(name)
            return cls(path, seen.digest, seen)
        known.path = path
        return known


class Watcher:
    """Tells when the content of files has changed. A context manager; thread-safe; started once.

    `changed` gets the files whose content is not what it was when `watch` took them or when they were last told, by
    the names that `watch` was given: `quiet` seconds after the last change, at most `cap` seconds after the first;
    a file that vanished or was emptied 0.2 s later, in case it is being saved. It runs on one thread, one call at a
    time; what changes meanwhile is told after it. If it raises, that is logged, kept in `error`, and watching goes on.

    With `polling`, and where events don't come (network file systems, the limits of inotify), files are looked at
    every 100 ms. A write through mmap or another hard link causes no event anywhere, and is told within 3 s.
    """

    def __init__(
        self,
        changed: Callable[[frozenset[Path]], None],
        *,
        quiet: float = 0.04,
        cap: float = 0.5,
        polling: bool = False,
    ) -> None:
        self._changed = changed
        self._polling = polling
        self._error: BaseException | None = None
        self._books = threading.Lock()  # for the files; taken before _signal, never after
        self._files: dict[str, _File] = {}
        self._signal = threading.Condition()  # for the three below
        self._touched: set[str] = set()
        self._window = Window(quiet, cap)
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._doubtful: set[str] = set()  # files that seem missing or empty; this and the rest is for the thread
        self._polled: frozenset[Path] = frozenset()
        self._failed = False
        self._swept, self._sweep_took = time.monotonic(), 0.0

    def watch(self, files: Iterable[Path]) -> None:
        """Watches these files and no others; missing ones, too. A file that was watched before stays as it was told.

        What a new file holds now is not told: read files after this, or compare them, and no change is missed.
        """
        wanted = {str(path.absolute()): path for path in files}
        with self._books:
            new = wanted.keys() - self._files.keys()
            self._files = {name: _File.of(name, path, self._files.get(name)) for name, path in wanted.items()}
        self._touch(new)

    def used(self, digests: Mapping[Path, str | None]) -> None:
        """Says what the caller last read of watched files: XXH3-128 in hex, or None if there was nothing to read.

        A file that holds anything else is told. Else a save that ends as it began, but was read in the middle, would
        leave the caller with what it read; and so would one between reading a file and beginning to watch it.
        """
        held = {str(path.absolute()): digest for path, digest in digests.items()}
        with self._books:
            other = [name for name in held if name in self._files and self._files[name].told != held[name]]
            for name in other:
                self._files[name].told = held[name]
        if other:
            self._touch(other)

    def start(self) -> None:
        """Begins to tell, of changes since `watch`, too."""
        with self._books:
            if self._thread is not None or self._stopping:
                raise RuntimeError("a watcher is started once: make a new one")
            directories = Directories(self._touch, None if self._polling else open_source)
            self._thread = threading.Thread(target=self._run, args=(directories,), name="hotplate-watcher", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends it and waits for its threads, from any thread; `changed` is not called after this.

        Called by `changed` itself, it returns at once, and the threads end after `changed` has returned.
        """
        with self._signal:
            self._stopping = True
            self._signal.notify()
        with self._books:  # not in the middle of a start
            thread = self._thread
        if thread not in (None, threading.current_thread()):
            thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def error(self) -> BaseException | None:
        """The last thing that went wrong: `changed` raised, or events ended and files are polled instead."""
        return self._error

    @property
    def polled(self) -> frozenset[Path]:
        """The files that are polled because changes of them may come without an event."""
        return self._polled

    def _touch(self, names: Iterable[str] | None) -> None:
        """Notes that these files may have changed; None: all."""
        with self._signal:
            blocked = self._window.due == math.inf
            self._touched.update(self._files if names is None else names)
            self._window.touch(time.monotonic())
            if blocked:
                self._signal.notify()

    def _run(self, directories: Directories) -> None:
        try:
            while self._wait():
                try:
                    self._turn(directories)
                except Exception as error:
                    self._error = error
                    self._failed = True
                    log.exception("an error while files are watched; they are all looked at again soon")
        finally:
            directories.close()

    def _wait(self) -> bool:
        """Blocks until something is due; False when it is to stop."""
        files = self._files
        self._doubtful &= files.keys()
        others = min([self._next_sweep(), *(files[name].believed for name in self._doubtful)])
        with self._signal:
            while not self._stopping:
                left = min(self._window.due, others) - time.monotonic()
                if left <= 0:
                    return True
                self._signal.wait(left)
        return False

    def _turn(self, directories: Directories) -> None:
        if time.monotonic() >= self._next_sweep():
            self._sweep(directories)
        changed = self._compare(directories)
        if changed and not self._stopping:
            self._changed(changed)

    def _compare(self, directories: Directories) -> frozenset[Path]:
        """The files to tell of, after a burst of changes that may concern them."""
        names = self._end_of_burst()
        with self._books:
            if names is not None:
                directories.follow(self._files, names)
                self._polled = frozenset(file.path for name, file in self._files.items() if directories.silent(name))
            due = (names or set()) | self._doubtful
            return frozenset(self._files[name].path for name in due & self._files.keys() if self._differs(name))

    def _end_of_burst(self) -> set[str] | None:
        with self._signal:
            if time.monotonic() < self._window.due:
                return None
            names, self._touched = self._touched, set()
            self._window.close()
            return names

    def _differs(self, name: str) -> bool:
        """Whether a file's content is other than was told. If so, the new one counts as told."""
        file = self._files[name]
        file.seen = look(name, file.seen)
        now = time.monotonic()
        if file.seen.digest in (None, EMPTY) and file.seen.digest != file.told:
            file.believed = min(file.believed, now + _SAVING)
            self._doubtful.add(name)
            if now < file.believed:
                return False
        self._doubtful.discard(name)
        file.believed = math.inf
        file.told, before = file.seen.digest, file.told
        return file.told != before

    def _sweep(self, directories: Directories) -> None:
        """Looks at all stamps, for the changes that no event told of."""
        began = time.monotonic()
        if directories.lost():
            self._error = RuntimeError("events of file changes have ended; files are polled from here on")
            log.error("%s", self._error)
        with self._books:
            changed = [name for name in self._files if self._changed_silently(name)]
        if changed or self._failed:
            self._touch(None if self._failed else changed)
            self._failed = False
        self._swept = time.monotonic()
        self._sweep_took = self._swept - began

    def _next_sweep(self) -> float:
        return self._swept + max(_POLL if self._polled else _SWEEP, self._sweep_took / _SHARE)

    def _changed_silently(self, name: str) -> bool:
        file = self._files[name]
        before, file.seen = file.seen, look(name, file.seen)
        return (before.stamp, before.digest) != (file.seen.stamp, file.seen.digest)
