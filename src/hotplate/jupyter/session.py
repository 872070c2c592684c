"""Session: what `%%hotplate` cells have defined in one shell, what came of running them, and how each stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotplate.diagnostic import Severity, sorted_once
from hotplate.errors import BuildError, HotplateError, InputError, NotebookError, RunCancelled
from hotplate.jupyter.cells import NotebookCell
from hotplate.jupyter.fragments import replaced_by
from hotplate.jupyter.interrupting import REASON, stopped_words, was_stopped
from hotplate.jupyter.language import LanguageNotebook
from hotplate.jupyter.namespace import MISSING, Namespace
from hotplate.jupyter.places import Places
from hotplate.jupyter.plan import Plan, joined_graph, plan_cells
from hotplate.jupyter.status import CellState
from hotplate.notebook import suggest
from hotplate.notebook.model import Language
from hotplate.values import digest, field_value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, MutableMapping

    from hotplate.diagnostic import Diagnostic
    from hotplate.jupyter.composite import Composite
    from hotplate.jupyter.fragments import Fragment
    from hotplate.notebook.graph import Graph
    from hotplate.run import CellResult
    from hotplate.toolchain import Artifact


@dataclass(frozen=True, slots=True)
class Definition:
    """What came of a Jupyter cell's code. Immutable."""

    fragment: Fragment
    changed: tuple[str, ...] = ()
    """The cells whose code is another one now, also of other fragments."""
    notes: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    error: HotplateError | None = None
    """Why it was refused; what was there before stays."""
    findings: tuple[Diagnostic, ...] = ()
    """What is wrong, on the lines of Jupyter cells."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run. Immutable."""

    results: Mapping[str, CellResult]
    missing: Mapping[str, tuple[str, ...]]
    error: BaseException | None = None
    """The first failure, or the interrupt."""
    problems: tuple[str, ...] = ()
    """What there is to say of failures, with the lines of Jupyter cells."""


