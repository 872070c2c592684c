"""Notebook: where parsing, building, loading and running are put together."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from hotplate.errors import NotebookError, SettingError
from hotplate.execute import AbortHandle, Executor, ExecutorKillHandle
from hotplate.execute.isolation import IsolatedCells
from hotplate.execute.mixed import MixedBackend
from hotplate.reload import HotReloader
from hotplate.run import Run, StateManager
from hotplate.session.building import Building
from hotplate.session.conductor import Conductor
from hotplate.session.contents import Contents
from hotplate.session.order import Order, Policies, executor_of, sinks_of, values_of
from hotplate.session.stores import Stores
from hotplate.show import Picture, Shown
from hotplate.toolchain.toolchain import Toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hotplate.diagnostic import Diagnostic
    from hotplate.events import Sink
    from hotplate.execute.workers.policy import Policy
    from hotplate.load import LoadedCell
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import NotebookModel
    from hotplate.reload.live import Live
    from hotplate.run.lifecycles import Lifecycle
    from hotplate.run.store import RunStore
    from hotplate.run.sweep import SweepRun
    from hotplate.toolchain import Artifact

F = TypeVar("F", bound="Callable[..., Any]")


class Notebook(Shown):
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
        self._contents = Contents(self.path, text)
        if sanitize:
            toolchain = toolchain.sanitizing(self.model.language.value)
        self._isolation = IsolatedCells(toolchain, policy)
        self._backend = MixedBackend(self._isolation.backend)
        self._state = StateManager()
        self._reloader = HotReloader(toolchain, self._state, self._isolation)
        self._building = Building(self._contents, self._reloader)
        self._stores = Stores()
        opened = {"compiler": compiler, "flags": list(flags), "sanitize": sanitize, "policy": _policy_name(policy)}
        self._conductor = Conductor(
            self._contents, self._reloader, self._state, self._backend, opened, isolates_all=self._isolation.of_all
        )

    # ---- what is in it ----

    @property
    def model(self) -> NotebookModel:
        """The parsed file."""
        return self._contents.model

    @property
    def last_run(self) -> Run | None:
        """The latest run, also when it failed or was interrupted; with a notice when the file is newer."""
        return self._conductor.latest()

    def refresh(self) -> bool:
        """Reads the file again if it changed; returns whether it did. Raises NotebookError when it can't be read."""
        return self._contents.file.refresh()

    @property
    def graph(self) -> Graph:
        """The dependency graph of the file's cells and the Python cells."""
        return self._contents.graph

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

        def add(function: F) -> F:
            self._contents.add_python(function, name, settings)
            return function

        return add if function is None else add(function)

    def check(self) -> tuple[Diagnostic, ...]:
        """Everything that is wrong with the file: what breaks the notation's rules, and what does not compile.

        Compiles every cell. Warnings and notes are included; see Diagnostic.severity.
        """
        return self._building.check()

    def edit(self, model: NotebookModel) -> None:
        """Makes `model` what the notebook says from now on; the next run rebuilds and reruns what that touches.

        Raises SettingError for a notebook that follows a file.
        """
        self._contents.edit(model)

    # ---- building and loading ----

    def build(self, *names: str) -> Mapping[str, Artifact]:
        """Builds cells (default: all) without loading or running them; a library has its compiler's `warnings`.

        Raises NotebookError for what breaks the notation's rules, and BuildError with the findings of all cells.
        """
        return self._building.build(names)

    def load(self, name: str, *, isolated: bool | None = None, version: int | None = None) -> LoadedCell:
        """One cell, built if it has to be, as a function. Raises BuildError, InputError for an unknown name.

        `isolated` says whether its calls run in a worker; None: as its section says. `version` names that of a run
        whose text is taken instead of the file's, if it is kept.
        """
        return self._building.load(name, isolated=isolated, version=version)

    def remarks(self, *names: str) -> tuple[Diagnostic, ...]:
        """What the compiler says about the loops of cells (default: all): which it vectorised, which not, and why.

        Compiles them anew. Raises ToolchainError for a compiler that makes no such remarks, BuildError.
        """
        return self._building.remarks(names)

    def compile_command(self) -> dict[str, Any]:
        """The notebook's entry for compile_commands.json: how its file is compiled. Raises ToolchainError."""
        return self._reloader.toolchain.compile_command(self.model)

    def write_compile_command(self) -> Path:
        """Writes that entry to compile_commands.json beside the file, in place of the one that is there.

        Returns where it is. Raises ToolchainError, and SettingError where it can't be written or there is no file.
        """
        return self._building.write_compile_command()

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
        lifecycles: Lifecycle | Iterable[str | Lifecycle] = (),
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
        order = Order.make(
            targets,
            values_of(inputs, named),
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
            **self._stores.of_order(record, reuse=reuse),
        )
        return self._conductor.run(order)

    def resume(
        self,
        run: str | Run | SweepRun,
        *,
        mode: str = "reuse",
        again: bool = False,
        executor: str | Executor | None = None,
        jobs: int | None = None,
        keep_going: bool | None = None,
        store: RunStore | None = None,
        attempts: Policies | None = None,
        lifecycles: Lifecycle | Iterable[str | Lifecycle] = (),
        inputs: Mapping[str, Any] | None = None,
        on_event: Sink | Sequence[Sink] = (),
        abort: AbortHandle | None = None,
        **named: Any,
    ) -> Run | SweepRun:
        """Goes on with a recorded run that failed, was cancelled or lost its process, and returns all its results.

        `run` is the run itself, its id, or the beginning of that. What it was given holds, but for what is given now.
        Results are taken over by `mode`: "reuse" those that still hold for the file as it is, "strict" the same and
        refuses a file that has changed, "force" all of them. Attempts count on, but for cells that an edit or a value
        given now reaches; `again` counts from 1. What is left out is as it was, but `attempts` and `lifecycles`, which
        are not recorded.

        Raises StoreError for a run that is unknown, done or still going on, and as `run` does.
        """
        from hotplate.session.resuming import resume_order

        store = self._stores.choose(True if store is None else store, create=False)
        order = resume_order(
            self._contents,
            store,
            run,
            mode=mode,
            again=again,
            executor=executor,
            jobs=jobs,
            keep_going=keep_going,
            attempts=attempts,
            lifecycles=lifecycles,
            given=values_of(inputs, named),
            on_event=on_event,
            abort=abort,
        )
        return self._conductor.resume(order)

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
        lifecycles: Lifecycle | Iterable[str | Lifecycle] = (),
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

        order = Order.make(
            targets,
            values_of(inputs, {}),
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
            **self._stores.of_order(record, reuse=reuse),
        )
        return self._conductor.sweep(order)

    def watch(
        self,
        *targets: str,
        executor: str | Executor = "linear",
        jobs: int | None = None,
        quiet: float = 0.04,
        polling: bool = False,
        drafts: bool = True,
        canary: bool = False,
        compile_commands: bool | None = None,
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

        The notebook's entry in compile_commands.json is kept current if hotplate wrote it; with `compile_commands` it
        is made where there is none, and without (False) left as it is.

        Raises SettingError for a notebook without a file, and InputError for cells and inputs that the file as it is
        does not have, or that are missing. If such things come about later, the watching goes on and says so.
        """
        from hotplate.session.following import follow  # with watchdog, 30 ms that `run` need not pay

        order = Order(targets=targets, given=values_of(inputs, named), executor=executor_of(executor, jobs))
        sinks = sinks_of(on_event)
        if compile_commands is not False:
            sinks += (self._building.editor_entry(create=bool(compile_commands)),)
        how = {"quiet": quiet, "polling": polling, "drafts": drafts and not canary, "canary": canary}
        return follow(self._contents, self._reloader, self._conductor, order, sinks, **how)

    def kill_handle(self) -> ExecutorKillHandle:
        """Kills the notebook's isolated cells that run, whoever called them, without asking first; for any thread."""
        return ExecutorKillHandle(self._isolation)

    def progress(self) -> Mapping[str, tuple[int, int]]:
        """How much is done, of how much (0: unknown), of each running cell that reports (hp_progress). Thread-safe."""
        return self._backend.progress()

    def __getitem__(self, name: str) -> Any:
        stored = self._state.latest(name)
        if stored is None:
            raise KeyError(f"{name} has no result yet; run it with nb.run({name!r})")
        return stored.value

    def __repr__(self) -> str:
        cells = ", ".join((*self.model.cells, *self._contents.python))
        return f"<Notebook {self.path.name}: {cells or 'no cells'}>"

    def _picture(self) -> Picture:
        from hotplate.session.picture import notebook_picture

        with suppress(NotebookError):  # it shows what was read last when the file is gone
            self.refresh()
        active = self._reloader.active
        return notebook_picture(self._contents, self._state, self.last_run, active.model if active else None)


def _policy_name(policy: Policy | None) -> str | None:
    if policy is None:
        return None
    return "strict" if policy == type(policy).strict() else "custom"
