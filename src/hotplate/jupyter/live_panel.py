"""LivePanel: a watched notebook in the output of a Jupyter cell, drawn anew as things happen."""

from __future__ import annotations

import threading
import time
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from hotplate.events import log
from hotplate.jupyter.live_page import Scene, Values, panel_picture
from hotplate.reload.board import Board
from hotplate.reload.news import same_news

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotplate.events import Event
    from hotplate.reload import Live, LiveStatus
    from hotplate.session import Notebook

    Bundle = Mapping[str, str]
    """Pictures by MIME type."""
    Update = Callable[[Bundle], None]
    """Replaces what was shown."""

PERIOD = 0.1
"""Seconds between two pictures at least."""
REST = 9
"""How many times as long as a picture took the next one waits: drawing takes a tenth of the interpreter at most."""
SETTLE = 0.04
"""Seconds that a change waits for others, so that a run of kept cells is one picture and not two."""
TURN = 0.5
"""Seconds between two pictures of something that goes on and tells nothing."""
LOOK = 1.0
"""Seconds after which the status is looked at again when nothing happens: some of it comes without an event."""


def in_output(bundle: Bundle) -> Update:
    """Shows a picture in the output of the Jupyter cell that runs, and returns what replaces it there, at any time."""
    from IPython.display import display

    handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]  # IPython has no types here
    return lambda newer: handle.update(newer, raw=True)


class LivePanel:
    """The view of a watched notebook: a sink of its events, and a context manager. Thread-safe.

    Events come on the watch's threads; a thread of the panel's own draws, at most ten times a second. It does so in a
    copy of the context in which the panel was made, by which ipykernel knows which Jupyter cell it draws for. The last
    picture stays when the panel is left: text and HTML that need nothing to be running.

        with LivePanel(notebook) as panel, notebook.watch(on_event=panel) as live:
            panel.follow(live)
            live.wait()
    """

    def __init__(self, notebook: Notebook, show: Callable[[Bundle], Update] = in_output) -> None:
        """`show` shows the first picture, and returns what replaces it."""
        self._notebook = notebook
        self._show = show
        self._board = Board()
        self._live: Live | None = None
        self._seen: LiveStatus | None = None
        """The status that the last picture shows."""
        self._inbox: SimpleQueue[Event | threading.Event | None] = SimpleQueue()
        """With what is set when all before it has been drawn; None at the end."""
        self._update: Update | None = None
        self._values = Values()
        self._drawn = ""
        self._drawn_at = 0.0
        self._took = 0.0
        """Seconds that the last picture took."""
        self._changed_at: float | None = None
        """When the first change happened that no picture shows."""
        self._ended = False
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._serve,), name="hotplate-panel", daemon=True
        )

    def __call__(self, event: Event) -> None:
        """Takes note of an event."""
        self._inbox.put(event)

    def follow(self, live: Live) -> None:
        """From here on there is a status to show."""
        self._live = live

    def __enter__(self) -> LivePanel:
        bundle = self._bundle()
        self._drawn, self._update = bundle["text/html"], self._show(bundle)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def catch_up(self, timeout: float = 1.0) -> None:
        """Waits until it shows all it was told: nbclient saves what comes while a Jupyter cell runs, nothing later."""
        drawn = threading.Event()
        self._inbox.put(drawn)
        drawn.wait(timeout)

    def close(self) -> None:
        """Stops, and draws how it ended. Again does nothing.

        The last picture is sent by the caller: who executes a notebook without a browser (nbclient) heeds only what
        comes of the Jupyter cell that runs.
        """
        if self._update is None or self._ended:
            return
        self._inbox.put(None)
        self._thread.join()
        self._draw()

    # ---- the thread ----

    def _serve(self) -> None:
        while not self._ended:
            try:
                self._take(self._inbox.get(timeout=self._patience()))
                while not self._ended:
                    self._take(self._inbox.get_nowait())
            except Empty:
                pass
            if not self._ended and self._is_due():
                self._draw()

    def _take(self, event: Event | threading.Event | None) -> None:
        if event is None:
            self._ended = True
            return
        if isinstance(event, threading.Event):
            self._draw()
            event.set()
            return
        self._board.take(event)
        if self._changed_at is None:
            self._changed_at = time.monotonic()

    def _patience(self) -> float:
        now = time.monotonic()
        if self._changed_at is not None:
            return max(self._due(self._changed_at) - now, 0.0)
        return max(self._drawn_at + TURN - now, 0.0) if self._board.active else LOOK

    def _is_due(self) -> bool:
        now = time.monotonic()
        if self._changed_at is not None:
            return now >= self._due(self._changed_at)
        if self._board.active:
            return now >= self._drawn_at + TURN
        return self._live is not None and not same_news(self._live.status, self._seen)

    def _due(self, changed_at: float) -> float:
        return max(changed_at + SETTLE, self._drawn_at + max(PERIOD, REST * self._took))

    def _draw(self) -> None:
        self._changed_at, begun = None, time.monotonic()
        try:
            bundle = self._bundle()
            if bundle["text/html"] != self._drawn and self._update is not None:
                self._update(bundle)
                self._drawn = bundle["text/html"]
        except Exception:  # the kernel goes away, or a value can't tell what it is: the watch goes on
            log.exception("the live panel of %s could not be drawn", self._notebook.path.name)
        self._drawn_at = time.monotonic()
        self._took = self._drawn_at - begun

    def _bundle(self) -> dict[str, str]:
        if self._live is not None:
            self._seen = self._live.status
            self._board.adopt(self._seen.run)
        scene = Scene(
            title=self._notebook.path.name,
            graph=self._notebook.graph,
            now=time.time(),
            status=self._seen,
            progress=self._notebook.progress(),
            values=self._values,
            ended=self._ended,
        )
        picture = panel_picture(self._board, scene)
        return {"text/html": picture.html, "text/plain": picture.text}
