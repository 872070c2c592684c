"""Live: a notebook that follows its file. Two threads serve it: one reloads, one runs."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hotplate.diagnostic import sorted_once
from hotplate.errors import HotplateError, NotebookError, SettingError
from hotplate.events import Emitter, Kind, Sink
from hotplate.load import reclaim
from hotplate.load.trial import try_loading
from hotplate.reload.builds import Builds, findings, libraries
from hotplate.reload.canary import Canary
from hotplate.reload.delivery import Delivery
from hotplate.reload.drafts import Drafts
from hotplate.reload.freshness import Freshness
from hotplate.reload.planner import ReloadPlan
from hotplate.reload.runs import Runs
from hotplate.reload.status import LiveStatus, Reload
from hotplate.reload.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from hotplate.diagnostic import Diagnostic
    from hotplate.execute import AbortHandle, Executor
    from hotplate.notebook.model import NotebookModel
    from hotplate.reload.builds import Built
    from hotplate.reload.proposal import Proposal
    from hotplate.reload.reloader import HotReloader
    from hotplate.run import Evaluation, Recorder, Run, Version
    from hotplate.toolchain import Unit

CAP = 0.5
"""Seconds after which a change counts although files are still being written; at least twice the quiet time."""
STARVED = 2.0
"""Seconds of saves that never pause after which a text is brought to life although a newer one is there."""
GRACE = 1.0
"""Seconds that `stop` waits for a cell that was asked to stop."""
_SLICE = 0.5 if sys.platform == "win32" else None


class Live:
    """A notebook that is built, reloaded and rerun whenever its file changes. A context manager; thread-safe.

    Whatever is wrong with a newer text, the last version that was good stays, and `status` says why. A save while
    compilers work kills those that it makes useless. One while cells run ends the run: cells under way may end, unless
    the result of one of them does not hold in the newer version; then all are asked to stop.

    Entering starts it and returns at once: the first build and run are on their way then.
    """

    def __init__(
        self,
        path: Path,
        reloader: HotReloader,
        read: Callable[[], NotebookModel],
        propose: Callable[[NotebookModel], Proposal],
        evaluation: Callable[[Version, Recorder, AbortHandle], Evaluation],
        executor: Executor,
        turn: AbstractContextManager[object],
        ran: Callable[[Run], None],
        sinks: Sequence[Sink] = (),
        *,
        quiet: float = 0.04,
        polling: bool = False,
        drafts: bool = True,
        canary: bool = False,
    ) -> None:
        """Made by `Notebook.watch`.

        `read` reads the file, `propose` says what of a text is to run, `evaluation` makes a run of a version,
        `turn` is held while it goes on, and `ran` gets its record.
        """
        self._path = path
        self._reloader = reloader
        self._read = read
        self._propose = propose
        self._ran = ran
        self._started = False
        self._delivery = Delivery(sinks)
        self._emitter = Emitter(f"watch {uuid.uuid4().hex[:12]}", (self._delivery,))
        self._watcher = Watcher(self._notice_files, quiet=quiet, cap=max(CAP, 2 * quiet), polling=polling)
        self._freshness = Freshness(path, self._watcher, reloader.toolchain.cache)
        compilers = threading.Condition()
        self._builds = Builds(reloader.toolchain, compilers)
        self._drafts = Drafts(reloader, compilers, wanted=drafts)
        self._changed = threading.Condition(threading.RLock())
        self._runs = Runs(
            path,
            self._changed,
            evaluation,
            executor,
            turn,
            self._delivery,
            began=self._run_began,
            ended=self._run_ended,
            overdue=lambda words: self._set(trouble=words),
        )
        self._canary = Canary(reloader, self._runs, self._changed, wanted=canary)
        self._threads = [
            threading.Thread(target=self._guard, args=(loop,), name=f"hotplate-{name}", daemon=True)
            for name, loop in (("reload", self._reload_loop), ("run", self._runs.serve))
        ]
        self._status = LiveStatus()
        self._files: set[Path] = {path}
        """Changed, and not yet reloaded; the first reload is due from the start."""
        self._earlier: tuple[int, NotebookModel | None] = (0, None)
        """A version that is to run instead of the file: its number and text."""
        self._good: Version | None = None
        """The newest version without drafts."""
        self._given_up_at = 0.0
        """When the first of the reloads was given up that came to nothing since the last one that did not."""
        self._good_run: Run | None = None
        """The newest results that no draft and no trial had a part in."""
        self._stopping = False
        self._crash: BaseException | None = None

    # ---- for the one who watches ----

    @property
    def status(self) -> LiveStatus:
        """How things stand now."""
        return self._status

    def wait(self, timeout: float | None = None) -> bool:
        """Blocks until `stop` was called, or for `timeout` seconds; returns whether it was.

        Ctrl-C raises KeyboardInterrupt. Raises what ended the watching when that was an error.
        """
        self._wait_for(lambda: self._stopping, timeout)
        return self._stopping

    def wait_for(self, condition: Callable[[LiveStatus], bool], timeout: float | None = None) -> bool:
        """Blocks until the status fulfils a condition, the watching ends or the time is over; returns whether it does.

        The events that led to it have been delivered then. Raises as `wait`.

        `live.wait_for(lambda status: status.run is not None and not status.notice)`
        """
        self._wait_for(lambda: self._stopping or condition(self._status), timeout)
        return condition(self._status)

    def rerun(self) -> None:
        """Computes every cell again, with the version that is active."""
        self._runs.want("fresh")

    def go_back(self, version: int | None = None) -> None:
        """Runs an earlier version until the file changes; None: the one before, and each time one further back.

        Raises InputError for one that isn't kept.
        """
        with self._changed:
            self._earlier = self._reloader.earlier(version, before=self._earlier[0])
            self._files.add(self._path)
            self._wake()

    def stop(self) -> None:
        """Ends the watching: asks cells that run to stop and kills compilers. Any thread; again does nothing."""
        with self._changed:
            self._stopping = True
            self._wake()
        self._runs.stop()
        self._watcher.stop()
        deadline = time.monotonic() + GRACE
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(max(deadline - time.monotonic(), 0))
        self._builds.close()
        self._drafts.close()
        self._delivery.stop(GRACE)
        reclaim()

    @property
    def running(self) -> tuple[str, ...]:
        """The cells that are being computed; after `stop`, those that could not be stopped."""
        return self._runs.running

    def __enter__(self) -> Live:
        self._started = True
        self._watcher.watch([self._path])
        self._watcher.start()
        self._delivery.start()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- reloading ----

    def _notice_files(self, files: frozenset[Path]) -> None:
        with self._changed:
            self._files |= files
            self._earlier = (0, None)
            self._wake()

    def _reload_loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._files)
                if self._stopping:
                    return
                files, self._files = frozenset(self._files), set()
                number, text = self._earlier
            with self._reloader.turn:
                self._reload(files, number, text)

    def _reload(self, files: frozenset[Path], earlier: int, text: NotebookModel | None) -> None:
        begin, begun = time.perf_counter(), time.time_ns()
        starved = bool(self._given_up_at) and time.monotonic() - self._given_up_at > STARVED
        plan, error, read, runs = ReloadPlan(), None, None, True
        self._set(phase="building", trouble=self._watcher_trouble())
        self._emitter.emit(Kind.RELOAD_STARTED, files=tuple(map(str, sorted(files))))
        try:
            model = text or self._read()
            read = model.text
            proposal = self._propose(model)
            units = self._reloader.units(proposal.model, proposal.native)
            plan = self._reloader.plan(proposal, units, files)
            if plan.refused:
                raise NotebookError(plan.refused)
            built = self._build(plan, proposal, units, starved=starved)
            if built is None or self._look_again(self._freshness.changed_headers(built.values(), begun)):
                return self._give_up()
            if text is None and self._look_again(self._freshness.changed_text(read)) and not starved:
                return self._give_up()
            diagnostics = (*proposal.diagnostics, *findings(built.values()))
            if not self._activate(plan, proposal, built, earlier):
                return self._give_up()
        except HotplateError as refused:
            if text is None and self._look_again(self._freshness.changed_text(read)) and not starved:
                return self._give_up()
            error, diagnostics = refused, getattr(refused, "diagnostics", ())
            runs = self._refuse(refused, earlier)
        self._given_up_at = 0.0
        self._tell(plan, error, sorted_once(diagnostics), time.perf_counter() - begin, runs=runs)
        if runs:
            self._runs.want("update")
        return None

    def _give_up(self) -> None:
        self._given_up_at = self._given_up_at or time.monotonic()

    def _build(
        self, plan: ReloadPlan, proposal: Proposal, units: Sequence[Unit], *, starved: bool
    ) -> dict[str, Built] | None:
        """The libraries, once they are there; drafts that are there before run meanwhile. None: no longer wanted."""

        def given_up() -> bool:
            return self._stopping or (bool(self._files) and not starved)

        started = self._builds.start(units, self._emitter)
        draft = self._drafts.activate(plan, proposal, started, lambda: given_up() or self._builds.is_done(started))
        if draft is not None:
            self._swap(draft)
            self._runs.want("update")
        built = self._builds.finish(started, self._emitter, given_up)
        self._drafts.learn(built or {})
        return built

    def _activate(self, plan: ReloadPlan, proposal: Proposal, built: Mapping[str, Built], earlier: int) -> bool:
        """Makes it what runs once new code has come through a trial. False: no longer wanted. Raises: as `activate`."""
        tried = self._canary.tried(proposal, built, lambda: bool(self._files) or self._stopping)
        if tried is None:
            self._look_again({self._path})
            return False
        try_loading(libraries(built, (name for name in (*plan.build, *plan.load) if not tried.isolates(name))))
        self._swap(self._reloader.activate(tried, built, self._emitter, earlier=earlier))
        return True

    def _refuse(self, error: HotplateError, earlier: int) -> bool:
        """Leaves the last good version as it is; true when it has to run: nothing has here, or a draft of this text."""
        taken_up = self._good is None and self._take_up()
        self._reloader.refuse(error, earlier=earlier)
        with self._changed:
            self._earlier = (0, None) if earlier else self._earlier
        if self._runs.version is self._good or self._good is None:
            return taken_up
        self._swap(self._good)
        self._set(run=self._good_run)
        return True

    def _take_up(self) -> bool:
        """Goes on with the last good version of whoever ran the notebook before, whose results know other values."""
        model = self._reloader.good_text
        if model is None:
            return False
        try:
            proposal = self._propose(model)
            units = self._reloader.units(model, proposal.native)
            plan = self._reloader.plan(proposal, units)
            built = None if plan.refused else self._build(plan, proposal, units, starved=False)
            return built is not None and self._activate(plan, proposal, built, 0)
        except HotplateError:  # the values don't fit it, or a header of its own is broken
            return False

    def _look_again(self, changed: Collection[Path]) -> bool:
        with self._changed:
            self._files.update(changed)
        return bool(changed)

    def _swap(self, version: Version) -> None:
        with self._changed:
            if not version.preliminary:
                self._good = version
            self._runs.swap(version)

    def _tell(
        self,
        plan: ReloadPlan,
        error: HotplateError | None,
        diagnostics: tuple[Diagnostic, ...],
        seconds: float,
        *,
        runs: bool,
    ) -> None:
        number, notice = self._good.number if self._good else 0, self._reloader.notice
        reload = Reload(plan, number, error, notice, seconds)
        with self._changed:
            run = self._status.run
            age = f"results of v{run.version}; v{number} is being run" if runs and run and run.version != number else ""
            marked = replace(run, notice=notice or age) if run is not None else None
            phase = "running" if runs or self._runs.under_way else "waiting"
            self._set(
                version=reload.version, notice=notice, diagnostics=diagnostics, reload=reload, run=marked, phase=phase
            )
        self._emitter.emit(Kind.RELOAD_DONE, reload=reload)

    def _watcher_trouble(self) -> str:
        error = self._watcher.error
        return f"changes may go unnoticed: {error}" if error else ""

    # ---- running ----

    def _run_began(self, version: Version) -> None:
        if not version.drafts:  # else it is being built
            self._set(phase="running")

    def _run_ended(self, version: Version, run: Run | None) -> None:
        self._set(trouble=self._watcher_trouble())
        if run is None:  # another one follows
            return
        self._ran(run)
        run = replace(run, notice=self._reloader.notice)
        if not version.preliminary:
            self._good_run = run
        self._canary.ended(version, run)
        self._set(run=run, phase="building" if self._status.phase == "building" else "waiting")

    # ---- both ----

    def _guard(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except BaseException as error:
            with self._changed:
                self._crash = None if self._stopping else error
                self._stopping = True
                self._wake()

    def _set(self, **changes: Any) -> None:
        with self._changed:
            self._status = replace(self._status, **changes)
            self._changed.notify_all()

    def _wake(self) -> None:
        self._changed.notify_all()
        self._builds.wake()

    def _wait_for(self, condition: Callable[[], bool], timeout: float | None) -> None:
        if not self._started:
            raise SettingError("nothing is being watched yet; use it in a block: `with nb.watch() as live:`")
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not condition():
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    break
                # On Windows nothing interrupts a wait without a time-out, Ctrl-C neither.
                self._changed.wait(min(filter(None, (left, _SLICE)), default=None))
        self._delivery.flush(GRACE)
        if self._crash is not None:
            raise self._crash
