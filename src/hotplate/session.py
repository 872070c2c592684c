"""Notebook: where parsing, building, loading and running are put together."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from hotplate import notebook as notation
from hotplate.diagnostic import Diagnostic, Severity, sorted_once
from hotplate.errors import InputError, NotebookError, RunCancelled, SettingError
from hotplate.events import Emitter, Event, Kind, Sink
from hotplate.execute import AbortHandle, Executor, InProcessBackend, Outcome, OutcomeKind, make_executor
from hotplate.execute.interrupt import watch as interrupts
from hotplate.notebook.model import ItemKind, Language
from hotplate.run import CellResult, Evaluation, NativeCells, PythonCell, Run, StateManager, plan_run
from hotplate.toolchain import Artifact, BuildFailure
from hotplate.toolchain.toolchain import Toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hotplate.load import LoadedCell
    from hotplate.notebook.graph import Graph

__all__ = ["Notebook", "inline", "open"]

F = TypeVar("F", bound="Callable[..., Any]")


class Notebook:
    """An open notebook: its cells, their latest results, and what was built of it.

    The file is read again whenever it changed, so a `run` after an edit rebuilds and reruns what the edit touched.
    One thread at a time may run a notebook; loaded cells may be called from any.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        text: str | None = None,
        compiler: str | None = None,
        flags: Sequence[str] = (),
        jobs: int | None = None,
    ) -> None:
        """Opens a notebook. `compiler` names one (`clang`, `zig`, a command); `jobs` caps parallel builds.

        `flags` are compiler arguments for every cell, behind those of its section (`["-fsanitize=address"]`).

        With `text` no file is read: `path` is what diagnostics call the notebook and where its includes start from.
        Raises NotebookError when the file can't be read.
        """
        self.path = Path(path).absolute()
        self._backend = InProcessBackend()
        self._state = StateManager()
        self._native = NativeCells(Toolchain(compiler=compiler, flags=flags, jobs=jobs), self._state)
        self._python: dict[str, PythonCell] = {}
        self._graph: Graph | None = None
        self._follows_file = text is None
        self._stamp = _stamp(self.path) if self._follows_file else None
        self.model = notation.read(self.path) if text is None else notation.parse(self.path, text)
        """The parsed file."""
        self.last_run: Run | None = None
        """The latest run, also when it failed or was interrupted."""

    # ---- what is in it ----

    def refresh(self) -> bool:
        """Reads the file again if it changed; returns whether it did. Raises NotebookError when it can't be read."""
        stamp = _stamp(self.path) if self._follows_file else None
        if not self._follows_file or (stamp is not None and stamp == self._stamp):
            return False
        self.model = notation.read(self.path)
        self._stamp, self._graph = stamp, None
        return True

    @property
    def graph(self) -> Graph:
        """The dependency graph of the file's cells and the Python cells."""
        if self._graph is None:
            native = [notation.node_of(cell) for cell in self.model.cells.values()]
            self._graph = notation.build_graph(native + [cell.node for cell in self._python.values()])
        return self._graph

    @overload
    def cell(self, function: F, /) -> F: ...
    @overload
    def cell(self, function: None = None, /, *, name: str = ..., impure: bool = ...) -> Callable[[F], F]: ...
    def cell(self, function: F | None = None, /, *, name: str = "", impure: bool = False) -> F | Callable[[F], F]:
        """Makes a Python function a cell: its parameters name what it needs, as in the file. Use it as a decorator.

        A later one of the same name replaces it. Raises InputError when the file has a cell of that name.
        """
        if function is None:
            return lambda late: self._add_python(late, name, impure)
        return self._add_python(function, name, impure)

    def _add_python(self, function: F, name: str, impure: bool) -> F:
        cell = PythonCell(function, name or function.__name__, impure=impure)
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
        built = self._native.build(self.model, [name for name in self.model.cells if name not in half_typed])
        compiled = [d for result in built.values() for d in _findings(result) if d.line not in told]
        if any(item.kind is ItemKind.BROKEN for item in self.model.items):
            compiled += self._native.toolchain.check_syntax(self.model)
        built_all = all(isinstance(result, Artifact) for result in built.values())
        if built_all and not told:
            compiled += self._native.conflicts(self.model, self.graph, built)
        return sorted_once((*broken_rules, *compiled, *notation.helper_notes(self.model)))

    # ---- building and loading ----

    def load(self, name: str) -> LoadedCell:
        """One cell, built if it has to be, as a function. Raises BuildError, InputError for an unknown name."""
        self.refresh()
        self._refuse_broken_rules()
        if name not in self.model.cells:
            raise InputError(f"{self.path.name} has no cell {name}; {notation.suggest(name, self.model.cells)}")
        interrupts.arm()  # Ctrl-C reaches the calls of what is loaded here
        return self._native.load(self.model, name)

    def compile_command(self) -> dict[str, Any]:
        """The notebook's entry for compile_commands.json: how its file is compiled. Raises ToolchainError."""
        return self._native.toolchain.compile_command(self.model)

    # ---- running ----

    def run(
        self,
        *targets: str,
        executor: str | Executor = "linear",
        jobs: int | None = None,
        fresh: bool = False,
        keep_going: bool = False,
        inputs: Mapping[str, Any] | None = None,
        on_event: Sink | Sequence[Sink] = (),
        abort: AbortHandle | None = None,
        **named: Any,
    ) -> Run:
        """Runs the cells `targets` (default: all) and what they need, in dependency order, and returns the results.

        Values for inputs, and for cells that they override, are given by name; `inputs` takes names that clash with an
        option. A cell whose build key and inputs are unchanged keeps its value, unless it is impure; `fresh` runs all.
        With `keep_going` a failure stops only what depends on it.

        Raises NotebookError, BuildError or InputError before anything runs; CellError when a cell fails and
        RunCancelled when `abort` was set, both with the results so far in their `run` (also in `last_run`).
        KeyboardInterrupt passes through; what was computed is kept.
        """
        self.refresh()
        self._refuse_broken_rules()
        interrupts.arm()
        chosen = make_executor(executor, jobs) if isinstance(executor, str) else executor
        given = {**(inputs or {}), **named}
        plan = plan_run(self.graph, targets, given, self.path.name)
        recorder = _Recorder((on_event,) if callable(on_event) else tuple(on_event))
        recorder.emitter.emit(Kind.RUN_STARTED, cells=plan.order, notebook=str(self.path))
        abort = AbortHandle(abort)  # its own, so that a failure here does not stop what else runs under the caller's
        try:
            tasks = self._native.tasks(self.model, plan, recorder.emitter)
            tasks |= {name: cell.task for name, cell in self._python.items() if name in plan.nodes}
            overridden = [name for name in given if name in self.graph.nodes]
            evaluation = Evaluation(plan, tasks, given, overridden, self._state, self._backend, recorder.emitter, abort)
            recorder.results = evaluation.results
            evaluation.run(chosen, fresh=fresh, keep_going=keep_going)
        finally:
            self.last_run = recorder.finish(plan)
        return _raise_failure(self.last_run, abort)

    def progress(self) -> Mapping[str, tuple[int, int]]:
        """For each running cell that reports (hp_progress): how much is done, and of how much (0: unknown).

        Thread-safe.
        """
        return self._backend.progress()

    def _refuse_broken_rules(self) -> None:
        errors = [d for d in notation.check(self.model, self.graph) if d.severity is Severity.ERROR]
        if errors:
            raise NotebookError(errors)

    def __getitem__(self, name: str) -> Any:
        stored = self._state.latest(name)
        if stored is None:
            message = f"{name} has no result yet; run it with nb.run({name!r})"
            raise KeyError(message)
        return stored.value

    def __repr__(self) -> str:
        cells = ", ".join((*self.model.cells, *self._python))
        return f"<Notebook {self.path.name}: {cells or 'no cells'}>"


