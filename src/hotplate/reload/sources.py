"""Where events of directories come from: inotify on Linux, the observer that watchdog has for the system elsewhere.

They name what changed and nothing more. Opening and reading never count: a compiler does that all the time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import ObservedWatch
    from watchdog.observers.inotify_c import InotifyEvent, InotifyFD, Mask, WatchDescriptor

Report = Callable[[str, str], None]
"""Takes a directory and the name in it that changed. No name: the directory itself. Neither: events were lost."""


class Source(Protocol):
    """Tells when entries of directories change. One thread uses it; it reports from threads of its own."""

    def watch(self, directory: str) -> None:
        """Begins to watch a directory, not those in it. Raises OSError when it can't, at the system's limit too."""

    def forget(self, directory: str) -> None:
        """Ends to watch a directory. It may be gone."""

    def alive(self) -> bool:
        """Whether events can still come."""

    def stop(self) -> None:
        """Ends its threads and waits for them."""


def open_source(report: Report) -> Source:
    """The source for this system, running. Raises OSError at the system's limit."""
    return InotifySource(report) if sys.platform == "linux" else ObserverSource(report)


class InotifySource:
    """One inotify instance and one thread for all directories.

    watchdog's observer for Linux is not used: it has a thread for each directory, holds back what follows a file that
    is moved elsewhere for 0.5 s (an editor with its backups in another folder does this at every save), and does not
    tell its handlers when the kernel's queue overflowed. This is the layer below it.
    """

    def __init__(self, report: Report) -> None:
        from watchdog.observers.inotify_c import InotifyFD

        self._report = report
        self._watched: dict[str, _InotifyDirectory] = {}
        self._inotify = InotifyFD()
        self._inotify.start()

    def watch(self, directory: str) -> None:
        """Begins to watch a directory. Raises OSError."""
        self._watched[directory] = _InotifyDirectory(self._inotify, directory, self._report)

    def forget(self, directory: str) -> None:
        """Ends to watch a directory."""
        if watched := self._watched.pop(directory, None):
            watched.forget()

    def alive(self) -> bool:
        """Whether the thread that reads events lives."""
        return self._inotify.is_alive()

    def stop(self) -> None:
        """Closes the instance and joins its thread."""
        self._inotify.stop()
        self._inotify.join()


class _InotifyDirectory:
    """Passes on the events of one directory."""

    def __init__(self, inotify: InotifyFD, directory: str, report: Report) -> None:
        from watchdog.observers.inotify_c import CallbackId

        self._inotify, self._directory, self._report = inotify, directory, report
        # Its own id: one descriptor serves two paths for a while after a directory was renamed.
        self._id = CallbackId(id(self))
        self._descriptor = self._add(os.fsencode(directory))

    def _add(self, path: bytes) -> WatchDescriptor:
        descriptor = self._inotify.add_callback(path, _mask(), self, self._id)
        if descriptor == -1:  # EACCES is not raised by add_callback
            self._inotify.remove_callbacks([(descriptor, self._id)])
            raise PermissionError(f"{self._directory} can't be watched: it is not readable")
        return descriptor

    def forget(self) -> None:
        self._inotify.remove_callbacks([(self._descriptor, self._id)])

    def on_event(self, event: InotifyEvent) -> None:
        self._report(self._directory, os.fsdecode(event.name))

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:  # noqa: ARG002 - watchdog calls it so
        self._report(self._directory, "")

    def on_queue_overflow(self) -> None:
        self._report("", "")


def _mask() -> Mask:
    from watchdog.observers.inotify_c import InotifyConstants as In
    from watchdog.observers.inotify_c import Mask

    changes = In.IN_MODIFY | In.IN_CLOSE_WRITE | In.IN_ATTRIB | In.IN_MOVE | In.IN_CREATE | In.IN_DELETE
    return Mask(changes | In.IN_DELETE_SELF | In.IN_MOVE_SELF | In.IN_ONLYDIR)


class ObserverSource:
    """watchdog's observer: ReadDirectoryChangesW on Windows, FSEvents on macOS."""

    def __init__(self, report: Report) -> None:
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer

        class Handler(FileSystemEventHandler):
            dispatch = staticmethod(self._on_event)

        self._report = report
        self._watched: dict[str, ObservedWatch] = {}
        self._handler = Handler()
        self._observer = Observer()
        self._observer.start()

    def watch(self, directory: str) -> None:
        """Begins to watch a directory. Raises OSError."""
        self._watched[directory] = self._observer.schedule(self._handler, directory, event_filter=_changes())

    def forget(self, directory: str) -> None:
        """Ends to watch a directory."""
        if watched := self._watched.pop(directory, None):
            self._observer.unschedule(watched)

    def alive(self) -> bool:
        """Whether the thread that passes events on lives."""
        return self._observer.is_alive()

    def stop(self) -> None:
        """Ends the observer and joins its threads."""
        self._observer.stop()
        self._observer.join()

    def _on_event(self, event: FileSystemEvent) -> None:
        for name in filter(None, map(os.fsdecode, (event.src_path, event.dest_path))):
            if event.is_directory and name in self._watched:
                self._report(name, "")  # the observer no longer watches it
            self._report(*os.path.split(name))


def _changes() -> list[type[FileSystemEvent]]:
    from watchdog import events

    files = [events.FileCreatedEvent, events.FileModifiedEvent, events.FileClosedEvent, events.FileMovedEvent]
    # DirModifiedEvent only repeats what the events of its entries say.
    folders = [events.DirCreatedEvent, events.DirDeletedEvent, events.DirMovedEvent, events.DirAttribEvent]
    return [*files, events.FileDeletedEvent, events.FileAttribEvent, *folders]
