"""Notebook: where parsing, building, loading and running are put together."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from hotplate import __version__
from hotplate import notebook as notation
from hotplate.diagnostic import Diagnostic, Severity, sorted_once
from hotplate.errors import HotplateError, InputError, NotebookError, RunCancelled, SettingError
from hotplate.events import Kind, Sink
from hotplate.execute import AbortHandle, Executor, ExecutorKillHandle, OutcomeKind, isolates, make_executor
from hotplate.execute.interrupt import watch as interrupts
from hotplate.execute.isolation import IsolatedCells
from hotplate.execute.mixed import MixedBackend
from hotplate.notebook.model import ItemKind
from hotplate.reload import HotReloader, Proposal
from hotplate.run import Evaluation, PythonCell, Recorder, Run, StateManager, plan_hash, plan_run
from hotplate.run.lifecycles.capture import Capture
from hotplate.run.lifecycles.progress import Progress
from hotplate.run.memory import Recorded
from hotplate.run.recorder import new_id
from hotplate.session.layout import Layout
from hotplate.session.order import Order, Policies
from hotplate.toolchain import Artifact, BuildFailure
from hotplate.toolchain.toolchain import Toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from hotplate.execute.workers.policy import Policy
    from hotplate.load import LoadedCell
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import NotebookModel
    from hotplate.reload.live import Live
    from hotplate.run import Version
    from hotplate.run.lifecycles import Lifecycle
    from hotplate.run.store import Recording, RunStore
    from hotplate.run.sweep import SweepRun

F = TypeVar("F", bound="Callable[..., Any]")


class Notebook:
    """An open notebook: its cells, their latest results, and what was built of it.

    The file is read again whenever it changed, so a `run` after an edit rebuilds and reruns what the edit touched.
    Runs take turns, whichever threads ask for them; loaded cells may be called from any at any time.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        text: str | None = None,
        compiler: str | None = None,
        flags: Sequence[str] = (),
        jobs: int | None = None,
        policy: Policy | None = None,
        sanitize: bool = False,
    ) -> None:
        """Opens a notebook. `compiler` names one (`clang`, `zig`, a command); `jobs` caps parallel builds.

        `flags` are compiler arguments for every cell, behind those of its section (`["-fsanitize=address"]`).

        With a `policy` every cell runs in a worker that keeps to it; a strict one confines compilers as well. With
        `sanitize` every cell is built and run with AddressSanitizer and UBSan, in a worker; what they find ends it.

        With `text` no file is read: `path` is what diagnostics call the notebook and where its includes start from.
        Raises NotebookError when the file can't be read.
        """
        self.path = Path(path).absolute()
        if policy is not None and not hasattr(policy, "confines"):
            raise SettingError(f"policy is {policy!r}; it is a hotplate.Policy, such as Policy.strict()")
        toolchain = Toolchain(
            compiler=compiler, flags=flags, jobs=jobs, confined=policy is not None and policy.confines
        )
        self._file = notation.NotebookFile(self.path, text)
        if sanitize:
            toolchain = toolchain.sanitizing(self.model.language.value)
        self._isolation = IsolatedCells(toolchain, policy)
        self._backend = MixedBackend(self._isolation.backend)
        self._state = StateManager()
        self._reloader = HotReloader(toolchain, self._state, self._isolation)
        self._python: dict[str, PythonCell] = {}
        self._graph: tuple[NotebookModel, Graph] | None = None
        """With the model that it belongs to."""
        self._last_run: Run | None = None
        self._own_store: RunStore | None = None
        self.options: Mapping[str, Any] = {
            "compiler": compiler, "flags": list(flags), "sanitize": sanitize, "policy": _policy_name(policy),
        }  # fmt: skip
        """How it was opened, in JSON's types; "custom" stands for a policy of one's own."""
        self._turn = threading.RLock()

    # ---- what is in it ----

    @property
    def model(self) -> NotebookModel:
        """The parsed file."""
        return self._file.model

    @property
    def last_run(self) -> Run | None:
        """The latest run, also when it failed or was interrupted; with a notice when the file is newer."""
        if self._last_run is not None and self._last_run.notice != self._reloader.notice:
            self._last_run = replace(self._last_run, notice=self._reloader.notice)
        return self._last_run

    def refresh(self) -> bool:
        """Reads the file again if it changed; returns whether it did. Raises NotebookError when it can't be read."""
        return self._file.refresh()

    @property
    def graph(self) -> Graph:
        """The dependency graph of the file's cells and the Python cells."""
        model, known = self.model, self._graph
        if known is None or known[0] is not model:
            self._graph = known = (model, self._graph_of(model))
        return known[1]

    def _graph_of(self, model: NotebookModel) -> Graph:
        native = [notation.node_of(cell) for cell in model.cells.values()]
        return notation.build_graph(native + [cell.node for cell in self._python.values()])

    @overload
    def cell(self, function: F, /) -> F: ...
    @overload
    def cell(
        self,
        function: None = None,
        /,
        *,
        name: str = ...,
        impure: bool = ...,
        when: str = ...,
        trap: bool | str | Iterable[str] = ...,
    ) -> Callable[[F], F]: ...
    def cell(self, function: F | None = None, /, *, name: str = "", **settings: Any) -> F | Callable[[F], F]:
        """Makes a Python function a cell: its parameters name what it needs, as in the file. Use it as a decorator.

        `impure`, `when` and `trap` mean what they do in a section. A later cell of the same name replaces it. Raises
        InputError when the file has a cell of that name, and for a name, a parameter or a condition that can't be.
        """
        if function is None:
            return lambda late: self._add_python(late, name, settings)
        return self._add_python(function, name, settings)

    def _add_python(self, function: F, name: str, settings: Mapping[str, Any]) -> F:
        cell = PythonCell(function, name or function.__name__, **settings)
        if cell.name in self.model.cells:
            message = f"{self.path.name} already has a cell {cell.name}; give the Python function another name"
            raise InputError(message)
        self._python[cell.name] = cell
        self._graph = None
        return function

    def check(self) -> tuple[Diagnostic, ...]:
        """Everything that is wrong with the file: what breaks the notation's rules, and what does not compile.

        Compiles every cell. Warnings and notes are included; see Diagnostic.severity.
        """
        self.refresh()
        broken_rules = notation.check(self.model, self.graph)
        told = {found.line for found in broken_rules if found.severity is Severity.ERROR}
        half_typed = {found.cell for found in broken_rules if found.rule == "syntax"}
        built = self._reloader.build(self.model, [name for name in self.model.cells if name not in half_typed])
        compiled = [d for result in built.values() for d in _findings(result) if d.line not in told]
        if any(item.kind is ItemKind.BROKEN for item in self.model.items):
            compiled += self._reloader.toolchain.check_syntax(self.model)
        built_all = all(isinstance(result, Artifact) for result in built.values())
        if built_all and not told:
            compiled += self._reloader.conflicts(self.model, self.graph, built)
        return sorted_once((*broken_rules, *compiled, *notation.helper_notes(self.model)))

    # ---- building and loading ----

    def load(self, name: str) -> LoadedCell:
        """One cell, built if it has to be, as a function. Raises BuildError, InputError for an unknown name."""
        self.refresh()
        refuse_errors(notation.check(self.model, self.graph))
        if name not in self.model.cells:
            raise InputError(f"{self.path.name} has no cell {name}; {notation.suggest(name, self.model.cells)}")
        interrupts.arm()  # Ctrl-C reaches the calls of what is loaded here
        return self._reloader.load(self.model, name)

    def compile_command(self) -> dict[str, Any]:
        """The notebook's entry for compile_commands.json: how its file is compiled. Raises ToolchainError."""
        return self._reloader.toolchain.compile_command(self.model)

    # ---- running ----

    def run(
        self,
        *targets: str,
        executor: str | Executor = "linear",
        jobs: int | None = None,
        fresh: bool = False,
        keep_going: bool = False,
        on_crash: str = "report",
        output: str = "live",
        record: bool | RunStore = False,
        reuse: bool = False,
        attempts: Policies | None = None,
        lifecycles: Iterable[str | Lifecycle] = (),
        inputs: Mapping[str, Any] | None = None,
        on_event: Sink | Sequence[Sink] = (),
        abort: AbortHandle | None = None,
        **named: Any,
    ) -> Run:
        """Runs the cells `targets` (default: all) and what they need, in dependency order, and returns the results.

        Values for inputs, and for cells that they override, are given by name; `inputs` takes names that clash with an
        option. A cell whose build key and inputs are unchanged keeps its value, unless it is impure; `fresh` runs all.
        With `keep_going` a failure stops only what depends on it. With `on_crash="diagnose"` an isolated cell that
        crashes is called again with sanitizers, whose findings are in the error's `report`.

        With `record` the run is kept on disk as it goes on: `resume` goes on with it, and `reuse` takes results of all
        recorded runs that still hold. `attempts` says how cells are tried, all or by name, in place of their sections.
        `lifecycles` surround each attempt. With `output="none"` what isolated cells print is only in results and
        events.

        Raises NotebookError, BuildError or InputError before anything runs, StoreError when it can't be recorded;
        CellError when a cell fails and RunCancelled when `abort` was set, both with the results so far in their `run`
        (also in `last_run`). KeyboardInterrupt passes through; what was computed is kept.
        """
        store = self._store(record) if record or reuse else None
        return self.perform(
            Order.make(
                targets,
                {**(inputs or {}), **named},
                executor=executor,
                jobs=jobs,
                on_crash=on_crash,
                output=output,
                on_event=on_event,
                lifecycles=lifecycles,
                keep_going=keep_going,
                fresh=fresh,
                abort=abort,
                attempts=attempts,
                store=store if record else None,
                memory=Recorded(store) if store is not None and reuse else None,
            )
        )

    def resume(
        self,
        run: str,
        *,
        mode: str = "reuse",
        again: bool = False,
        executor: str | Executor | None = None,
        jobs: int | None = None,
        keep_going: bool | None = None,
        store: RunStore | None = None,
        attempts: Policies | None = None,
        lifecycles: Iterable[str | Lifecycle] = (),
        inputs: Mapping[str, Any] | None = None,
        on_event: Sink | Sequence[Sink] = (),
        abort: AbortHandle | None = None,
        **named: Any,
    ) -> Run | SweepRun:
        """Goes on with a recorded run that failed, was cancelled or lost its process, and returns all its results.

        `run` is its id, or the beginning of it. What it was given holds, but for what is given now. Results are taken
        over by `mode`: "reuse" those that still hold for the file as it is, "strict" the same and refuses a file that
        has changed, "force" all of them. Attempts count on; `again` counts from 1. What is left out is as it was.

        Raises StoreError for a run that is unknown, done or still going on, and as `run` does.
        """
        from hotplate.session.resuming import resume_order

        store = store or self._store(True)
        order = resume_order(
            self,
            store,
            run,
            mode=mode,
            again=again,
            executor=executor,
            jobs=jobs,
            keep_going=keep_going,
            attempts=attempts,
            lifecycles=lifecycles,
            given={**(inputs or {}), **named},
            on_event=on_event,
            abort=abort,
        )
        assert order.resumption is not None
        try:
            return self.perform_sweep(order) if order.axes else self.perform(order)
        except BaseException as error:
            order.resumption.give_up(str(error))
            raise

    def sweep(
        self,
        *targets: str,
        executor: str | Executor = "linear",
        jobs: int | None = None,
        keep_going: bool = True,
        on_crash: str = "report",
        output: str = "live",
        record: bool | RunStore = False,
        reuse: bool = False,
        attempts: Policies | None = None,
        lifecycles: Iterable[str | Lifecycle] = (),
        inputs: Mapping[str, Any] | None = None,
        on_event: Sink | Sequence[Sink] = (),
        abort: AbortHandle | None = None,
        **axes: Iterable[Any],
    ) -> SweepRun:
        """Runs the cells `targets` for each combination of values: `nb.sweep(dt=[1e-4, 1e-3], n=range(64, 257, 64))`.

        By default those cells are run that no other needs, and what they need. A cell is run once for each combination
        of the values that it depends on, so what depends on none runs once. Only results of the targets are kept.
        `inputs` are values that all points share; the other options are those of `run`, but that a point that fails
        leaves a gap in the table (`keep_going=False`: it ends the sweep with its error).

        Raises NotebookError, BuildError, InputError or StoreError before anything runs, RunCancelled when `abort` was
        set; its `run` has the results so far, as that of a CellError has.
        """
        from hotplate.run.sweep import axes_of

        store = self._store(record) if record or reuse else None
        order = Order.make(
            targets,
            inputs or {},
            executor=executor,
            jobs=jobs,
            on_crash=on_crash,
            output=output,
            on_event=on_event,
            lifecycles=lifecycles,
            keep_going=keep_going,
            abort=abort,
            attempts=attempts,
            axes=axes_of(axes),
            store=store if record else None,
            memory=Recorded(store) if store is not None and reuse else None,
        )
        return self.perform_sweep(order)

    def perform(self, order: Order) -> Run:
        """Makes a run as it was ordered. See `run`."""
        run, _ = self._conduct(order)
        return _raise_failure(run)

    def perform_sweep(self, order: Order) -> SweepRun:
        """Makes a sweep as it was ordered. See `sweep`."""
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

    def _conduct(self, order: Order) -> tuple[Run, Layout]:
        interrupts.arm()
        with self._turn:
            version, recorder, layout = self._bring_up(order)
            # So that a failure here does not stop what else runs under the caller's.
            own = AbortHandle(order.abort)
            try:
                evaluation = self._evaluation(version, order, recorder, own, layout)
                evaluation.run(order.executor, fresh=order.fresh, keep_going=order.keep_going)
            finally:
                if order.abort is not None:
                    order.abort.release(own)
                if layout.sweep is not None:
                    self._state.forget(name for name, cell in layout.cells.items() if name != cell)
                run = recorder.finish(version.graph, version.number)
                if layout.sweep is None:
                    self._last_run = run
        return run, layout

    def _bring_up(self, order: Order) -> tuple[Version, Recorder, Layout]:
        """The file as it is now, built and loaded, and the recorder of the run that has begun with that."""
        with self._reloader.turn:
            proposal = self._read_proposal(order)
            layout = Layout.of(order, proposal.graph, self.graph, self.path.name)
            recording = self._recording(order, layout)
            logs = order.store.folder / "logs" / recording.id if order.store and recording else None
            layout.begin(recording)
            recorder = Recorder(order.sinks, recording, logs)
            recorder.emitter.emit(Kind.RUN_STARTED, cells=layout.graph.order, notebook=str(self.path))
            try:
                return layout.version(self._reloader.reload(proposal, recorder.emitter)), recorder, layout
            except BaseException as error:
                self._last_run = recorder.finish(layout.graph, problem=str(error) or type(error).__name__)
                raise

    def _recording(self, order: Order, layout: Layout) -> Recording | None:
        """The recording of a run that begins or goes on."""
        if order.store is None:
            return None
        from hotplate.run.store import RunDescription

        description = RunDescription(
            id=new_id(),
            notebook=str(self.path),
            text=self.model.text,
            plan=plan_hash(layout.graph),
            targets=order.targets,
            given=order.given,
            options={**self.options, **order.options},
            point={axis.name: list(axis.values) for axis in order.axes},
            version=__version__,
        )
        if order.resumption is not None:
            return order.resumption.claim(description, layout, self, self._keys)
        return order.store.begin(description, layout.graph.order)

    def _keys(self, names: Collection[str]) -> dict[str, str | None]:
        """What the code of cells is, as records have it; built if it has to be, and None where nobody can tell."""
        built = self._reloader.build(self.model, [name for name in names if name in self.model.cells])
        native = {name: found.build_key for name, found in built.items() if isinstance(found, Artifact)}
        python = {name: cell.task.recorded_key for name, cell in self._python.items()}
        return {name: native.get(name) or python.get(name) for name in names}

    def _store(self, chosen: bool | RunStore) -> RunStore:
        """Where runs are recorded. Opened once, and closed with the notebook."""
        if not isinstance(chosen, bool):
            return chosen
        if self._own_store is None:
            from hotplate.run.store import RunStore

            self._own_store = RunStore.open()
        return self._own_store

    def watch(
        self,
        *targets: str,
        executor: str | Executor = "linear",
        jobs: int | None = None,
        quiet: float = 0.04,
        polling: bool = False,
        drafts: bool = True,
        canary: bool = False,
        inputs: Mapping[str, Any] | None = None,
        on_event: Sink | Sequence[Sink] = (),
        **named: Any,
    ) -> Live:
        """Follows the file: whenever it or a header of its own is saved, what changed is rebuilt, reloaded and rerun.

        Use it in a `with` block; what it takes is what `run` takes. A change counts when nothing was written for
        `quiet` seconds. `polling` looks at the files again and again instead of waiting for events, as is done where
        the file system has none. With `drafts`, tcc (`hotplate[tcc]`) makes a first result of what is quick to run,
        marked as a draft, until the compiler is done. With `canary`, new code runs in a worker first, and comes into
        this process when it has come through there; it crashed: the last good version stays. See Live.

        Raises SettingError for a notebook without a file, and InputError for cells and inputs that the file as it is
        does not have, or that are missing. If such things come about later, the watching goes on and says so.
        """
        from hotplate.reload.live import Live  # with watchdog, 30 ms that `run` need not pay

        if not self._file.is_followed:
            raise SettingError(f"{self.path.name} has no file to watch; save its text to one and open that")
        chosen = make_executor(executor, jobs)
        given = {**(inputs or {}), **named}
        order = Order(targets=targets, given=given, executor=chosen)
        if self.model.cells:
            self._proposal(self.model, targets, given, chosen)

        def read() -> NotebookModel:
            self._file.read()
            return self.model

        def ran(run: Run) -> None:
            self._last_run = run

        return Live(
            self.path,
            self._reloader,
            read,
            lambda model: self._proposal(model, targets, given, chosen),
            lambda version, recorder, abort: self._evaluation(
                version, order, recorder, abort, Layout.of(order, version.graph, version.graph, self.path.name)
            ),
            chosen,
            self._turn,
            ran,
            (on_event,) if callable(on_event) else tuple(on_event),
            quiet=quiet,
            polling=polling,
            drafts=drafts and not canary,
            canary=canary,
        )

    def kill_handle(self) -> ExecutorKillHandle:
        """Kills the notebook's isolated cells that run, whoever called them, without asking first; for any thread."""
        return ExecutorKillHandle(self._isolation)

    def progress(self) -> Mapping[str, tuple[int, int]]:
        """For each running cell that reports (hp_progress): how much is done, and of how much (0: unknown).

        Thread-safe.
        """
        return self._backend.progress()

    def _read_proposal(self, order: Order) -> Proposal:
        """The file as it is now, as something to run. Raises NotebookError, InputError."""
        try:
            self.refresh()
            proposal = self._proposal(self.model, order.targets, order.values, order.executor)
            refuse_errors(proposal.diagnostics)
        except NotebookError as error:
            self._reloader.refuse(error)
            raise
        return proposal

    def _proposal(
        self, model: NotebookModel, targets: Sequence[str], given: Mapping[str, Any], executor: Executor
    ) -> Proposal:
        """A text as something to run; what breaks the notation's rules is in its diagnostics. Raises InputError."""
        graph = self.graph if model is self.model else self._graph_of(model)
        diagnostics = notation.check(model, graph)
        overridden = frozenset(name for name in given if name in graph.nodes)
        if not any(found.severity is Severity.ERROR for found in diagnostics):
            graph = plan_run(graph, targets, given, self.path.name)
        python = {name: cell.task for name, cell in self._python.items() if name in graph.nodes}
        isolate_all = self._isolation.of_all or isolates(executor)
        return Proposal(model, graph, python, overridden, diagnostics, isolate_all)

    def _evaluation(
        self, version: Version, order: Order, recorder: Recorder, abort: AbortHandle, layout: Layout
    ) -> Evaluation:
        return Evaluation(
            version,
            layout.given,
            self._state,
            self._backend,
            recorder,
            abort,
            lifecycles=self._lifecycles(order, recorder),
            policies=order.policies(layout.cells),
            memory=order.recalls,
            measures=recorder.records,
            diagnoses=order.diagnoses,
            releases=None if layout.sweep is None else layout.ended(recorder.recording, recorder.results),
        )

    def _lifecycles(self, order: Order, recorder: Recorder) -> tuple[Lifecycle, ...]:
        """What surrounds each attempt, besides what the evaluation itself puts there."""
        chosen: list[Lifecycle] = list(order.lifecycles)
        if recorder.is_heard:
            chosen.append(Progress(self._backend.progress))
        if recorder.is_heard or not order.echoes:
            chosen.append(Capture(recorder.logs, echo=order.echoes))
        return tuple(chosen)

    def __getitem__(self, name: str) -> Any:
        stored = self._state.latest(name)
        if stored is None:
            message = f"{name} has no result yet; run it with nb.run({name!r})"
            raise KeyError(message)
        return stored.value

    def __repr__(self) -> str:
        cells = ", ".join((*self.model.cells, *self._python))
        return f"<Notebook {self.path.name}: {cells or 'no cells'}>"


def _policy_name(policy: Policy | None) -> str | None:
    if policy is None:
        return None
    return "strict" if policy == type(policy).strict() else "custom"


def refuse_errors(diagnostics: Sequence[Diagnostic]) -> None:
    """Raises NotebookError when one of them is an error."""
    errors = [found for found in diagnostics if found.severity is Severity.ERROR]
    if errors:
        raise NotebookError(errors)


def _findings(result: Artifact | BuildFailure) -> tuple[Diagnostic, ...]:
    return result.warnings if isinstance(result, Artifact) else result.diagnostics


def _raise_failure(run: Run) -> Run:
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
