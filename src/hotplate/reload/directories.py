"""The directories that are watched so that every change of a set of files is heard of."""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate._platform.filesystems import Mounts
from hotplate.reload.lookups import Lookup, lookups, one_pass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hotplate.reload.sources import Report, Source

log = logging.getLogger("hotplate")

# Directories may be replaced while they are looked at. Each round needs such a change; its event brings us back anyway.
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class _Watched:
    identity: tuple[int, int]
    silent: bool


class Directories:
    """Watches, for each file, all directories that its path leads through, and no directory below them.

    So a file is heard of when it is written, replaced or reached through another symbolic link, and when a folder
    above it is renamed, replaced or made. One thread calls it; `touched` is called, with the files that an event may
    concern (None: all), from a thread of the source. Without a source, or where it fails, files are `silent`.
    """

    def __init__(
        self,
        touched: Callable[[Iterable[str] | None], None],
        source: Callable[[Report], Source] | None,
        mounts: Callable[[], Mounts] = Mounts.read,
    ) -> None:
        self._touched = touched
        self._mounts = mounts
        self._lookups: dict[str, tuple[Lookup, ...]] = {}
        self._watched: dict[str, _Watched] = {}
        self._lock = threading.Lock()  # for the two below, which the source's thread uses
        self._files_by_entry: Mapping[str, Mapping[str, Iterable[str]]] = {}
        self._gone: set[str] = set()
        self._complaints: set[str] = set()
        self._source = self._open(source) if source else None

    def follow(self, files: Iterable[str], changed: Iterable[str]) -> None:
        """Watches what these files need. Only for those that `changed`, or are new, the paths are walked again."""
        wanted = frozenset(files)
        walk = {name for name in wanted if name not in self._lookups}.union(wanted.intersection(changed))
        self._drop_gone()
        for _ in range(_ROUNDS):
            before = self._lookups
            self._walk(wanted, walk)
            fresh = self._watch({directory for name in walk for directory, _ in self._lookups[name]})
            if self._lookups is not before:
                self._forget_unneeded()
            if not fresh:
                break

    def silent(self, name: str) -> bool:
        """Whether a file that is followed may change without an event."""
        found = self._lookups.get(name)
        watched = self._watched.get(found[-1][0]) if found else None
        return self._source is None or watched is None or watched.silent

    def lost(self) -> bool:
        """Whether events have ended to come though nobody ended them; from then on every file is silent."""
        if self._source is None or self._source.alive():
            return False
        self.close()
        return True

    def close(self) -> None:
        """Ends all watching. Waits for the threads that call `touched`."""
        source, self._source = self._source, None
        self._watched.clear()
        if source is not None:
            source.stop()

    def _open(self, source: Callable[[Report], Source]) -> Source | None:
        try:
            return source(self._on_event)
        except OSError as error:
            self._complain(error)
            return None

    def _on_event(self, directory: str, name: str) -> None:
        with self._lock:
            if not directory:
                files: Iterable[str] | None = None
            elif name:
                files = self._entries(directory).get(os.path.normcase(name), ())
            else:
                self._gone.add(directory)
                files = {file for files in self._entries(directory).values() for file in files}
        if files is None or files:
            self._touched(files)

    def _entries(self, directory: str) -> Mapping[str, Iterable[str]]:
        return self._files_by_entry.get(os.path.normcase(directory), {})

    def _drop_gone(self) -> None:
        with self._lock:
            gone, self._gone = self._gone, set()
        for directory in gone:
            self._forget(directory)

    def _walk(self, wanted: frozenset[str], names: Iterable[str]) -> None:
        step = one_pass()
        found = {name: lookups(name, step) for name in names}
        found = {name: self._lookups[name] for name in self._lookups.keys() & wanted} | found
        if found == self._lookups:
            return
        self._lookups = found
        entries: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for file, pairs in found.items():
            for directory, name in pairs:
                entries[os.path.normcase(directory)][os.path.normcase(name)].add(file)
        with self._lock:
            self._files_by_entry = entries

    def _watch(self, directories: Iterable[str]) -> bool:
        """Returns whether any is watched only now, so that what was in it before must be looked at again."""
        fresh, mounts = False, None
        for directory in sorted(directories):  # a parent first: it tells when its child is replaced
            identity = _identity(directory)  # before the watch: if they differ, the parent's event corrects it
            watched = self._watched.get(directory)
            if self._source is None or (watched and watched.identity == identity):
                continue
            self._forget(directory)
            if identity is None:
                continue
            mounts = mounts or self._mounts()
            try:
                self._source.watch(directory)
            except OSError as error:
                self._complain(error)
                continue
            self._watched[directory] = _Watched(identity, mounts.silent(directory))
            fresh = True
        return fresh

    def _forget_unneeded(self) -> None:
        needed = {directory for found in self._lookups.values() for directory, _ in found}
        for directory in self._watched.keys() - needed:
            self._forget(directory)

    def _forget(self, directory: str) -> None:
        if self._watched.pop(directory, None) and self._source is not None:
            self._source.forget(directory)

    def _complain(self, error: OSError) -> None:
        message = _ADVICE.get(error.errno or 0)
        if message and message not in self._complaints:
            self._complaints.add(message)
            log.warning("%s", message)


# Other errors are no limits: a folder above that may not be listed, or one that is already gone.
_ADVICE = {
    errno.ENOSPC: "files are polled: the limit of inotify watches is reached (sysctl fs.inotify.max_user_watches)",
    errno.EMFILE: "files are polled: the limit of inotify instances or of open files is reached "
    "(sysctl fs.inotify.max_user_instances, ulimit -n)",
}


def _identity(directory: str) -> tuple[int, int] | None:
    try:
        status = os.stat(directory)  # noqa: PTH116 - called for every directory after every save
    except OSError:
        return None
    return status.st_dev, status.st_ino
