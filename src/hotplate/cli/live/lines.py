"""A watch as lines of text, for people without a terminal and for programs: one line an event, at once."""

from __future__ import annotations

import os
import select
import stat
import sys
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol, TextIO

from hotplate.reload.news import same_news

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hotplate.events import Event
    from hotplate.reload import Live, LiveStatus

LOOK = 1.0
"""Seconds after which the status is looked at again when nothing happens: some of it comes without an event."""


class Form(Protocol):
    """What the lines look like. Each method gives the lines to print, without their newlines."""

    def hello(self) -> Iterable[str]:
        """What comes first."""

    def event(self, event: Event) -> Iterable[str]:
        """One thing that happened."""

    def status(self, before: LiveStatus | None, now: LiveStatus) -> Iterable[str]:
        """The state, after it has changed."""

    def message(self, text: str) -> Iterable[str]:
        """Something to tell people."""


class Lines:
    """Prints a watch line by line from a thread of its own: a sink of events, and a context manager.

    A slow reader holds nothing up but the lines. One who has gone is reported once, by `closed`.
    """

    def __init__(self, stream: TextIO, form: Form, closed: Callable[[], None]) -> None:
        self.problem: OSError | None = None
        """Why nothing can be printed any more."""
        self._stream = stream
        self._form = form
        self._closed = closed
        self._inbox: SimpleQueue[Event | str | None] = SimpleQueue()
        self._live: Live | None = None
        self._told: LiveStatus | None = None
        self._thread = threading.Thread(target=self._serve, name="hotplate-lines", daemon=True)

    def __call__(self, event: Event) -> None:
        """Takes an event."""
        self._inbox.put(event)

    def follow(self, live: Live) -> None:
        """From here on there is a status to tell."""
        self._live = live

    def tell(self, message: str) -> None:
        """Prints a message."""
        self._inbox.put(message)

    def abandon(self) -> None:
        """Gives what is still to be printed a moment."""
        self._inbox.put(None)
        self._thread.join(0.2)

    def __enter__(self) -> Lines:
        self._print(self._form.hello())
        self._thread.start()
        threading.Thread(target=self._await_reader, name="hotplate-reader", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._inbox.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                item = self._inbox.get(timeout=LOOK)
            except Empty:
                self._print_status()
                continue
            if item is None:
                return
            self._print(self._form.message(item) if isinstance(item, str) else self._form.event(item))
            self._print_status()

    def _print_status(self) -> None:
        now = self._live.status if self._live else None
        if now is not None and not same_news(self._told, now):
            self._print(self._form.status(self._told, now))
            self._told = now

    def _print(self, lines: Iterable[str]) -> None:
        if self.problem is not None:
            return
        try:
            for line in lines:
                self._stream.write(line + "\n")
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _await_reader(self) -> None:
        """Notices that a pipe's reader has gone without writing to it: nothing may happen to the file for hours."""
        if sys.platform == "win32":  # it has no way to wait for that
            return
        mode = os.fstat(self._stream.fileno()).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            pipe = select.poll()
            pipe.register(self._stream.fileno(), 0)
            pipe.poll()
            self._give_up(BrokenPipeError("the reader has gone"))

    def _give_up(self, problem: OSError) -> None:
        if self.problem is None:
            self.problem = problem
            self._closed()
