"""A watch from its beginning to its end: the view that was asked for, signals, the exit code."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hotplate.cli.common import divert_stdout
from hotplate.cli.live.ending import Ending
from hotplate.cli.live.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hotplate.cli.live.screen import LiveScreen
    from hotplate.session import Notebook


class Watching:
    """One call of `hotplate watch`. Each method runs it to its end and returns the exit code.

    Raises KeyboardInterrupt after Ctrl-C, and OSError when the lines can't be written any more.
    """

    def __init__(self, notebook: Notebook, cells: Sequence[str], options: Mapping[str, Any]) -> None:
        self._notebook = notebook
        self._cells = cells
        self._options = options
        self._ending = Ending()

    def for_people(self) -> int:
        """The live view where stderr is a terminal that can draw, else lines."""
        can_draw = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        return self._as_picture() if can_draw else self.as_text()

    def as_text(self) -> int:
        """Lines for people, on stderr."""
        from hotplate.cli.live.plain_lines import PlainLines

        return self._in_lines(Lines(sys.stderr, PlainLines(self._notebook.path.name), self._ending.stop))

    def as_json(self) -> int:
        """Lines for programs, on stdout; what cells print goes to stderr."""
        from hotplate.cli.live.event_lines import EventLines

        with os.fdopen(os.dup(1), "w", encoding="utf-8") as stream:
            restore_stdout = divert_stdout()
            try:
                return self._in_lines(Lines(stream, EventLines(str(self._notebook.path)), self._ending.stop))
            finally:
                restore_stdout()

    def _as_picture(self) -> int:
        from hotplate.cli.live.screen import LiveScreen

        descriptors = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]
        screen = LiveScreen(self._notebook, descriptors, self._ending.stop)
        with self._ending.listening(), screen, _following_terminal(screen):
            return self._follow(screen)

    def _in_lines(self, lines: Lines) -> int:
        with self._ending.listening(), lines:
            code = self._follow(lines)
        if lines.problem is not None:
            raise lines.problem
        return code

    def _follow(self, view: LiveScreen | Lines) -> int:
        self._ending.tell, self._ending.leave = view.tell, view.abandon
        with self._notebook.watch(*self._cells, on_event=view, **self._options) as live:
            view.follow(live)
            self._ending.attach(live)
            live.wait()
        self._ending.outlast(live)
        if self._ending.signal == signal.SIGINT:
            raise KeyboardInterrupt
        return 128 + self._ending.signal if self._ending.signal else 0


@contextmanager
def _following_terminal(screen: LiveScreen) -> Iterator[None]:
    """Tells the view of a new size, of Ctrl-Z, and of being back in the foreground."""
    if sys.platform == "win32":
        yield
        return

    def stopped(*_: object) -> None:
        screen.suspend()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)

    def continued(*_: object) -> None:
        signal.signal(signal.SIGTSTP, stopped)
        screen.resume()

    handlers = {signal.SIGTSTP: stopped, signal.SIGCONT: continued, signal.SIGWINCH: lambda *_: screen.resized()}
    usual = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
