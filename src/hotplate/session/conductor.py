"""Conductor: makes the runs of a notebook, one after another."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hotplate import __version__
from hotplate.errors import HotplateError, NotebookError, RunCancelled, StoreError
from hotplate.events import Kind
from hotplate.execute import AbortHandle, OutcomeKind, isolates
from hotplate.execute.interrupt import watch as interrupts
from hotplate.run import Evaluation, Recorder, plan_hash
from hotplate.run.lifecycles.capture import Capture
from hotplate.run.lifecycles.progress import Progress
from hotplate.run.recorder import new_id
from hotplate.session.contents import Contents, refuse_errors
from hotplate.session.layout import Layout
from hotplate.toolchain import Artifact

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hotplate.execute.mixed import MixedBackend
    from hotplate.notebook.model import NotebookModel
    from hotplate.reload import HotReloader, Proposal
    from hotplate.run import Run, StateManager, Version
    from hotplate.run.lifecycles import Lifecycle
    from hotplate.run.store import Recording
    from hotplate.run.sweep import SweepRun
    from hotplate.session.order import Order


class Conductor:
    """Brings up what an order is about, has it evaluated and recorded, and keeps the record. Thread-safe."""

    def __init__(
        self,
        contents: Contents,
        reloader: HotReloader,
        state: StateManager,
        backend: MixedBackend,
        opened: Mapping[str, Any],
        *,
        isolates_all: bool,
    ) -> None:
        """`opened` says how the notebook was opened, in JSON's types, for whoever resumes a run of it.

        With `isolates_all` every cell runs in a worker, whatever its section says.
        """
        self._contents = contents
        self._reloader = reloader
        self._state = state
        self._backend = backend
        self._opened = opened
        self._isolates_all = isolates_all
        self._begun: Recording | None = None
        """What records the run that goes on."""
        self.last_run: Run | None = None
        self.turn = threading.RLock()
        """Held by the one that makes a run."""

    def latest(self) -> Run | None:
        """The last run, with a notice when the file is newer. See Notebook.last_run."""
        run = self.last_run
        if run is not None and run.notice != self._reloader.notice:
            run = self.last_run = replace(run, notice=self._reloader.notice)
        return run

    def run(self, order: Order) -> Run:
        """Makes a run. See Notebook.run."""
        run, _ = self._conduct(order)
        return _raise_failure(run)

    def sweep(self, order: Order) -> SweepRun:
        """Makes a sweep. See Notebook.sweep."""
        from hotplate.run.sweep import SweepRun

        run, layout = self._conduct(order)
        assert layout.sweep is not None
        swept = SweepRun.of_run(layout.sweep, run)
        try:
            if not order.keep_going or not run.failures:
                _raise_failure(run)
        except HotplateError as error:
            error.run = swept  # type: ignore[attr-defined]  # as on every error of a run
            raise
        return swept

    def resume(self, order: Order) -> Run | SweepRun:
        """Goes on with the run or sweep that the order claimed, or gives it up. See Notebook.resume."""
        assert order.resumption is not None
        try:
            return self.sweep(order) if order.axes else self.run(order)
        except BaseException as error:
            order.resumption.give_up(error)
            raise

    def _conduct(self, order: Order) -> tuple[Run, Layout]:
        interrupts.arm()
        if self._begun is not None and self._begun.is_telling:
            raise StoreError(
                f"{self._contents.path.name} is running, and what is told of its recorded run can't wait for another "
                "run of it: run it from a thread of its own, or when this run has ended"
            )
        with self.turn:
            around, self._begun = self._begun, None  # of a run in one of whose cells this one is begun
            try:
                return self._make(order)
            except BaseException as error:  # an interrupt may strike at any moment
                if self._begun is not None:
                    self._begun.end_early(error)
                raise
            finally:
                self._begun = around

    def _make(self, order: Order) -> tuple[Run, Layout]:
        version, recorder, layout = self._bring_up(order)
        # So that a failure here does not stop what else runs under the caller's.
        own = AbortHandle(order.abort)
        interrupted: KeyboardInterrupt | None = None
        try:
            evaluation = self.evaluation(version, order, recorder, own, layout)
            evaluation.run(order.executor, fresh=order.fresh, keep_going=order.keep_going)
        except KeyboardInterrupt as interrupt:
            interrupted = interrupt
            raise
        finally:
            if order.abort is not None:
                order.abort.release(own)
            if layout.sweep is not None:
                self._state.forget(name for name, cell in layout.cells.items() if name != cell)
            run = recorder.finish(version.graph, version.number)
            if layout.sweep is None:
                self.last_run = run
            elif interrupted is not None:
                from hotplate.run.sweep import SweepRun

                interrupted.run = SweepRun.of_run(layout.sweep, run)  # type: ignore[attr-defined]  # as on errors
        return run, layout

    def _bring_up(self, order: Order) -> tuple[Version, Recorder, Layout]:
        """The file as it is now, built and loaded, and the recorder of the run that has begun with that."""
        with self._reloader.turn:
            proposal = self._read_proposal(order)
            layout = Layout.of(order, proposal.graph, self._contents.graph, self._contents.path.name)
            self._begun = recording = self._recording(order, layout)
            logs = order.store.folder / "logs" / recording.id if order.store and recording else None
            layout.begin(recording)
            recorder = Recorder(order.sinks, recording, logs)
            recorder.emitter.emit(Kind.RUN_STARTED, cells=layout.graph.order, notebook=str(self._contents.path))
            try:
                return layout.version(self._reloader.reload(proposal, recorder.emitter)), recorder, layout
            except BaseException as error:
                stopped = isinstance(error, (KeyboardInterrupt, RunCancelled))
                problem = "" if stopped else str(error) or type(error).__name__
                self.last_run = recorder.finish(layout.graph, problem=problem)
                raise

    def _recording(self, order: Order, layout: Layout) -> Recording | None:
        """The recording of a run that begins or goes on."""
        if order.store is None:
            return None
        from hotplate.run.store import RunDescription

        description = RunDescription(
            id=new_id(),
            notebook=str(self._contents.path),
            text=self._contents.model.text,
            plan=plan_hash(layout.graph),
            targets=order.targets,
            given=order.given,
            options={**self._opened, **order.options, **self._python(layout)},
            point={axis.name: list(axis.values) for axis in order.axes},
            version=__version__,
        )
        if order.resumption is not None:
            return order.resumption.claim(description, layout, self._contents, self._keys)
        return order.store.begin(description, layout.graph.order)

    def _python(self, layout: Layout) -> dict[str, list[str]]:
        """The Python cells of a run, which whoever resumes it has to make; nothing if it has none."""
        names = dict.fromkeys(cell for cell in layout.cells.values() if cell in self._contents.python)
        return {"python": list(names)} if names else {}

    def _keys(self, names: Collection[str]) -> dict[str, str | None]:
        """What the code of cells is, as records have it; built if it has to be, and None where nobody can tell.

        Cells that can't be built are left out.
        """
        built = self._reloader.build(
            self._contents.model, [name for name in names if name in self._contents.model.cells]
        )
        native = {name: found.build_key for name, found in built.items() if isinstance(found, Artifact)}
        python = {name: cell.task.recorded_key for name, cell in self._contents.python.items() if name in names}
        return {**native, **python}

    def _read_proposal(self, order: Order) -> Proposal:
        """The file as it is now, as something to run. Raises NotebookError, InputError."""
        try:
            self._contents.file.refresh()
            proposal = self.propose(self._contents.model, order)
            refuse_errors(proposal.diagnostics)
        except NotebookError as error:
            self._reloader.refuse(error)
            raise
        return proposal

    def propose(self, model: NotebookModel, order: Order) -> Proposal:
        """A text as something to run for an order. See Contents.propose."""
        isolate_all = self._isolates_all or isolates(order.executor)
        return self._contents.propose(model, order.targets, order.values, isolate_all=isolate_all)

    def evaluation(
        self, version: Version, order: Order, recorder: Recorder, abort: AbortHandle, layout: Layout
    ) -> Evaluation:
        """A run of a version, before it begins."""
        return Evaluation(
            version,
            layout.given,
            self._state,
            self._backend,
            recorder,
            abort,
            lifecycles=self._lifecycles(order, recorder, version),
            policies=order.policies(layout.cells),
            memory=order.recalls,
            measures=recorder.records,
            diagnoses=order.diagnoses,
            releases=None if layout.sweep is None else layout.ended(recorder.recording, recorder.results),
        )

    def _lifecycles(self, order: Order, recorder: Recorder, version: Version) -> tuple[Lifecycle, ...]:
        """What surrounds each attempt, besides what the evaluation itself puts there; no more than the cells need."""
        chosen: list[Lifecycle] = list(order.lifecycles)
        tasks = version.tasks.values()
        if recorder.is_heard and any(task.polls for task in tasks):  # the others have no way to report progress
            chosen.append(Progress(self._backend.progress))
        if (recorder.is_heard or not order.echoes) and any(task.isolated for task in tasks):
            chosen.append(Capture(recorder.logs, echo=order.echoes))
        return tuple(chosen)


def _raise_failure(run: Run) -> Run:
    if run.ok:
        return run
    for failed in run.failures:
        error = failed.outcome.error
        assert error is not None
        error.run = run  # type: ignore[attr-defined]
        raise error
    for cell in run.cells.values():
        if cell.outcome.kind is OutcomeKind.CANCELLED:
            cancelled = RunCancelled(f"the run was stopped: {cell.reason}")
            cancelled.run = run
            raise cancelled
    return run
