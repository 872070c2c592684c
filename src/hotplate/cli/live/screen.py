"""The live view in a terminal: a thread that takes events, keys and output, and draws at most ten times a second."""

from __future__ import annotations

import io
import threading
import time
from contextlib import ExitStack
from enum import Enum, auto
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from rich.console import Console

from hotplate.cli.live.capture import Capture
from hotplate.cli.live.guard import Guard
from hotplate.cli.live.keyboard import keyboard
from hotplate.cli.live.region import RESTORE, Region
from hotplate.cli.live.scene import Scene
from hotplate.cli.live.terminal import Screen, ascii_only, writes_unicode
from hotplate.cli.live.view import picture
from hotplate.errors import HotplateError
from hotplate.events import Event, Kind, PromptSink
from hotplate.notebook.drawing import sources_of
from hotplate.reload.board import Board
from hotplate.reload.news import same_news

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.console import RenderableType

    from hotplate.reload import Live, LiveStatus
    from hotplate.session import Notebook

PERIOD = 0.1
"""Seconds between two pictures at least."""
TURN = 0.2
"""Seconds between two pictures of something that goes on: one takes 10 ms of the interpreter that cells may want."""
SETTLE = 0.04
"""Seconds that a change waits for others, so that a run of kept cells is one picture and not two."""
LOOK = 1.0
"""Seconds after which the status is looked at again when nothing happens: some of it comes without an event."""


LOOK_HIDDEN = 0.25
"""The same while the shell has the terminal: it does not tell when a job that was not stopped gets it."""
_STEPS = (Kind.CELL_STARTED, Kind.CELL_DONE, Kind.CELL_FAILED, Kind.CELL_SKIPPED)


class _Wake(Enum):
    CHANGED = auto()
    RESIZED = auto()
    SUSPEND = auto()
    RESUME = auto()
    STOP = auto()


_Item = tuple[Event, "Mapping[str, str] | None"] | str | _Wake