class Session:
    """All that `%%hotplate` has defined in a shell. For the main thread; the states of cells may be asked by any."""

    def __init__(self, variables: MutableMapping[str, Any], folder: Path | None = None) -> None:
        """`variables` are the shell's; includes are looked for from `folder` on, else from the working directory."""
        self.namespace = Namespace(variables)
        self.folder = folder or Path.cwd()
        self.fragments: tuple[Fragment, ...] = ()
        """What is accepted, in the order in which it was run."""
        self._pending: tuple[Fragment, ...] = ()
        """What was refused, and is newer than what runs."""
        self._languages: dict[Language, LanguageNotebook] = {}
        self._cells: dict[str, NotebookCell] = {}
        self._results: dict[str, CellResult] = {}
        """The latest of each cell."""
        self._computed: dict[str, CellResult] = {}
        """The latest that has a value."""
        self._taken: dict[str, dict[str, str | None]] = {}
        """For each cell, the digests of the variables that its result was computed from."""
        self._dirty: dict[str, str] = {}
        """Cells whose result is older than their code or what they need, with where that was edited."""
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
        try:
            home = self.home(name)
        except InputError:
            return CellState("gone")
        result = self._results.get(name)
        missing = plan_cells(self.graph, self._language_of, [name], self.namespace).missing.get(name, ())
        status = "built" if result is None else result.status
        version, seconds = self._version_of(name)
        place = home.composite.owner(name).title
        return CellState(status, version, self._mark(name, version), place, seconds, missing if result is None else ())

    def _version_of(self, name: str) -> tuple[int, float]:
        """The version whose code computed the value, and what that took."""
        stored = self._computed.get(name)
        return (stored.version, stored.outcome.seconds) if stored else (0, 0.0)

    def _mark(self, name: str, version: int) -> str:
        newer = [fragment.place for fragment in self._pending if name in fragment.cells]
        if newer:
            return (
                f"running v{version}; {newer[-1]} is newer and does not compile"
                if version
                else (f"nothing runs yet; {newer[-1]} does not compile")
            )
        result = self._results.get(name)
        if result is not None and not result.outcome.ok and version:
            return f"the value is that of v{version}; the last run of the cell ended as {result.status}"
        if version and name in self._dirty:
            return f"older than {self._dirty[name]}; %hotplate run brings it up to date"
        changed = self._changed_inputs(name) if version else []
        if changed:
            verb = "have" if len(changed) > 1 else "has"
            return f"{' and '.join(changed)} {verb} changed since; %hotplate run brings it up to date"
        return ""

    def _changed_inputs(self, name: str) -> list[str]:
        taken = self._taken.get(name, {})
        return [
            other
            for other, known in taken.items()
            if known is not None and digest(self.namespace.value(other)) != known
        ]

    # ---- defining ----

    def define(self, fragment: Fragment, *, compiler: str | None = None) -> Definition:
        """Takes the code of a Jupyter cell in, if it builds with all that is there; else everything stays as it was.

        What was refused before is tried along with it, so that an edit may take two Jupyter cells.
        """
        own = [found for found in fragment.model.diagnostics if found.severity is Severity.ERROR]
        if own:
            shifted = tuple(
                replace(found, path=fragment.place, line=found.line + fragment.lines_before) for found in own
            )
            return self._refuse(fragment, NotebookError(shifted), shifted)
        replaced = replaced_by(fragment, self.fragments)
        fragment = replace(fragment, position=min([old.position for old in replaced], default=fragment.serial))
        kept = tuple(old for old in self.fragments if old not in replaced)
        waiting = tuple(
            old for old in self._pending if old not in replaced_by(fragment, self._pending) and not _is_broken(old)
        )
        refused: HotplateError | None = None
        for others in (waiting, ()) if waiting else ((),):
            taken = tuple(old for other in others for old in replaced_by(other, kept))
            try:
                return self._accept(fragment, (*(old for old in kept if old not in taken), *others), compiler)
            except (NotebookError, BuildError) as error:
                refused = error
        assert refused is not None
        return self._refuse(fragment, refused, getattr(refused, "findings", ()))

    def _accept(self, fragment: Fragment, others: tuple[Fragment, ...], compiler: str | None) -> Definition:
        """Raises NotebookError, BuildError, with `findings` on the lines of Jupyter cells; nothing has changed then."""
        fragments = tuple(sorted((*others, fragment), key=lambda one: one.serial))
        composites = self._composites(fragments, fragment.language, compiler)
        try:
            graph = joined_graph(composite.model for _, composite in composites)
            if errors := [found for found in graph.diagnostics if found.severity is Severity.ERROR]:
                raise NotebookError(errors)
            built = [(notebook, composite, notebook.build(composite)) for notebook, composite in composites]
        except (NotebookError, BuildError) as error:
            places = Places([composite for _, composite in composites])
            error.findings = sorted_once(places.diagnostics(error.diagnostics))  # type: ignore[union-attr]
            raise
        for notebook, _ in composites:
            self._languages[notebook.language] = notebook
        return self._take_over(fragment, fragments, built)

    def _composites(
        self, fragments: Collection[Fragment], language: Language, compiler: str | None
    ) -> list[tuple[LanguageNotebook, Composite]]:
        """The composites of all languages, with the notebooks that they are for."""
        found = []
        for one in dict.fromkeys((*self._languages, language)):
            notebook = self._languages.get(one)
            if notebook is None or (one is language and compiler is not None and compiler != notebook.compiler):
                notebook = LanguageNotebook(one, self.folder, self.state, compiler=compiler)
            mine = [fragment for fragment in fragments if fragment.language is one]
            others = [fragment for fragment in fragments if fragment.language is not one]
            found.append((notebook, notebook.composed(mine, others)))
        return found

    def _take_over(
        self,
        fragment: Fragment,
        fragments: tuple[Fragment, ...],
        built: Iterable[tuple[LanguageNotebook, Composite, Mapping[str, Artifact]]],
    ) -> Definition:
        changed: list[str] = []
        warnings: list[Diagnostic] = []
        notes: list[str] = []
        for notebook, composite, artifacts in built:
            changed += notebook.accept(composite, artifacts)
            warnings += [found for artifact in artifacts.values() for found in artifact.warnings]
            notes += [
                f"{name} of {was} is now that of {place}"
                for name, (was, place) in composite.replaced.items()
                if place == fragment.place
            ]
        self.fragments = tuple(one for one in fragments if one.cells or one.defined or one.model.items)
        self._pending = tuple(
            old for old in self._pending if old not in fragments and old not in replaced_by(fragment, self._pending)
        )
        self._graph = None
        for name in (*changed, *self.graph.descendants(changed)):
            self._dirty[name] = fragment.place
        shown = self.places.diagnostics(warnings)
        mine = tuple(found for found in sorted_once(shown) if found.path == fragment.place)
        return Definition(fragment, tuple(changed), (*self._bind(), *notes), mine)

    def _bind(self) -> list[str]:
        """Makes the variables of the shell what the cells are now; returns what there is to say about it."""
        notes = []
        for name in [name for name in self._cells if name not in self.graph.nodes]:
            self.namespace.unbind(name)
            del self._cells[name]
            self._results.pop(name, None)
            self._computed.pop(name, None)
        for name in self.graph.nodes:
            home, known = self.home(name), self._cells.get(name)
            if known is None or known._home is not home:
                self._cells[name] = known = NotebookCell(name, home)
            if words := self.namespace.bind(known):
                notes.append(words)
        return notes

    def _refuse(self, fragment: Fragment, error: HotplateError, findings: tuple[Diagnostic, ...]) -> Definition:
        gone = replaced_by(fragment, self._pending)
        self._pending = (*(old for old in self._pending if old not in gone), fragment)
        behind = replaced_by(fragment, self.fragments)
        running = [f"{old.title} stays as it was" for old in behind]
        notes = [
            f"{', '.join(old.cells)}: {self._mark(old.cells[0], self._version_of(old.cells[0])[0])}"
            for old in behind
            if old.cells and old.cells[0] in fragment.cells
        ]
        elsewhere = {found.path for found in findings if found.severity is Severity.ERROR} - {fragment.place}
        if elsewhere and running:
            notes.append(
                f"{fragment.place} does not go together with {' and '.join(sorted(elsewhere))}: it is taken in as soon "
                "as that is edited, too"
            )
        return Definition(fragment, notes=tuple(notes or running), error=error, findings=findings)

    # ---- running ----

    @property
    def _language_of(self) -> dict[str, Language]:
        return {name: one.language for one in self._languages.values() for name in one.composite.model.cells}

    def plan(self, targets: Iterable[str]) -> Plan:
        """What a run of these cells takes."""
        return plan_cells(self.graph, self._language_of, targets, self.namespace)

    def run(self, targets: Iterable[str], **options: Any) -> Ran:
        """Brings cells up to date, and what they need; a cell whose inputs are not there is left out.

        `options` are those of Notebook.run. Failures are in what it returns, an interrupt too.
        """
        plan = self.plan(targets)
        results: dict[str, CellResult] = {}
        error: BaseException | None = None
        digests = {name: digest(value) for name, value in plan.inputs.items()}
        for language, names in plan.groups:
            wanted = [name for name in names if self._is_computable(name, results, plan)]
            if not wanted:
                continue
            notebook = self._languages[language]
            try:
                run = notebook.run(
                    *wanted, inputs=self._inputs_of(notebook, wanted, plan, results), keep_going=True, **options
                )
                results |= run.cells
            except BaseException as raised:
                error = error or raised
                last = getattr(raised, "run", None) or notebook.notebook.last_run
                if isinstance(raised, (HotplateError, KeyboardInterrupt)) and last is not None:
                    results |= last.cells
                if isinstance(raised, RunCancelled):
                    error = KeyboardInterrupt(REASON)
                if isinstance(error, KeyboardInterrupt) or not isinstance(raised, HotplateError):
                    break
        self._note(results, plan, digests)
        return Ran(results, plan.missing, error, tuple(self._problems(results, error)))

    def arguments(self, name: str) -> dict[str, Any]:
        """What a cell is given in a run, by parameter; what is computed must be there. Raises InputError."""
        given: dict[str, Any] = {}
        overrides = self.namespace.values_of(self.graph.nodes)
        for parameter in self.graph.nodes[name].parameters:
            source = self.graph.edges.get((name, parameter.name))
            if source is None:
                value = self.namespace.value(parameter.name) if parameter.required else MISSING
            elif source.cell in overrides:
                value = overrides[source.cell]
            else:
                value = self._cells[source.cell].value
            if value is not MISSING:
                given[parameter.name] = (
                    value if source is None or source.field is None else field_value(value, source.field)
                )
        return given

    def forget(self, names: Collection[str] = ()) -> tuple[str, ...]:
        """Forgets the Jupyter cells that define these cells, or all; returns the cells that are gone.

        Raises NotebookError, BuildError when what is left does not go together; nothing is forgotten then.
        """
        before = tuple(self.graph.nodes)
        self._pending = ()
        if not names:
            for name in before:
                self.namespace.unbind(name)
            self.fragments, self._languages, self._graph = (), {}, None
            for kept in (self._cells, self._results, self._computed, self._taken, self._dirty):
                kept.clear()
            return before
        fragments = tuple(one for one in self.fragments if not set(names) & set(one.cells))
        built = [
            (notebook, composite, notebook.build(composite))
            for notebook, composite in self._composites(fragments, Language.C, None)
        ]
        for notebook, composite, artifacts in built:
            self._languages[notebook.language] = notebook
            notebook.accept(composite, artifacts)
        self.fragments, self._graph = fragments, None
        self._bind()
        return tuple(name for name in before if name not in self.graph.nodes)

    def _is_computable(self, name: str, results: Mapping[str, CellResult], plan: Plan) -> bool:
        """Whether nothing that it needs has failed in this run."""
        sources = [source for source in self.graph.dependencies(name) if source not in plan.overridden]
        return all(source not in results or results[source].outcome.ok for source in sources)

    def _inputs_of(
        self, notebook: LanguageNotebook, names: Collection[str], plan: Plan, results: Mapping[str, CellResult]
    ) -> dict[str, Any]:
        """What a notebook is given: variables, and results from the other language."""
        part = notebook.notebook.graph.subgraph(names, plan.overridden & notebook.notebook.graph.nodes.keys())
        given = {name: plan.inputs[name] for name in part.inputs if name in plan.inputs}
        taken = {source.cell for source in part.edges.values()}
        given |= {name: plan.inputs[name] for name in taken if name in plan.inputs}
        for name, users in part.inputs.items():
            source = self.graph.edges.get((users[0][0], name))
            if source is None or name in given:
                continue
            value = plan.inputs[source.cell] if source.cell in plan.inputs else results[source.cell].value
            given[name] = value if source.field is None else field_value(value, source.field)
        return given

    def _note(self, results: Mapping[str, CellResult], plan: Plan, digests: Mapping[str, str | None]) -> None:
        for name, result in results.items():
            if result.given or name not in self.graph.nodes:
                continue
            self._results[name] = result
            if result.outcome.ok:
                self._computed[name] = result
                self._dirty.pop(name, None)
                part = self.graph.subgraph([name], plan.overridden)
                sources = {source.cell for source in part.edges.values()} & plan.overridden
                self._taken[name] = {other: digests[other] for other in (*part.inputs, *sources) if other in digests}

    def _problems(self, results: Mapping[str, CellResult], error: BaseException | None) -> Iterable[str]:
        places = self.places
        told = set()
        for result in results.values():
            failed = result.outcome.error
            if failed is not None and not result.outcome.ok:
                told.add(id(failed))
                yield places.error(failed)
        if isinstance(error, KeyboardInterrupt):
            yield from (stopped_words(name, result) for name, result in results.items() if was_stopped(result))
        elif error is not None and id(error) not in told and not results:
            yield places.error(error)


def _is_broken(fragment: Fragment) -> bool:
    return any(found.severity is Severity.ERROR for found in fragment.model.diagnostics)
