"""Capture: what isolated cells write becomes events while they run, and whole log files."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hotplate.events import Kind, log
from hotplate.run.lifecycles.lifecycle import Lifecycle
from hotplate.run.lifecycles.texts import TextCutter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotplate.execute import Outcome
    from hotplate.run.lifecycles.context import CellContext

BACKLOG = 1 << 20
"""Bytes of a call that may wait until somebody is told of them. What comes then is left out of events, and counted."""
INTERVAL = 0.02
"""Seconds in which output gathers, so that a cell that prints a lot of little makes no event of each."""

_LONGEST = 200
"""Bytes of a cell's name in a log's; files may have names of 255, and the attempt and the stream follow."""

_STREAMS = {1: "stdout", 2: "stderr"}
_SUFFIXES = {1: "out", 2: "err"}
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
"""Names that Windows takes for devices, whatever comes behind a dot."""


def log_name(cell: str) -> str:
    """What the names of a cell's logs begin with, before the number of the attempt."""
    name = cell.encode()
    if len(name) > _LONGEST:
        from xxhash import xxh3_64_hexdigest  # which a point of many axes needs, and next to no other cell

        return f"{name[:_LONGEST].decode('utf-8', 'ignore')}~{xxh3_64_hexdigest(name)}"
    return f"{cell}_" if sys.platform == "win32" and cell.lower() in _DEVICES else cell


class Capture(Lifecycle):
    """Tells of what a cell writes in a worker, as CELL_OUTPUT events (`stream`, `text`, `dropped`), while it runs.

    A text is what was written in at most 64 KiB, cut between characters. Events may leave something out when nobody
    takes them in time: so many bytes are `dropped` before the text. The logs have everything.

    What runs in this process is not captured: it writes to the process's own streams, and nobody can tell whose it is.
    """

    name = "capture"

    def __init__(self, folder: Path | None = None, *, echo: bool = True) -> None:
        """Whole logs go to `folder`, as `CELL.ATTEMPT.out` and `.err`; a stream that stays empty has none.

        With `echo`, output goes on to this process's stdout and stderr as well.
        """
        self._folder = folder
        self._echo = echo
        self._listeners: dict[CellContext, _Listener] = {}

    def setup(self, context: CellContext) -> None:
        """Listens to the call, if it is made in a worker."""
        if context.task.isolated:
            context.echo = self._echo
            listener = self._listeners[context] = _Listener(context, self._folder)
            context.hear(listener)

    def teardown(self, context: CellContext, outcome: Outcome) -> None:  # noqa: ARG002 - however it ended
        """Tells of the rest."""
        listener = self._listeners.pop(context, None)
        if listener is not None and listener.heard is not None:
            listener.heard.close()


class _Listener:
    """Listens to one call. Most calls are silent: what it takes to tell of output is made when there is some."""

    __slots__ = ("_context", "_folder", "heard")

    def __init__(self, context: CellContext, folder: Path | None) -> None:
        self._context = context
        self._folder = folder
        self.heard: _CellOutput | None = None

    def __call__(self, stream: int, data: bytes) -> None:
        if self.heard is None:
            self.heard = _CellOutput(self._context, self._folder)
        self.heard.take(stream, data)


