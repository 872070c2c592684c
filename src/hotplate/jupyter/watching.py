"""Watched: a file that is followed, with its cells in the user's namespace."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from hotplate.errors import HotplateError, InputError
from hotplate.events import Kind
from hotplate.execute.workers.cell import IsolatedCell
from hotplate.jupyter.calling import call_in_worker
from hotplate.jupyter.cells import NotebookCell
from hotplate.jupyter.fragments import Isolation
from hotplate.jupyter.language import HAS_WORKERS
from hotplate.jupyter.namespace import MISSING
from hotplate.jupyter.places import Places
from hotplate.jupyter.status import CellState
from hotplate.session import Notebook
from hotplate.values import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from hotplate.events import Event
    from hotplate.jupyter.live_panel import LivePanel
    from hotplate.jupyter.namespace import Namespace
    from hotplate.load import LoadedCell
    from hotplate.reload import Live, LiveStatus

_FIRST = 10.0
"""Seconds that the magic waits for the first results."""


class Watched:
    """A file, its watch, and the home of its cells. Its events come on threads of the watch; the rest is for one."""

    def __init__(
        self,
        path: Path,
        namespace: Namespace,
        changed: Callable[[Watched], None],
        *,
        isolation: Isolation = Isolation.RUNS,
        executor: str = "",
        compiler: str | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        """`changed` is called, on a thread of the watch, when there is something new to see. Raises NotebookError."""
        self.path = path
        self.notebook = Notebook(path, compiler=compiler, flags=flags)
        self._namespace = namespace
        self._changed = changed
        in_workers = HAS_WORKERS and isolation in (Isolation.RUNS, Isolation.ALWAYS)
        self._executor = executor or ("process" if in_workers else "linear")
        self._isolation = isolation
        self._live: Live | None = None
        self._taken: dict[str, str | None] = {}
        """The digests of the variables that its cells were given."""
        self._panel: LivePanel | None = None
        self._cells: dict[str, NotebookCell] = {}
        self._functions: dict[str, tuple[int, LoadedCell]] = {}
        """What direct calls call, and of which version that is."""
        self._lock = threading.Lock()

    # ---- following ----

    def start(self, *, rich: bool) -> LiveStatus:
        """Begins to follow the file, and waits a while for the first results. Raises InputError for missing inputs.

        `rich`: an output of the Jupyter cell that runs shows how it stands from then on.
        """
        given = self._inputs_or_raise()
        if rich:
            from hotplate.jupyter.live_panel import LivePanel

            self._panel = LivePanel(self.notebook).__enter__()
        try:
            live = self._begin(given)
            live.wait_for(lambda status: status.phase == "waiting" and _is_settled(status), _FIRST)
        except BaseException:  # Ctrl-C as well: nobody could end what is not known to be watched
            self.stop()
            raise
        if self._panel is not None:
            self._panel.catch_up()
        return live.status

    def stop(self) -> None:
        """Ends that. The cells stay in the namespace, with their results."""
        if self._live is not None:
            self._live.stop()
        if self._panel is not None:
            self._panel.close()

    def refresh(self) -> None:
        """Begins anew when a variable is another one now that the cells take. If one is gone, all goes on as before."""
        given, missing = self._inputs()
        if self._live is not None and not missing and self._inputs_digests(given) != self._taken:
            self._begin(given)

    def bind(self) -> list[str]:
        """Makes the cells of the newest version variables; returns what there is to say about it."""
        names = self.notebook.model.cells
        with self._lock:
            for name in [name for name in self._cells if name not in names]:
                self._namespace.unbind(self._cells.pop(name))
            for name in [name for name in names if name not in self._cells]:
                self._cells[name] = self._known(name) or NotebookCell(name, self)
            return [words for cell in self._cells.values() if (words := self._namespace.bind(cell))]

    def _known(self, name: str) -> NotebookCell | None:
        """The cell as it is known from an earlier watch of the file."""
        cell = self._namespace.cell(name)
        if cell is None or not isinstance(cell.home, Watched) or cell.home.path != self.path:
            return None
        cell.move(self)
        return cell

    @property
    def status(self) -> LiveStatus | None:
        """How the watch stands."""
        return self._live.status if self._live is not None else None

    def _inputs_or_raise(self) -> dict[str, Any]:
        given, missing = self._inputs()
        if missing:
            listed = "; ".join(f"{name} (for {', '.join(cells)})" for name, cells in missing.items())
            first = next(iter(missing))
            raise InputError(f"{self.path.name} needs {listed}: {self._namespace.why_missing(first)}")
        return given

    def _begin(self, given: Mapping[str, Any]) -> Live:
        canary = HAS_WORKERS and self._isolation is Isolation.CANARY
        sinks = (self._hear, self._panel) if self._panel is not None else (self._hear,)
        live = self.notebook.watch(executor=self._executor, canary=canary, inputs=given, on_event=sinks)
        if self._live is not None:
            self._live.stop()
        self._live, self._taken = live, self._inputs_digests(given)
        live.__enter__()
        if self._panel is not None:
            self._panel.follow(live)
        return live

    def _inputs(self) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
        """The variables that the cells take, and the inputs that are not there with those who need them."""
        graph = self.notebook.graph
        given: dict[str, Any] = self._namespace.values_of(graph.nodes)
        missing: dict[str, tuple[str, ...]] = {}
        for name, users in graph.subgraph(graph.nodes, given).inputs.items():
            needed = tuple(cell for cell, parameter in users if parameter.required)
            value = self._namespace.value(name) if needed else MISSING
            if value is not MISSING:
                given[name] = value
            elif needed:
                missing[name] = needed
        return given, missing

    def _inputs_digests(self, given: Mapping[str, Any]) -> dict[str, str | None]:
        return {name: digest(value) for name, value in given.items()}

    def _hear(self, event: Event) -> None:
        if event.kind in (Kind.RUN_DONE, Kind.RELOAD_DONE):
            self._changed(self)

    # ---- the home of its cells ----

    def has(self, name: str) -> bool:
        """Whether it still has the cell."""
        return name in self.notebook.model.cells

    def value(self, name: str) -> Any:
        """The latest result. Raises KeyError."""
        return self.notebook[name]

    def state(self, name: str) -> CellState:
        """How the cell stands."""
        status, run = self.status, self.notebook.last_run
        result = run.cells.get(name) if run is not None else None
        if not self.has(name) and result is None:
            return CellState("gone", place=self.path.name)
        if status is None or result is None:
            notice = status.notice if status is not None else ""
            return CellState("waiting" if notice else "built", 0, notice, self.path.name)
        mark = status.notice
        if not mark and not result.outcome.ok:
            mark = "its last run did not end well"
        elif not mark and status.run is None:
            mark = "it is being computed anew"
        return CellState(result.status, result.version, mark, self.path.name, result.outcome.seconds)

    def loaded(self, name: str) -> LoadedCell:
        """What a direct call calls: the code that ran last, in a worker until it has come through once or always."""
        run = self.notebook.last_run
        result = run.cells.get(name) if run is not None else None
        version = run.version if run is not None and result is not None else 0
        isolated = self._calls_in_worker(name, tried=result is not None and result.outcome.ok)
        known_version, known = self._functions.get(name, (0, None))
        if known is None or not version or version != known_version or known.closed or known.isolated != isolated:
            known = self.notebook.load(name, isolated=isolated, version=version or None)
            self._functions[name] = (version, known)
        return known

    def _calls_in_worker(self, name: str, *, tried: bool) -> bool:
        cell = self.notebook.model.cells.get(name)
        if cell is not None and cell.section.attributes.isolate:
            return True
        if self._isolation is Isolation.NEVER or not HAS_WORKERS:
            return False
        return self._isolation is Isolation.ALWAYS or not tried

    def call(self, name: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Makes a direct call."""
        loaded = self.loaded(name)
        if not isinstance(loaded, IsolatedCell):
            return loaded(*arguments, **named)
        outcome = call_in_worker(loaded, arguments, named, Places(()))
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    def source(self, name: str) -> str:
        """The text of a cell."""
        return self.notebook.model.cells[name].item.text

    def doc(self, name: str) -> str:
        """The comment above it."""
        return self.notebook.model.cells[name].doc


def _is_settled(status: LiveStatus) -> bool:
    """Whether the first text has run, or can't."""
    return status.run is not None or (status.reload is not None and isinstance(status.reload.error, HotplateError))
