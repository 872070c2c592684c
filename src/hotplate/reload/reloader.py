"""HotReloader: replaces the running version of a notebook by a newer one, or leaves it as it is."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from hotplate.diagnostic import Severity, sorted_once
from hotplate.errors import (
    BuildError,
    CellCrashed,
    CellTimedOut,
    HotplateError,
    InputError,
    LoadError,
    NotebookError,
    RunCancelled,
)
from hotplate.events import Kind, log
from hotplate.execute.isolation import IsolatedCells
from hotplate.load import LoadedCell, reclaim
from hotplate.load.binding import graph_conflicts
from hotplate.reload.planner import Build, ReloadPlan, plan_reload, renamed_cells
from hotplate.reload.proposal import Proposal
from hotplate.run import Task, Version
from hotplate.toolchain import Artifact, BuildFailure
from hotplate.toolchain.unit import make_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from hotplate.diagnostic import Diagnostic
    from hotplate.events import Emitter
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import NotebookModel
    from hotplate.reload.builds import Built
    from hotplate.run import StateManager
    from hotplate.toolchain import Unit
    from hotplate.toolchain.toolchain import Toolchain

T = TypeVar("T")
VERSIONS = 16
"""How many versions one can go back to."""


class HotReloader:
    """Brings texts of a notebook to life: compile → open → handshake → bind → swap → drain.

    Whatever goes wrong before the swap leaves the active version untouched. What it replaces is unloaded when nothing
    runs it any more. Thread-safe; one reload at a time.
    """

    def __init__(self, toolchain: Toolchain, state: StateManager, isolation: IsolatedCells | None = None) -> None:
        """`isolation` has the workers for isolated cells; None: it is made when the first one is loaded."""
        self.toolchain = toolchain
        self._isolation = isolation or IsolatedCells(toolchain)
        self.state = state
        """The results and the memory of its cells."""
        self.active: Version | None = None
        """What runs begin with."""
        self._good: Version | None = None
        """The newest version without drafts: the active one, or what becomes it again when their text is refused."""
        self._behind = ""
        """Why a newer text than the active version's does not run."""
        self.on_success: list[Callable[[Version], None]] = []
        """Called with each version that becomes the active one."""
        self.on_failure: list[Callable[[HotplateError], None]] = []
        """Called with the reason when a newer text is refused."""
        self._units: tuple[NotebookModel | None, dict[str, Unit]] = (None, {})
        """Those of the text that was asked for last: runs of one text ask each time."""
        self._loaded: dict[str, tuple[str, LoadedCell]] = {}
        self._builds: dict[str, Build] = {}
        self._earlier: deque[tuple[int, NotebookModel]] = deque(maxlen=VERSIONS)
        self._count = 0
        self._lock = threading.RLock()
        self.turn = threading.RLock()
        """Held from reading the file until that text is active or refused, so that no older text comes after it."""

    # ---- what there is ----

    @property
    def notice(self) -> str:
        """What every result has to say about its age: "running v3; the file is newer and does not compile", or ""."""
        if not self._behind or self.drafted:
            return ""
        if self.active is None:
            return f"nothing runs yet; {self._behind.replace('the file is newer and', 'the file')}"
        return f"running v{self.active.number}; {self._behind}"

    @property
    def drafted(self) -> bool:
        """Whether drafts stand in for cells of the active version, or it is on trial."""
        return self.active is not None and self.active.preliminary

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions that can be gone back to, oldest first."""
        return tuple(number for number, _ in self._earlier)

    def earlier(self, number: int | None = None, *, before: int | None = None) -> tuple[int, NotebookModel]:
        """An earlier version and its text: the one of that number, else the newest `before` one, else the one before.

        Raises InputError when it isn't kept.
        """
        limit = before or (self._good.number if self._good else 0)
        for kept, model in reversed(tuple(self._earlier)):
            if kept == number or (number is None and kept < limit):
                return kept, model
        known = ", ".join(f"v{kept}" for kept in self.versions) or "none"
        wanted = f"no version before v{limit}" if number is None else f"no version v{number}"
        raise InputError(f"there is {wanted} to go back to; kept are {known}")

    @property
    def good_text(self) -> NotebookModel | None:
        """The text of the last good version; None: there is none."""
        return self._good.model if self._good is not None else None

    def text_of(self, number: int) -> NotebookModel | None:
        """The text of a version; None when it isn't kept."""
        good = self._good
        if good is not None and good.number == number:
            return good.model
        return next((model for kept, model in tuple(self._earlier) if kept == number), None)

    @contextmanager
    def stepping_aside(self) -> Iterator[None]:
        """Leaves `turn` to others for a block. Another version may be the active one afterwards."""
        self.turn.release()
        try:
            yield
        finally:
            self.turn.acquire()

    # ---- compile ----

    def units(self, model: NotebookModel, names: Iterable[str]) -> list[Unit]:
        """The translation units of cells."""
        of, known = self._units
        if of is not model:
            _, known = self._units = (model, {})
        return [known.get(name) or known.setdefault(name, make_unit(model, name, self.toolchain)) for name in names]

    def build(self, model: NotebookModel, names: Iterable[str], emitter: Emitter | None = None) -> dict[str, Built]:
        """Compiles what is not in the cache. Raises ToolchainError, CacheError; a cell that fails is in the result."""
        return self.toolchain.build_all(self.units(model, names), emitter)

    def plan(self, proposal: Proposal, units: Iterable[Unit], changed_files: Collection[Path] = ()) -> ReloadPlan:
        """What it takes to make the proposal the active version. Compiles and loads nothing."""
        builder = self.toolchain.builder
        hash_of = builder.cache.hashes.at_once()
        wanted = {}
        for unit in units:
            found = builder.find(unit, hash_of)
            facts = (found.build_key, tuple(found.headers)) if found else ("", ())
            wanted[unit.cell] = Build(builder.unit_key(unit), *facts)
        return plan_reload(
            self._good.model if self._good else None,
            proposal.model,
            proposal.graph,
            built=self._builds,
            wanted=wanted,
            with_results={name for name in proposal.graph.order if self.state.latest(name) is not None},
            broken=proposal.broken,
            changed_files=changed_files,
        )

    # ---- the whole way ----

    def reload(self, proposal: Proposal, emitter: Emitter | None = None) -> Version:
        """Makes the proposal the active version.

        Raises BuildError with the findings of all cells, ToolchainError, CacheError, LoadError, or NotebookError where
        two cells don't fit together.
        """
        try:
            return self.activate(proposal, self.build(proposal.model, proposal.native, emitter), emitter)
        except RunCancelled:
            raise
        except HotplateError as error:
            self.refuse(error)
            raise

    def activate(
        self, proposal: Proposal, built: Mapping[str, Built], emitter: Emitter | None = None, *, earlier: int = 0
    ) -> Version:
        """The way from libraries to the active version: open → handshake → bind → swap → drain. Raises as `reload`.

        `earlier` is the version whose text this is when somebody wants it although the file is newer.
        """
        artifacts = _artifacts(built)
        with self._lock:
            before = self._good
            renamed = renamed_cells(before.model, proposal.model) if before else {}
            loaded = self._open(proposal, artifacts, renamed)
            version = self._swap(proposal, _tasks(proposal, artifacts, loaded), renamed)
            self._loaded |= {name: (artifacts[name].build_key, cell) for name, cell in loaded.items()}
            self._builds |= {name: Build(a.unit_key, a.build_key, tuple(a.headers)) for name, a in artifacts.items()}
            self._behind = f"the file is newer and v{earlier} was asked for" if earlier else ""
        if before is None or version.number != before.number:
            self._tell(before, version, emitter)
        before = None  # or it would hold what is to be let go of
        self._drain()
        return version

    def draft(self, proposal: Proposal, built: Mapping[str, Built], drafts: Collection[str]) -> Version:
        """Makes a version with drafts of some cells the active one, until `activate` or `refuse` says what comes of it.

        Nothing that the last good version needs is let go of. Raises as `activate`.
        """
        return self._stand_in(proposal, built, drafts=frozenset(drafts))

    def trial(self, proposal: Proposal, built: Mapping[str, Built]) -> Version:
        """Makes a version the active one for a trial, which `activate` or `refuse` ends. As `draft`."""
        return self._stand_in(proposal, built, trial=True)

    def _stand_in(
        self,
        proposal: Proposal,
        built: Mapping[str, Built],
        *,
        drafts: frozenset[str] = frozenset(),
        trial: bool = False,
    ) -> Version:
        artifacts = _artifacts(built)
        with self._lock:
            tasks = _tasks(proposal, artifacts, self._open(proposal, artifacts, {}))
            number, overridden = self._count + 1, proposal.overridden
            version = Version(number, proposal.model, proposal.graph, tasks, overridden, drafts, trial)
            self.active = version
        return version

    def refuse(self, error: HotplateError, *, earlier: int = 0) -> None:
        """Marks the last good version, which is the active one: there is another text, which does not run.

        That is the file's, or that of an `earlier` version.
        """
        with self._lock:
            self._behind = f"{f'v{earlier} was asked for' if earlier else 'the file is newer'} and {_why(error)}"
            if self.drafted:
                self.active = self._good
        _call_all(self.on_failure, error)

    def load(self, model: NotebookModel, name: str, *, isolated: bool | None = None) -> LoadedCell:
        """One cell, built if need be, whatever else is active. Raises BuildError, LoadError.

        It is `isolated` as its section says unless that is told; confined cells always are.
        """
        artifacts = _artifacts(self.build(model, [name]))
        own = model.cells[name].section.attributes.isolate
        in_worker = self._isolation.of_all or (own if isolated is None else isolated)
        with self._lock:
            cell = self._open_one(model, artifacts[name], name, isolated=in_worker)
            self._loaded[name] = (artifacts[name].build_key, cell)
            reclaim()
        return cell

    def conflicts(self, model: NotebookModel, graph: Graph, built: Mapping[str, Built]) -> tuple[Diagnostic, ...]:
        """Where two built cells don't fit together. Loads them; raises LoadError."""
        proposal = Proposal(model, graph, {}, isolate_all=self._isolation.of_all)
        with self._lock:
            loaded = self._open(proposal, {name: a for name, a in built.items() if isinstance(a, Artifact)}, {})
            return graph_conflicts(graph, model, loaded)

    # ---- steps ----

    def _open(
        self, proposal: Proposal, artifacts: Mapping[str, Artifact], renamed: Mapping[str, str]
    ) -> dict[str, LoadedCell]:
        return {
            name: self._open_one(proposal.model, artifact, renamed.get(name, name), isolated=proposal.isolates(name))
            for name, artifact in artifacts.items()
        }

    def _open_one(self, model: NotebookModel, artifact: Artifact, memory: str, *, isolated: bool) -> LoadedCell:
        """The cell of a library; `memory` is whose hp_state it has."""
        key, cell = self._loaded.get(artifact.cell, ("", None))
        if cell is not None and not cell.closed and key == artifact.build_key and cell.isolated == isolated:
            return cell
        block = self.state.block(memory)
        if isolated:
            return self._isolation.load(
                artifact, block, model.path, model.text, partial(make_unit, model, artifact.cell)
            )
        return LoadedCell(artifact.library, artifact.unit_key, block)

    def _swap(self, proposal: Proposal, tasks: Mapping[str, Task], renamed: Mapping[str, str]) -> Version:
        before = self._good
        number = before.number if before else 0
        is_new = before is None or _differs(before, proposal, tasks)
        if is_new:
            self._count = number = self._count + 1
        version = Version(number, proposal.model, proposal.graph, tasks, proposal.overridden)
        if before is not None and is_new:
            self._earlier.append((before.number, before.model))
            for new, old in renamed.items():
                self.state.rename(old, new)
            for name in before.model.cells.keys() - version.model.cells.keys():
                self.state.drop(name)
        self.active = self._good = version
        return version

    def _tell(self, before: Version | None, version: Version, emitter: Emitter | None) -> None:
        if emitter is not None:
            known = before.tasks if before else {}
            for name, task in version.tasks.items():
                if name not in known or known[name].key != task.key:
                    emitter.emit(Kind.CELL_RELOADED, name, version=version.number)
        _call_all(self.on_success, version)

    def _drain(self) -> None:
        """Lets go of cells that no version has any more; their libraries are unloaded when no run is in them."""
        with self._lock:
            cells = self.active.model.cells if self.active else {}
            for name in [name for name in self._loaded if name not in cells]:
                del self._loaded[name]
                self._builds.pop(name, None)
        reclaim()