class LiveScreen(PromptSink):
    """The view of a watched notebook: a sink of its events, and a context manager that owns the terminal meanwhile.

    What cells print to `descriptors` goes past above the view. `quit` is called for the key q.
    """

    def __init__(self, notebook: Notebook, descriptors: Iterable[int], quit: Callable[[], None]) -> None:
        self._notebook = notebook
        self._quit = quit
        self._live: Live | None = None
        self._inbox: SimpleQueue[_Item] = SimpleQueue()
        self._screen = Screen(2)
        self._encode = str.encode if writes_unicode() else ascii_only
        self._region = Region(self._screen.write, self._encode)
        self._descriptors = tuple(descriptors)
        self._thread = threading.Thread(target=self._serve, name="hotplate-view", daemon=True)
        self._parked = threading.Event()
        self._owned = ExitStack()
        self._board = Board()
        self._running: dict[str, None] = {}
        self._message = ""
        self._help = self._hidden = self._ended = False
        self._changed_at: float | None = 0.0
        self._drawn_at = self._parked_at = 0.0
        self._size = (0, 0)
        self._shown: LiveStatus | None = None

    # ---- for other threads ----

    def __call__(self, event: Event) -> None:
        """Takes note of an event, and passes the rest to the thread that draws."""
        needs = None
        if event.kind is Kind.RUN_STARTED:
            graph = self._notebook.graph
            needs = {name: sources_of(graph, name) for name in graph.order}
        elif event.kind in _STEPS:
            self._note_running(event)
        self._inbox.put((event, needs))

    def _note_running(self, event: Event) -> None:
        """Tells the guard, before the cell begins: there may be no later."""
        if event.kind is Kind.CELL_STARTED:
            self._running[event.cell] = None
        elif self._running.pop(event.cell, self) is self:
            return  # it was kept, or never began
        self._guard.running(self._running)

    def follow(self, live: Live) -> None:
        """From here on there is a status to show, and keys have something to act on."""
        self._live = live

    def tell(self, message: str) -> None:
        """Shows a message until a key is pressed."""
        self._message = message
        self._inbox.put(_Wake.CHANGED)

    def resized(self) -> None:
        """The terminal has another size."""
        self._inbox.put(_Wake.RESIZED)

    def suspend(self) -> None:
        """Leaves the terminal as it was; returns when that is done, at the latest after a second."""
        self._parked.clear()
        self._inbox.put(_Wake.SUSPEND)
        self._parked.wait(1.0)

    def resume(self) -> None:
        """Takes the terminal again, if it is ours, and draws everything."""
        self._inbox.put(_Wake.RESUME)

    def __enter__(self) -> LiveScreen:
        with ExitStack() as owned:
            owned.callback(self._screen.close)
            self._keyboard = keyboard(self._screen, self._inbox.put)
            if self._keyboard:
                owned.callback(self._keyboard.close)
            capture = Capture(self._descriptors, self._region.print)
            self._guard = owned.enter_context(Guard(self._screen.descriptor, capture.source))
            self._take_terminal()
            self._thread.start()
            owned.callback(self._stop)
            owned.enter_context(capture)
            self._owned = owned.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._owned.close()

    def abandon(self) -> None:
        """Leaves the terminal as it was, whatever goes on; the process is about to end at once."""
        self._stop()
        if self._keyboard:
            self._keyboard.give_back()
        self._screen.write(RESTORE)
        self._guard.dismiss()

    def _stop(self) -> None:
        self._inbox.put(_Wake.STOP)
        self._thread.join(1.0)  # it may hang on a terminal that has been stopped

    # ---- the thread ----

    def _serve(self) -> None:
        while not self._ended:
            try:
                self._take(self._inbox.get(timeout=self._patience()))
                while not self._ended:
                    self._take(self._inbox.get_nowait())
            except Empty:
                pass
            self._draw_if_due()
        self._draw(final=True)
        self._region.leave()

    def _patience(self) -> float:
        now = time.monotonic()
        if self._changed_at is not None:
            return max(self._due() - now, 0.0)
        if self._hidden:
            return LOOK_HIDDEN
        return max(self._drawn_at + TURN - now, 0.0) if self._animated() else LOOK

    def _due(self) -> float:
        assert self._changed_at is not None
        return max(self._changed_at, self._drawn_at + PERIOD)

    def _animated(self) -> bool:
        working = self._shown is not None and self._shown.phase != "waiting"
        return not self._hidden and (working or self._board.active)

    def _take(self, item: _Item) -> None:
        delay = 0.0
        match item:
            case (event, needs):
                self._board.take(event, needs)
                delay = 0.0 if event.kind is Kind.RELOAD_STARTED else SETTLE
            case str():
                self._press(item)
            case _Wake.RESIZED:
                self._region.invalidate()
            case _Wake.SUSPEND:
                self._leave_terminal()
            case _Wake.RESUME:
                self._take_terminal()
            case _Wake.STOP:
                self._ended = True
        due = time.monotonic() + delay
        self._changed_at = due if self._changed_at is None else min(self._changed_at, due)

    # ---- the terminal ----

    def _take_terminal(self) -> None:
        self._hidden = not self._screen.foreground
        if self._hidden:
            self._region.leave()
            return
        self._region.enter()
        if self._keyboard:
            self._keyboard.take()

    def _leave_terminal(self) -> None:
        self._draw()
        self._region.leave()
        self._hidden, self._parked_at = True, time.monotonic()
        if self._keyboard:
            self._keyboard.give_back()
        self._parked.set()

    # ---- keys ----

    def _press(self, key: str) -> None:
        self._message = ""
        match key:
            case "q":
                self._quit()
            case "r" if self._live:
                self._ask(self._live.rerun)
            case "b" if self._live:
                self._ask(self._live.go_back)
            case "?":
                self._help = not self._help
            case "\x0c":
                self._region.clear()

    def _ask(self, command: Callable[[], None]) -> None:
        """Carries out a command on a thread of its own, so that the view goes on; a refusal becomes the message."""

        def carry_out() -> None:
            try:
                command()
            except HotplateError as error:
                self.tell(str(error))

        threading.Thread(target=carry_out, name="hotplate-command", daemon=True).start()

    # ---- drawing ----

    def _draw_if_due(self) -> None:
        # Not at once after Ctrl-Z: the terminal is the shell's only when this process has really stopped.
        if self._hidden and self._screen.foreground and time.monotonic() > self._parked_at + LOOK:
            self._take_terminal()
            self._changed_at = time.monotonic()
        if self._changed_at is None:
            if self._screen.size() != self._size:  # not every system tells
                self._region.invalidate()
            elif not self._animated() and (self._live is None or same_news(self._live.status, self._shown)):
                return
        elif time.monotonic() < self._due():
            return
        self._draw()

    def _draw(self, *, final: bool = False) -> None:
        self._changed_at, self._drawn_at = None, time.monotonic()
        if self._hidden:
            return
        if self._live:
            self._shown = self._live.status
            self._board.adopt(self._shown.run)
        columns, lines = self._size = self._screen.size()
        scene = Scene(
            title=self._notebook.path.name,
            width=columns - 1,
            height=max(lines - 2, 1),
            now=time.time(),
            status=self._shown,
            progress=self._notebook.progress(),
            message="" if final else self._message,
            keys=self._keyboard is not None,
            help=self._help,
            final=final,
        )
        self._region.draw(
            self._rendered(picture(self._board, scene), scene)[: scene.height], scene.width, below=self._animated()
        )

    def _rendered(self, parts: Iterable[RenderableType], scene: Scene) -> list[bytes]:
        page = io.StringIO()
        console = Console(
            file=page, force_terminal=True, legacy_windows=False, width=max(scene.width, 1), highlight=False
        )
        for part in parts:
            console.print(part, no_wrap=True, overflow="ellipsis")
        return [self._encode(line) for line in page.getvalue().splitlines()]
