"""Session: what `%%hotplate` cells have defined in one shell, what came of running them, and how each stands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotplate.diagnostic import Severity, sorted_once
from hotplate.errors import BuildError, HotplateError, InputError, NotebookError
from hotplate.jupyter.cells import NotebookCell
from hotplate.jupyter.fragments import related, replaced_by
from hotplate.jupyter.language import LanguageNotebook
from hotplate.jupyter.namespace import MISSING, Namespace
from hotplate.jupyter.places import Places
from hotplate.jupyter.plan import Plan, joined_graph, plan_cells
from hotplate.jupyter.running import Ran, run_plan
from hotplate.jupyter.standing import Standings
from hotplate.jupyter.status import CellState
from hotplate.notebook import suggest
from hotplate.values import digest, field_value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping

    from hotplate.diagnostic import Diagnostic
    from hotplate.jupyter.composite import Composite
    from hotplate.jupyter.fragments import Fragment
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import Language
    from hotplate.toolchain import Artifact


@dataclass(frozen=True, slots=True)
class Definition:
    """What came of a Jupyter cell's code. Immutable."""

    fragment: Fragment
    own: tuple[str, ...] = ()
    """Its cells, and those of what waited for it."""
    older: tuple[str, ...] = ()
    """The cells whose code, or that of what they need, is another one now, also of other fragments."""
    built: Mapping[str, float] = field(default_factory=dict)
    """What compiling took, in seconds, for each cell that had to be compiled."""
    notes: tuple[str, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    """What is wrong, and warnings, on the lines of Jupyter cells."""
    error: HotplateError | None = None
    """Why it was refused; what was there before stays."""


class Session:
    """All that `%%hotplate` has defined in a shell. For the main thread; the states of cells may be asked by any."""

    def __init__(self, variables: MutableMapping[str, Any], folder: Path | None = None) -> None:
        """`variables` are the shell's; includes are looked for from `folder` on, else from the working directory."""
        self.namespace = Namespace(variables)
        self.folder = folder or Path.cwd()
        self.fragments: tuple[Fragment, ...] = ()
        """What is accepted, in the order in which it was run."""
        self._refused: tuple[Fragment, ...] = ()
        """What is newer than what runs, and does not build."""
        self._languages: dict[Language, LanguageNotebook] = {}
        self._cells: dict[str, NotebookCell] = {}
        self._standings = Standings()
        self._graph: Graph | None = None

    # ---- what is in it ----

    @property
    def graph(self) -> Graph:
        """The cells of both languages and what they take from each other."""
        if self._graph is None:
            self._graph = joined_graph(notebook.composite.model for notebook in self._languages.values())
        return self._graph

    @property
    def cells(self) -> Mapping[str, NotebookCell]:
        """The cells that there are."""
        return self._cells

    @property
    def places(self) -> Places:
        """The way from the lines of the composites to those of Jupyter cells."""
        return Places([notebook.composite for notebook in self._languages.values()])

    def home(self, name: str) -> LanguageNotebook:
        """The notebook that a cell is in. Raises InputError."""
        for notebook in self._languages.values():
            if notebook.has(name):
                return notebook
        raise InputError(f"there is no cell {name}; {suggest(name, self._cells)}")

    def state(self, name: str) -> CellState:
        """How a cell stands."""
        return self.states([name])[name]

    def states(self, names: Iterable[str]) -> dict[str, CellState]:
        """How cells stand. Each variable is looked at once, however many of them take it."""
        digests = cache(lambda variable: digest(self.namespace.value(variable)))
        return {name: self._state(name, digests) for name in names}

    def _state(self, name: str, digests: Callable[[str], str | None]) -> CellState:
        try:
            place = self.home(name).composite.owner(name).title
        except InputError:
            return CellState("gone")
        standings, latest = self._standings, self._standings.latest.get(name)
        missing = () if latest else self.plan([name]).missing.get(name, ())
        status = latest.status if latest else "waiting" if missing else "built"
        mark = standings.mark(name, self._refused_place(name), self.namespace, digests)
        return CellState(status, standings.version(name), mark, place, standings.seconds(name), missing)

    def _refused_place(self, name: str) -> str:
        return next((one.place for one in reversed(self._refused) if name in one.cells), "")

    def arguments(self, name: str) -> dict[str, Any]:
        """What a cell is given in a run, by parameter; what is computed must be there. Raises InputError."""
        given: dict[str, Any] = {}
        overrides = self.namespace.values_of(self.graph.nodes)
        for parameter in self.graph.nodes[name].parameters:
            source = self.graph.edges.get((name, parameter.name))
            if source is None:
                value = self.namespace.value(parameter.name) if parameter.required else MISSING
            else:
                value = overrides[source.cell] if source.cell in overrides else self._cells[source.cell].value
                value = value if source.field is None else field_value(value, source.field)
            if value is not MISSING:
                given[parameter.name] = value
        return given

    # ---- defining ----

    def define(self, fragment: Fragment, *, compiler: str | None = None) -> Definition:
        """Takes the code of a Jupyter cell in, if it builds with all that is there; else everything stays as it was.

        What was refused before and has to do with it is tried along, so that an edit may take two Jupyter cells.
        """
        if fragment.errors:
            return self._refuse(fragment, NotebookError(fragment.errors), fragment.errors)
        replaced = replaced_by(fragment, self.fragments)
        fragment = replace(fragment, position=min([old.position for old in replaced], default=fragment.serial))
        kept = [old for old in self.fragments if old not in replaced]
        gone = replaced_by(fragment, self._refused)
        waiting = related(fragment, [old for old in self._refused if old not in gone and not old.errors])
        for others in (waiting, []) if waiting else ([],):
            taken = {old for other in others for old in replaced_by(other, kept)}
            together = (*(old for old in kept if old not in taken), *others, fragment)
            try:
                return self._accept(fragment, tuple(sorted(together, key=lambda one: one.serial)), compiler)
            except _NotBuiltError as refused:
                error, findings = refused.error, refused.findings
        return self._refuse(fragment, error, findings)

    def forget(self, names: Collection[str] = ()) -> tuple[str, ...]:
        """Forgets the Jupyter cells that define these cells, or all; returns the cells that are gone.

        Raises NotebookError, BuildError when what is left does not go together; nothing is forgotten then.
        """
        before = self.graph
        left = tuple(one for one in self.fragments if names and not set(names) & set(one.cells))
        try:
            built = self._build(self._composites(left))
        except _NotBuiltError as refused:
            raise refused.error from None
        self._activate(left, built, "the reset")
        if not left:
            self._languages = {}
        self._refused = ()
        self._bind()
        return tuple(name for name in before.nodes if name not in self.graph.nodes)

    def _accept(self, fragment: Fragment, fragments: tuple[Fragment, ...], compiler: str | None) -> Definition:
        """Raises _NotBuiltError; nothing has changed then."""
        composites = self._composites(fragments, fragment.language, compiler)
        built = self._build(composites, fragment)
        before = self.graph
        older = self._activate(fragments, built, fragment.place)
        gone = replaced_by(fragment, self._refused)
        along = [old for old in self._refused if old in fragments]
        self._refused = tuple(old for old in self._refused if old not in along and old not in gone)
        artifacts = [artifact for _, _, them in built for artifact in them.values()]
        took = {artifact.cell: artifact.seconds for artifact in artifacts if not artifact.cached}
        warnings = [found for artifact in artifacts for found in artifact.warnings]
        shown = [found for found in self.places.diagnostics(warnings) if found.path == fragment.place]
        notes = [
            f"{name} of {was} is now that of {place}"
            for _, composite in composites
            for name, (was, place) in composite.replaced.items()
            if place == fragment.place
        ]
        notes += [f"{old.place} is taken in with it" for old in along]
        if lost := [name for name in before.nodes if name not in self.graph.nodes]:
            notes.append(f"gone with the code that {fragment.place} replaces: {', '.join(lost)}")
        own = tuple(name for one in (fragment, *along) for name in one.cells)
        return Definition(fragment, own, older, took, (*self._bind(), *notes), sorted_once(shown))

    def _composites(
        self, fragments: Collection[Fragment], language: Language | None = None, compiler: str | None = None
    ) -> list[tuple[LanguageNotebook, Composite]]:
        """The composites of all languages, with the notebooks that they are for; of one the `compiler` is told."""
        found = []
        for one in dict.fromkeys((*self._languages, *([language] if language else []))):
            notebook = self._languages.get(one)
            if notebook is None or (one is language and compiler not in (None, notebook.compiler)):
                notebook = LanguageNotebook(one, self.folder, self.state, compiler=compiler)
            mine = [fragment for fragment in fragments if fragment.language is one]
            others = [fragment for fragment in fragments if fragment.language is not one]
            found.append((notebook, notebook.composed(mine, others)))
        return found

    def _build(
        self, composites: Collection[tuple[LanguageNotebook, Composite]], new: Fragment | None = None
    ) -> list[_Built]:
        try:
            graph = joined_graph(composite.model for _, composite in composites)
            if errors := [found for found in graph.diagnostics if found.severity is Severity.ERROR]:
                raise NotebookError(errors)
            return [(notebook, composite, notebook.build(composite, new)) for notebook, composite in composites]
        except (NotebookError, BuildError) as error:
            places = Places([composite for _, composite in composites])
            raise _NotBuiltError(error, sorted_once(places.diagnostics(error.diagnostics))) from None

    def _activate(self, fragments: tuple[Fragment, ...], built: Iterable[_Built], place: str) -> tuple[str, ...]:
        """Makes what was built what runs, and marks the cells that are others now, or need such; returns them."""
        before = self.graph
        changed: list[str] = []
        for notebook, composite, artifacts in built:
            self._languages[notebook.language] = notebook
            changed += notebook.accept(composite, artifacts)
        self.fragments, self._graph = fragments, None
        gone = [name for name in before.nodes if name not in self.graph.nodes]
        older = (*changed, *self.graph.descendants(changed), *before.descendants(gone))
        older = tuple(name for name in dict.fromkeys(older) if name in self.graph.nodes)
        self._standings.edited(older, place)
        return older

    def _bind(self) -> list[str]:
        """Makes the variables of the shell what the cells are now; returns what there is to say about it."""
        for name in [name for name in self._cells if name not in self.graph.nodes]:
            self.namespace.unbind(self._cells.pop(name))
            self._standings.drop(name)
        for name in self.graph.nodes:
            home, known = self.home(name), self._cells.get(name)
            if known is None:
                self._cells[name] = NotebookCell(name, home)
            else:
                known.move(home)
        return [words for cell in self._cells.values() if (words := self.namespace.bind(cell))]

    def _refuse(self, fragment: Fragment, error: HotplateError, findings: tuple[Diagnostic, ...]) -> Definition:
        gone = replaced_by(fragment, self._refused)
        self._refused = (*(old for old in self._refused if old not in gone), fragment)
        notes = [f"{name}: {self.state(name).mark}" for name in fragment.cells if name in self.graph.nodes]
        elsewhere = {found.path for found in findings if found.severity is Severity.ERROR} - {fragment.place}
        others = [one.place for one in self.fragments if one.place in elsewhere]
        if others:
            notes.append(f"{fragment.place} is taken in as soon as {' and '.join(others)} goes together with it")
        return Definition(fragment, notes=tuple(notes), findings=findings, error=error)

    # ---- running ----

    def affected(self, defined: Definition) -> list[str]:
        """What a definition makes run: its own cells, and those that have been run before and are others now."""
        others = (*defined.older, *self.graph.descendants(defined.own))
        return list(dict.fromkeys((*defined.own, *(name for name in others if name in self._standings.latest))))

    def plan(self, targets: Iterable[str]) -> Plan:
        """What a run of these cells takes."""
        languages = {name: one.language for one in self._languages.values() for name in one.composite.model.cells}
        return plan_cells(self.graph, languages, targets, self.namespace)

    def run(self, targets: Iterable[str], **options: Any) -> Ran:
        """Brings cells up to date, and what they need; a cell whose inputs are not there is left out. See run_plan."""
        self._bind()  # a variable may have been deleted that stood in the way
        plan = self.plan(targets)
        digests = {name: digest(value) for name, value in plan.inputs.items()}
        ran = run_plan(plan, self.graph, self._languages, self.places, **options)
        self._standings.note(ran.results, plan, self.graph, digests)
        return ran


_Built = tuple[LanguageNotebook, "Composite", "Mapping[str, Artifact]"]


class _NotBuiltError(Exception):
    """Code that does not build, with what is wrong on the lines of Jupyter cells."""

    def __init__(self, error: HotplateError, findings: tuple[Diagnostic, ...]) -> None:
        super().__init__(str(error))
        self.error = error
        self.findings = findings