def _call_all(callbacks: Iterable[Callable[[T], None]], argument: T) -> None:
    """One that raises is logged, and keeps nobody else from being called."""
    for callback in tuple(callbacks):
        try:
            callback(argument)
        except Exception:
            log.exception("a callback of a reload failed")


def _artifacts(built: Mapping[str, Built]) -> dict[str, Artifact]:
    if failures := [result for result in built.values() if isinstance(result, BuildFailure)]:
        raise BuildError(sorted_once(found for failure in failures for found in failure.diagnostics))
    return {name: result for name, result in built.items() if isinstance(result, Artifact)}


def _tasks(proposal: Proposal, artifacts: Mapping[str, Artifact], loaded: Mapping[str, LoadedCell]) -> dict[str, Task]:
    if conflicts := graph_conflicts(proposal.graph, proposal.model, loaded):
        raise NotebookError(conflicts)
    tasks = {name: _task(proposal.model, artifact, loaded[name]) for name, artifact in artifacts.items()}
    python = proposal.python
    if proposal.isolate_all:
        python = {name: replace(task, isolated=True) for name, task in python.items()}
    return {**tasks, **python}


def _task(model: NotebookModel, artifact: Artifact, cell: LoadedCell) -> Task:
    return Task(
        cell.name,
        model.language.value,
        cell,
        artifact.build_key,
        model.cells[cell.name].section.attributes,
        polls=cell.descriptor.polls,
        isolated=cell.isolated,
        build_seconds=0.0 if artifact.cached else artifact.seconds,
        compiler=cell.descriptor.compiler,
    )


def _differs(before: Version, proposal: Proposal, tasks: Mapping[str, Task]) -> bool:
    if before.model.text != proposal.model.text:
        return True
    return any(name in before.tasks and before.tasks[name].key != task.key for name, task in tasks.items())


def _why(error: HotplateError) -> str:
    if isinstance(error, NotebookError):
        rules = {found.rule for found in error.diagnostics if found.severity is Severity.ERROR}
        told = {"edge": "has cells that don't fit together", "syntax": "does not parse", "file": "can't be read"}
        return next((told[rule] for rule in told if rule in rules), "breaks a rule of the notation")
    return next((words for kind, words in _REASONS.items() if isinstance(error, kind)), "can't be built")


_REASONS = {
    BuildError: "does not compile",
    LoadError: "does not load",
    InputError: "can't be run",
    CellCrashed: "crashed in its trial",
    CellTimedOut: "did not end in its trial",
}
