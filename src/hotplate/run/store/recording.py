"""Recording: one run that goes on, as it is recorded."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from typing import TYPE_CHECKING, Any

from hotplate.run.store import children, codec, describing
from hotplate.run.store.attempt_rows import is_told_by, row_of, usage_of
from hotplate.run.store.change import Change
from hotplate.run.store.connection import explain
from hotplate.run.store.event_batches import EVENT, event_row
from hotplate.run.store.gathering import Gathering
from hotplate.run.store.points import Point, reached
from hotplate.run.store.records import RunState, pairs_text, trace_hash
from hotplate.run.store.rows import ARTIFACT_USE, ATTEMPT, RESULT, WORKED, plain
from hotplate.values import digest, result_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import apsw
    from apsw import SQLiteValue

    from hotplate.errors import StoreError
    from hotplate.events import Event, Sink
    from hotplate.execute import OutcomeKind
    from hotplate.run.attempts import Attempt
    from hotplate.run.state import Trace
    from hotplate.run.store.content import Content
    from hotplate.run.store.records import RunDescription, StoredValue
    from hotplate.run.store.rows import Row, Rows
    from hotplate.run.store.tally import Tally
    from hotplate.run.store.writer import Writer

log = logging.getLogger("hotplate")

_COUNTED = Point.ATTEMPT_COUNTED  # once: see Outcome.ok


class Recording:
    """Takes down what happens in one run. Thread-safe; made by `RunStore.begin` and `.claim`.

    Nothing that goes wrong with the store is raised into the run: recording stops, and `error` says why. Events are
    handed on all the same.
    """

    def __init__(
        self, run: str, token: str, writer: Writer, tally: Tally, *, last_event: int = 0, limit: float = math.inf
    ) -> None:
        """Values of more than `limit` bytes are not kept."""
        self.id = run
        self.token = token
        self._writer = writer
        self._tally = tally
        self._last_event = last_event
        self._limit = limit
        self._refused: StoreError | None = None
        self._lacking: list[str] = []
        self._ended = False
        self._succeeded: dict[str, Attempt] = {}
        """Attempts that ended well, until the outcome that they led to is recorded with them."""
        self._untold: dict[str, tuple[dict[Rows, Row], tuple[Content, ...]]] = {}
        """How cells ended of whose end no event has told yet."""
        self._out = Gathering(self, writer)
        self._sinks: list[Sink] = []
        self._lock = threading.Lock()

    @property
    def error(self) -> StoreError | None:
        """Why nothing more is recorded; None while all is well."""
        return self._refused or self._writer.error

    @property
    def lacking(self) -> str:
        """Which values are not kept for want of space, and why; "" where none is."""
        more = f", and {len(self._lacking) - 1} more" if len(self._lacking) > 1 else ""
        return f"{self._lacking[0]}{more}" if self._lacking else ""

    @property
    def is_telling(self) -> bool:
        """Whether the caller was called from the thread that announces events, and so must wait for no run."""
        return self._writer.is_this_thread

    def announce(self, sink: Sink) -> None:
        """Has a function called with each event once it is recorded, in order, from a thread of the store."""
        self._sinks.append(sink)

    def revise(self, description: RunDescription, cells: Sequence[str]) -> None:
        """Takes down that a resumed run is of another text, plan, values or options, and has these cells too."""
        step, contents = describing.revision(description, self.id, self.token, self._limit)
        self._out.put(Change(self, contents=contents, step=step))
        self._add(cells)

    def begun(self, cell: str, attempt: int) -> None:
        """Takes down that an attempt begins, before it does: if the process ends in it, it counts as lost.

        About 0.2 µs; nothing waits for the disk.
        """
        try:
            self._tally.begun(cell, attempt)
        except KeyError:
            self._add([cell])
            if cell in self._tally.cells:
                self._tally.begun(cell, attempt)
        reached(_COUNTED)

    def attempt(self, attempt: Attempt) -> None:
        """Takes down how an attempt ended. One that ended well is recorded together with its cell's outcome."""
        self._tally.ended(attempt.cell, attempt.number)
        if attempt.outcome == "ok":
            self._succeeded[attempt.cell] = attempt
        else:
            self._out.add({ATTEMPT: row_of(self.id, attempt)})

    def finished(
        self,
        cell: str,
        status: OutcomeKind,
        *,
        trace: Trace | None = None,
        value: Any = None,
        contents: Mapping[str | None, str] | None = None,
        stored: StoredValue | None = None,
        started: float = 0.0,
        seconds: float = 0.0,
        attempts: int = 0,
        reason: str = "",
        error: str = "",
        key: str = "",
        compiler: str = "",
        kept: bool = False,
        given: bool = False,
        followed: bool = False,
    ) -> None:
        """Takes down how a cell ended: its outcome, its value if it is `ok`, and its last attempt, at once.

        `followed`: the event that tells of it is next, and is recorded together with it.

        `trace`: what the value depends on; None, or one whose parts are no hashes: it holds for this run alone.
        `contents` names what the value and its fields hold, as in `Output`; they are hashed if it is not given.
        `stored`: the value as it was recorded before, which is not encoded again. `key` is the trace's unless given.
        Bytes of arrays must not change any more.
        """
        text: str | None = None
        files: tuple[Content, ...] = ()
        problem, names = "", "[]"
        if status == "ok":
            text, files, problem = (stored.text, files, stored.problem) if stored else self._encoded(cell, value)
            names = pairs_text((contents if contents is not None else content_names(value) or {}).items())
        inputs, name = "[]", None
        if trace is not None:
            inputs = pairs_text(trace.inputs)
            key, name = key or trace.key, trace_hash(trace, inputs)
        last = self._succeeded.pop(cell, None)
        tells = last is not None and status == "ok" and is_told_by(last, attempts, started, seconds)
        used = usage_of(last) if tells and last is not None else (None, None, None)
        row: Row = (
            self.id, cell, status, kept, given, started, seconds, attempts, plain(reason), plain(error),
            key, compiler, name, inputs, names, tells, *used, text, problem,
        )  # fmt: skip
        rows: dict[Rows, Row] = {RESULT: row}
        if last is not None and not tells:
            rows[ATTEMPT] = row_of(self.id, last)
        if stored is not None and text is not None:
            rows[ARTIFACT_USE] = tuple(part for name in codec.artifact_names(text) for part in (self.id, name))
        if followed:
            self._untold[cell] = rows, files
        else:
            self._out.add(rows, files)

    def begin_children(self, points: Iterable[Mapping[str, Any]], cells: Sequence[str]) -> None:
        """Takes down a child run for each point of a sweep, by number from 0; those that are there already stay."""
        encoded = [describing.encode_all(point, self._limit) for point in points]
        texts, contents = [text for text, _ in encoded], tuple(content for _, files in encoded for content in files)

        def insert(connection: apsw.Connection) -> None:
            children.insert_children(connection, self.id, texts, cells)

        self._out.put(Change(self, contents=contents, step=insert))

    def end_children(self, ended: Sequence[tuple[int, RunState, str]]) -> None:
        """Takes down how children ended: their numbers, states and problems."""
        ends: list[SQLiteValue] = []
        for number, state, problem in ended:
            ends += (children.child_id(self.id, number), state.value, plain(problem))
        self._out.add({children.ENDS: ends})

    def event(self, event: Event) -> None:
        """Takes down an event; of its data, what has a form in JSON. It is announced when it is recorded.

        Of what a cell printed, only how much it was: the log has it.
        """
        row = event_row(self.id, self._last_event + event.sequence, event)
        heard = event if self._sinks else None
        if "result" in event.data and (told := self._untold.pop(event.cell, None)) is not None:
            rows, files = told
            rows[EVENT] = row
            self._out.add(rows, files, heard)
        else:
            self._out.add({EVENT: row}, (), heard)

    def flush(self) -> None:
        """Waits until everything that was taken down so far is recorded and announced."""
        self._writer.flush()

    def end(self, state: RunState, problem: str = "") -> None:
        """Takes down how the run ended, and waits until all is recorded. Again does nothing.

        A run of which something could not be recorded ends as `lost`, so that it can be resumed.
        """

        def end(connection: apsw.Connection) -> None:
            now = time.time()
            connection.execute(
                f"UPDATE run SET state = ?, problem = ?, ended = ?, {WORKED} WHERE id = ?"
                " AND state IN ('pending', 'running', 'resuming')",
                (state.value, problem, now, now, now, self.id),
            )
            children.close_children(connection, self.id, state)

        with self._lock:
            if self._ended:
                return
            for rows, files in tuple(self._untold.values()):  # an interrupt came before the events
                self._out.add(rows, files)
            self._out.put(Change(self, ends=end, then=self._close))
            self._ended = True  # not before: an interrupt between the two must not leave it open
        self._writer.flush()
        if self.error is not None:
            self._writer.give_back(self)

    def end_early(self, error: BaseException) -> None:
        """Takes down that this put an end to the run, unless it has ended."""
        state = RunState.FAILED if isinstance(error, Exception) else RunState.CANCELLED
        name = "interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__
        self.end(state, str(error) or name)

    # ---- for the writer ----

    def refuse(self, error: StoreError) -> None:
        """See `change.Lease`."""
        if self._refused is None:
            log.warning("%s", error)
            self._refused = error

    def lack(self, value: str, problem: str) -> None:
        """See `change.Lease`."""
        if not self._lacking:
            log.warning("%s is not kept: %s; the rest of run %s is recorded", value, problem, self.id)
        self._lacking.append(f"{value} is not kept: {problem}")

    def tell(self, event: Event) -> None:
        """See `change.Lease`. A sink that raises is logged and left out from then on."""
        for sink in tuple(self._sinks):
            try:
                sink(event)
            except BaseException:  # also what means to end the run: here it would end the thread that records all runs
                self._sinks.remove(sink)
                log.exception("a subscriber of run %s failed on %s and is left out from now on", self.id, event.kind)

    def seal(self, change: Change) -> None:
        """See `change.Lease`."""
        self._out.seal(change)

    def _encoded(self, cell: str, value: Any) -> tuple[str | None, tuple[Content, ...], str]:
        try:
            return (*codec.encode(value, self._limit), "")
        except codec.Unstorable as reason:
            if isinstance(reason, codec.TooLarge):
                self.lack(f"the value of {cell}", str(reason))
            return None, (), str(reason)

    def _add(self, cells: Sequence[str]) -> None:
        """Makes room for more cells in the tally, once whoever may read it knows which they are."""
        with self._lock:
            cells = [cell for cell in dict.fromkeys(cells) if cell not in self._tally.cells]
            if cells:
                step = describing.addition([*self._tally.cells, *cells], self.id, self.token)
                self._out.put(Change(self, step=step))
                self._writer.flush()
                try:
                    self._tally.grow(cells)
                except OSError as error:
                    self.refuse(explain(error, self._tally.path))

    def _close(self) -> None:
        reached(Point.RUN_ENDED)
        self._tally.close()
        if self._writer.error is None:  # else whoever resumes the run has to know what had begun
            with contextlib.suppress(OSError):  # a scanner has it open, on Windows: later processes remove it
                self._tally.path.unlink(missing_ok=True)
            reached(Point.TALLY_REMOVED)


def content_names(value: Any) -> dict[str | None, str] | None:
    """The hashes of a value, under None, and of its fields. None where a content can't be told."""
    fields = result_fields(value)
    names: dict[str | None, str] = {}
    for field, part in fields.items() or [(None, value)]:
        name = digest(part)
        if name is None:
            return None
        names[field] = name
    return {**names, None: " ".join(names.values())} if fields else names
