"""LanguageNotebook: the fragments of one language as an open notebook, and the home of their cells."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hotplate.execute import OutcomeKind
from hotplate.execute.workers.cell import IsolatedCell
from hotplate.jupyter.calling import call_in_worker
from hotplate.jupyter.composite import PROBE, compose
from hotplate.jupyter.fragments import SUFFIXES, Isolation
from hotplate.jupyter.places import Places, placed
from hotplate.jupyter.printing import may_print, native_output
from hotplate.notebook import slice_cell
from hotplate.session import Notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from hotplate.jupyter.composite import Composite
    from hotplate.jupyter.fragments import Fragment
    from hotplate.jupyter.status import CellState
    from hotplate.load import LoadedCell
    from hotplate.notebook.model import Language
    from hotplate.run import Run
    from hotplate.toolchain import Artifact

_CAME_THROUGH = (OutcomeKind.OK, OutcomeKind.FAILED)
"""How a call ends that left its process as it was."""

HAS_WORKERS = sys.platform in ("linux", "win32")
"""Whether cells can be isolated here."""


@dataclass(frozen=True, slots=True)
class _Function:
    """What direct calls of a cell call, and for which code that is."""

    key: str
    cell: LoadedCell
    prints: bool


class LanguageNotebook:
    """What is accepted of one language. For the main thread; `value` and `state` for any."""

    def __init__(
        self,
        language: Language,
        folder: Path,
        state: Callable[[str], CellState],
        *,
        compiler: str | None = None,
    ) -> None:
        """Includes are looked for from `folder` on. `state` tells how a cell stands."""
        self.language = language
        self.path = folder / f"jupyter{SUFFIXES[language]}"
        self.compiler = compiler
        self.notebook = Notebook(self.path, text="", compiler=compiler)
        self.composite = compose(self.path, ())
        self._state = state
        self._keys: dict[str, str] = {}
        """The build key of each cell."""
        self._through: set[str] = set()
        """The keys of code that has left its worker as it was."""
        self._functions: dict[str, _Function] = {}

    # ---- what is in it ----

    def composed(self, fragments: Collection[Fragment], elsewhere: Collection[Fragment]) -> Composite:
        """Fragments as one notebook; see compose."""
        return compose(self.path, fragments, elsewhere=elsewhere, isolated=HAS_WORKERS)

    def build(self, composite: Composite, new: Fragment | None = None) -> Mapping[str, Artifact]:
        """Builds all of a composite, and leaves what is accepted as it is. Raises NotebookError, BuildError.

        What no cell needs of a `new` fragment has to compile as well, if that has no cells.
        """
        try:
            if new is not None and not new.cells and new.language is self.language:
                self.notebook.edit(composite.probing(new.defined).model)
                self.notebook.build(PROBE)
            self.notebook.edit(composite.model)
            return self.notebook.build() if composite.model.cells else {}
        finally:
            self.notebook.edit(self.composite.model)

    def accept(self, composite: Composite, built: Mapping[str, Artifact]) -> tuple[str, ...]:
        """Makes a composite that was built what runs; returns the cells whose code is another one now."""
        self.composite = composite
        self.notebook.edit(composite.model)
        before, self._keys = self._keys, {name: artifact.build_key for name, artifact in built.items()}
        return tuple(name for name, key in self._keys.items() if before.get(name) != key)

    # ---- running ----

    def run(self, *targets: str, **options: Any) -> Run:
        """Runs cells; see Notebook.run. New code of cells that ask for a canary runs in a worker."""
        untried = {
            name
            for name in self.composite.model.cells
            if self._isolation(name) is Isolation.CANARY and not self._came(name)
        }
        model = self.composite.model
        if untried and HAS_WORKERS:
            cells = {
                name: replace(
                    cell, section=replace(cell.section, attributes=replace(cell.section.attributes, isolate=True))
                )
                if name in untried
                else cell
                for name, cell in model.cells.items()
            }
            model = replace(model, cells=cells)
        self.notebook.edit(model)
        here = not all(model.cells[name].section.attributes.isolate for name in targets)
        with native_output() if here else nullcontext():
            try:
                return self.notebook.run(*targets, **options)
            finally:
                self.notebook.edit(self.composite.model)
                self._learn()

    def _learn(self) -> None:
        run = self.notebook.last_run
        for cell in run.cells.values() if run else ():
            if cell.build_key and cell.outcome.kind in _CAME_THROUGH:
                self._through.add(cell.build_key)

    def _isolation(self, name: str) -> Isolation:
        return self.composite.owner(name).options.isolation

    def _came(self, name: str) -> bool:
        return self._keys.get(name, "") in self._through

    # ---- the home of its cells ----

    def has(self, name: str) -> bool:
        """Whether it still has the cell."""
        return name in self.composite.model.cells

    def value(self, name: str) -> Any:
        """The latest result. Raises KeyError."""
        return self.notebook[name]

    def state(self, name: str) -> CellState:
        """How the cell stands."""
        return self._state(name)

    def loaded(self, name: str) -> LoadedCell:
        """What a direct call calls: in this process, or in a worker as the cell's isolation says."""
        isolated = self._calls_in_worker(name)
        key, known = self._keys.get(name, ""), self._functions.get(name)
        if known is None or known.key != key or known.cell.isolated != isolated or known.cell.closed:
            prints = may_print(slice_cell(self.composite.model, name).fingerprint)
            known = self._functions[name] = _Function(key, self.notebook.load(name, isolated=isolated), prints)
        return known.cell

    def call(self, name: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Makes a direct call; what comes back from a worker may be called in this process next time."""
        loaded = self.loaded(name)
        if not isinstance(loaded, IsolatedCell):
            return self._call_here(name, loaded, arguments, named)
        places = Places([self.composite])
        outcome = call_in_worker(loaded, arguments, named, places)
        if outcome.kind in _CAME_THROUGH and (key := self._keys.get(name)):
            self._through.add(key)
        if outcome.error is not None:
            raise placed(outcome.error, places)
        return outcome.value

    def _call_here(self, name: str, loaded: LoadedCell, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        if not self._functions[name].prints:
            return loaded(*arguments, **named)
        with native_output():
            return loaded(*arguments, **named)

    def source(self, name: str) -> str:
        """The text of a cell."""
        return self.composite.model.cells[name].item.text

    def doc(self, name: str) -> str:
        """The comment above it."""
        return self.composite.model.cells[name].doc

    def _calls_in_worker(self, name: str) -> bool:
        fragment = self.composite.owner(name)
        if fragment.model.cells[name].section.attributes.isolate:
            return True
        isolation = fragment.options.isolation
        if not HAS_WORKERS or isolation is Isolation.NEVER:
            return False
        return isolation is Isolation.ALWAYS or not self._came(name)
