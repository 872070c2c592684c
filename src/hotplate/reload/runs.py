"""Runs: the active version is run, one run after another on a thread of its own; a newer one ends an older one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.events import Kind
from hotplate.execute import AbortHandle
from hotplate.execute.deadlines import deadlines
from hotplate.load import reclaim
from hotplate.run import Recorder

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from hotplate.events import Sink
    from hotplate.execute import Executor
    from hotplate.run import Evaluation, Run, Version

GRACE = 1.0
"""Seconds after which a cell that was asked to stop, and goes on, is told of."""


@dataclass(frozen=True, slots=True)
class _Current:
    version: Version
    evaluation: Evaluation
    abort: AbortHandle


class Runs:
    """The runs of a notebook that is being edited. Thread-safe; `serve` is the thread that makes them.

    `began` and `ended` are called with `changed` held; `ended` gets no run when a newer version cut it short.
    """

    def __init__(
        self,
        path: Path,
        changed: threading.Condition,
        evaluation: Callable[[Version, Recorder, AbortHandle], Evaluation],
        executor: Executor,
        turn: AbstractContextManager[object],
        sink: Sink,
        *,
        began: Callable[[Version], None],
        ended: Callable[[Version, Run | None], None],
        overdue: Callable[[str], None],
    ) -> None:
        """`changed` must be re-entrant. `evaluation` prepares a run of a version, and `turn` is held while it goes on.

        `overdue` is told of cells that keep a newer version waiting.
        """
        self._path = path
        self._changed = changed
        self._evaluation = evaluation
        self._executor = executor
        self._turn = turn
        self._sink = sink
        self._began = began
        self._ended = ended
        self._overdue = overdue
        self._due = ""
        """The run that has to be made: "" none, "update", or "fresh"."""
        self._version: Version | None = None
        """What runs are made of; what others make active in the reloader may be of another part of the notebook."""
        self._current: _Current | None = None
        self._stopping = False

    @property
    def version(self) -> Version | None:
        """What the next run is made of."""
        return self._version

    @property
    def running(self) -> tuple[str, ...]:
        """The cells that are being computed."""
        current = self._current
        return current.evaluation.running if current else ()

    @property
    def under_way(self) -> bool:
        """Whether there is a run that has not ended."""
        return self._current is not None

    def swap(self, version: Version) -> None:
        """Makes a version what is run from now on, and cuts a run of another one short."""
        with self._changed:
            self._version = version
            current = self._current
            if current is None or current.version is version:
                return
            obsolete = current.version.obsolete(version)
            current.evaluation.supersede(f"v{version.number} is there", obsolete)
        if current.abort.aborted:
            deadlines.after(GRACE, lambda: self._complain(current))

    def want(self, kind: str) -> None:
        """Asks for a run: "update" computes what is not up to date, "fresh" everything."""
        with self._changed:
            self._due = "fresh" if "fresh" in (kind, self._due) else kind
            self._changed.notify_all()

    def stop(self) -> None:
        """Makes no more runs, and asks the cells that are being computed to stop."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            current = self._current
        if current is not None:
            current.abort.abort("the watching ended")

    def serve(self) -> None:
        """Makes every run when it is due, until `stop`."""
        while self._run_once():
            reclaim()  # what only that run still held

    def _run_once(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or (self._due and self._version))
            version = self._version
            if self._stopping or version is None:
                return False
            due, self._due = self._due, ""
            recorder, abort = Recorder((self._sink,)), AbortHandle()
            self._current = _Current(version, self._evaluation(version, recorder, abort), abort)
            self._began(version)
        with self._turn:
            self._run(self._current, recorder, fresh=due == "fresh")
        return True

    def _run(self, current: _Current, recorder: Recorder, *, fresh: bool) -> None:
        version = current.version
        recorder.emitter.emit(
            Kind.RUN_STARTED,
            cells=version.graph.order,
            notebook=str(self._path),
            version=version.number,
            drafts=tuple(sorted(version.drafts)),
        )
        current.evaluation.run(self._executor, fresh=fresh, keep_going=True)
        run = recorder.finish(version.graph, version.number)
        with self._changed:
            self._current = None
            if current.evaluation.superseded:  # another run follows
                self._due = "fresh" if fresh else self._due
            self._ended(version, None if current.evaluation.superseded else run)

    def _complain(self, current: _Current) -> None:
        with self._changed:
            cells = current.evaluation.running
            if self._current is current and cells and not self._stopping:
                names = " and ".join(cells)
                self._overdue(
                    f"{names} of v{current.version.number} was asked to stop and goes on, so the newer version has to "
                    f"wait; what runs in this process can be stopped only if it polls hp_check"
                )