class _Recorder:
    """Keeps what happens in one run, and makes the record of it."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._events: list[Event] = []
        self._id = uuid.uuid4().hex[:12]
        self._begin = time.perf_counter()
        self.emitter = Emitter(self._id, (self._events.append, *sinks))
        self.results: dict[str, CellResult] = {}

    def finish(self, plan: Graph) -> Run:
        """The record, also of a run that ended early."""
        seconds = time.perf_counter() - self._begin
        overridden = [name for name in self.results if name not in plan.nodes]
        never_ran = Outcome(OutcomeKind.CANCELLED, reason="the run ended before it")
        names = (*overridden, *plan.order)
        ordered = {name: self.results.get(name) or CellResult(name, never_ran) for name in names}
        ok = all(cell.outcome.ok for cell in ordered.values())
        self.emitter.emit(Kind.RUN_DONE, ok=ok, seconds=seconds)
        return Run(self._id, ordered, seconds, tuple(self._events))


def open(
    path: str | Path, *, compiler: str | None = None, flags: Sequence[str] = (), jobs: int | None = None
) -> Notebook:
    """Opens the notebook at `path`. See Notebook."""
    return Notebook(path, compiler=compiler, flags=flags, jobs=jobs)


def inline(text: str, *, language: str = "c", compiler: str | None = None, flags: Sequence[str] = ()) -> LoadedCell:
    """A one-off cell from source text, built and loaded. `language`: "c" or "c++".

    The text may hold helpers, types and includes besides its one cell. Raises NotebookError, BuildError, InputError.
    """
    if language not in set(Language):
        message = f"there is no language {language!r}; there are {', '.join(repr(str(known)) for known in Language)}"
        raise SettingError(message)
    suffix = ".cpp" if language == Language.CPP else ".c"
    notebook = Notebook(f"inline{suffix}", text=text, compiler=compiler, flags=flags)
    notebook._refuse_broken_rules()
    names = list(notebook.model.cells)
    if len(names) != 1:
        found = f"it has {len(names)}: {', '.join(names)}" if names else "it has none"
        reasons = "".join(
            f"; {helper.name}: {helper.reason}" for helper in notebook.model.helpers.values() if helper.reason
        )
        message = f"inline code must hold exactly one cell, and {found}{reasons}"
        raise InputError(message)
    return notebook.load(names[0])


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _findings(result: Artifact | BuildFailure) -> tuple[Diagnostic, ...]:
    return result.warnings if isinstance(result, Artifact) else result.diagnostics


def _raise_failure(run: Run, abort: AbortHandle) -> Run:
    for failed in run.failures:
        error = failed.outcome.error
        assert error is not None
        error.run = run  # type: ignore[attr-defined]
        raise error
    if any(cell.outcome.kind is OutcomeKind.CANCELLED for cell in run.cells.values()):
        cancelled = RunCancelled(f"the run was stopped: {abort.reason}")
        cancelled.run = run
        raise cancelled
    return run