class _CellOutput:
    """What one attempt writes, on its way to events and files. Whoever writes to it does not wait for sinks."""

    def __init__(self, context: CellContext, folder: Path | None) -> None:
        self._context = context
        self._log = None if folder is None else _Log(folder, context.cell, context.attempt)
        self._pending: deque[tuple[int, int, bytes]] = deque()
        """Stream, bytes that were left out before, bytes."""
        self._size = 0
        self._left_out = {1: 0, 2: 0}
        """Bytes that were not taken since the last ones that were."""
        self._lost = {1: 0, 2: 0}
        """Bytes that are missing before the next text."""
        self._cutters: dict[int, TextCutter] = {}
        self._lock = threading.RLock()
        self._telling = threading.RLock()
        """Held while events are sent, so that they come in order."""

    def take(self, stream: int, data: bytes) -> None:
        """Takes what was written to stream 1 or 2."""
        with self._lock:
            if self._log is not None:
                self._log.write(stream, data)
            if self._size + len(data) > BACKLOG:
                self._left_out[stream] += len(data)
                return
            first = not self._pending
            self._pending.append((stream, self._left_out[stream], data))
            self._left_out[stream] = 0
            self._size += len(data)
        if first:
            _teller.tell_soon(self)

    def tell(self) -> None:
        """Sends what has gathered."""
        with self._telling:
            for stream, dropped, written in self._gathered():
                cutter = self._cutters.setdefault(stream, TextCutter())
                data, lost = cutter.resume(written) if dropped else (written, 0)
                self._lost[stream] += dropped + lost
                for text in cutter.add(data):
                    self._emit(stream, text)

    def close(self) -> None:
        """Sends the rest. Nothing comes any more."""
        try:
            with self._telling:
                self.tell()
                for stream in _STREAMS:
                    self._lost[stream] += self._left_out[stream]
                    text = self._cutters[stream].end() if stream in self._cutters else ""
                    if text or self._lost[stream]:
                        self._emit(stream, text)
        finally:
            if self._log is not None:
                self._log.close()

    def _gathered(self) -> Iterator[tuple[int, int, bytes]]:
        """What is pending, with one entry for what was written to one stream without a gap."""
        with self._lock:
            pending, self._pending, self._size = self._pending, deque(), 0
        while pending:
            stream, dropped, first = pending.popleft()
            together = [first]
            while pending and pending[0][:2] == (stream, 0):
                together.append(pending.popleft()[2])
            yield stream, dropped, b"".join(together)

    def _emit(self, stream: int, text: str) -> None:
        context, dropped, self._lost[stream] = self._context, self._lost[stream], 0
        context.emitter.emit(
            Kind.CELL_OUTPUT, context.cell, context.attempt, stream=_STREAMS[stream], text=text, dropped=dropped
        )


class _Log:
    """The two files of an attempt; each is there once something is in it. One that can't be written is told of once."""

    def __init__(self, folder: Path, cell: str, attempt: int) -> None:
        self._stem = folder / f"{log_name(cell)}.{attempt}"
        self._files: dict[int, BinaryIO] = {}
        self._broken = False

    def write(self, stream: int, data: bytes) -> None:
        if self._broken:
            return
        try:
            # Not gathered: what a cell wrote before this process is killed should be there.
            file = self._files.get(stream) or self._open(stream)
            while data:
                data = data[file.write(data) :]
        except OSError as error:
            self._broken = True  # the result is worth more than the log
            log.warning("the log %s.%s ends early: %s", self._stem, _SUFFIXES[stream], error)

    def close(self) -> None:
        while self._files:
            with suppress(OSError):
                self._files.popitem()[1].close()

    def _open(self, stream: int) -> BinaryIO:
        self._stem.parent.mkdir(parents=True, exist_ok=True)
        path = f"{self._stem}.{_SUFFIXES[stream]}"
        file: BinaryIO = Path(path).open("ab", buffering=0)  # noqa: SIM115 - `close` closes it
        self._files[stream] = file
        return file


class _Teller:
    """One thread that sends output's events, for whoever reads from workers must not wait for subscribers."""

    def __init__(self) -> None:
        self.forget_parent()

    def forget_parent(self) -> None:
        """In a child that was forked: there is no such thread, and the outputs are the parent's."""
        self._waiting: dict[_CellOutput, None] = {}
        # Taken by itself, not through the condition: an interrupt can strike in Condition.__enter__ and leave it held.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None

    def tell_soon(self, output: _CellOutput) -> None:
        """Calls `tell`. Where no thread can be started, it is left to whoever closes the output."""
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._serve, name="hotplate-output-events", daemon=True)
                with suppress(RuntimeError):
                    thread.start()
                    self._thread = thread
            if self._thread is not None:
                self._waiting[output] = None
                self._changed.notify()

    def _serve(self) -> None:
        while True:
            with self._lock:
                while not self._waiting:
                    self._changed.wait()
                waiting, self._waiting = self._waiting, {}
            for output in waiting:
                try:
                    output.tell()
                except Exception:  # or nobody would be told of anything before it is over, for good
                    log.exception("output of a cell can't be told of")
            time.sleep(INTERVAL)


_teller = _Teller()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_teller.forget_parent)
