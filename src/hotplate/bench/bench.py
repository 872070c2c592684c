"""Bench: from a notebook and what to compare to a report."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.bench.counters import Counters, Unavailable, open_counters
from hotplate.bench.equality import difference
from hotplate.bench.inputs import axes_of_cell, inputs_of, refuse_empty, refuse_unknown_values, required_of, timed_cells
from hotplate.bench.machine import read_machine
from hotplate.bench.placement import Copies, ResultMemory
from hotplate.bench.plan import Settings
from hotplate.bench.report import Case, Comparison, Report, Timing
from hotplate.bench.timing import PLACES, Entrant, Measurement, call_often, interval_between, measure
from hotplate.bench.trial import try_out
from hotplate.bench.versions import NOW, Version, named_places, only_elsewhere, open_versions, pairs_of, refuse_broken
from hotplate.bench.work import work_of
from hotplate.errors import CellCrashed, CellError, CellTimedOut, HotplateError, InputError
from hotplate.load import StateBlock, reclaim

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hotplate.bench.counters import Counts
    from hotplate.bench.report import Work
    from hotplate.diagnostic import Diagnostic
    from hotplate.load import LoadedCell

__all__ = ["Bench"]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One version of the cell that is timed."""

    version: Version
    cell: LoadedCell
    arguments: tuple[Any, ...]
    work: Work
    result: Any


class Bench:
    """One benchmark of a notebook's cells. Used once; `report` may be read at any time, also after an interrupt.

    `given` are inputs and values of cells by name, `axes` the same with several values each. Every combination of a
    revision (`against`, besides the file as it is), a compiler and flags is a version. With `remarks` the compiler of
    the first one is asked about loops. `tell` is told what goes on, and
    `keep` is given what was found after each cell and size.
    """

    def __init__(
        self,
        path: str | Path,
        cells: Sequence[str] = (),
        *,
        against: Sequence[str] = (),
        compilers: Sequence[str | None] = (None,),
        flags: Sequence[Sequence[str]] = ((),),
        given: Mapping[str, Any] | None = None,
        axes: Mapping[str, Sequence[Any]] | None = None,
        settings: Settings | None = None,
        remarks: bool = False,
        tell: Callable[[str], object] = lambda _: None,
        keep: Callable[[Report], object] = lambda _: None,
    ) -> None:
        self._path = Path(path).absolute()
        self._asked = tuple(cells)
        self._matrix = tuple(against), tuple(compilers), tuple(tuple(words) for words in flags)
        self._given = dict(given or {})
        self._axes = {name: tuple(values) for name, values in (axes or {}).items()}
        self._settings = settings or Settings()
        self._remarks = remarks
        self._tell = tell
        self._keep = keep
        self._cases: dict[tuple[str, tuple[Any, ...]], Case] = {}
        self._order: tuple[str, ...] = ()
        self._errors: list[HotplateError] = []
        self._crashed: set[str] = set()
        self._report = Report(str(self._path), read_machine())

    @property
    def report(self) -> Report:
        """What was found so far."""
        ordered = sorted(self._cases.items(), key=lambda item: self._order.index(item[0][0]))
        return replace(self._report, cases=tuple(case for _, case in ordered))

    def run(self) -> Report:
        """Builds, checks and times everything.

        Raises NotebookError, InputError, SettingError, BuildError. A cell that fails, or has no inputs, is a problem of
        the report; its error is raised when all others have been timed. KeyboardInterrupt passes through.
        """
        begun = time.monotonic()
        try:
            with ExitStack() as stack:
                folder = Path(stack.enter_context(TemporaryDirectory(prefix="hotplate-bench-", **_LENIENT))).resolve()
                stack.enter_context(named_places(folder, self._matrix[0]))
                self._run(open_versions(self._path, folder, *self._matrix), stack.enter_context(Copies()))
        except KeyboardInterrupt:
            self._report = replace(self._report, interrupted=True)
            raise
        finally:
            self._report = replace(self._report, seconds=time.monotonic() - begun)
        return self.report

    def _run(self, versions: Sequence[Version], copies: Copies) -> None:
        given = {**self._given, **{name: values[0] for name, values in self._axes.items()}}
        refuse_empty(versions[0])
        refuse_unknown_values(versions, given)
        self._order, notes = timed_cells(versions[0], self._asked, given)
        notes += only_elsewhere(versions, self._asked)
        notes += [text for text in [self._counters_note()] if text]
        self._note(*notes)
        if self._remarks:
            self._tell("asking the compiler about loops")
            self._report = replace(self._report, remarks=versions[0].notebook.remarks(*self._order))
            self._note(*_remarks_notes(versions, self._report.remarks))
        graph = versions[0].notebook.graph
        for values in product(*self._axes.values()):
            point = dict(zip(self._axes, values, strict=True))
            for cell in self._order:
                own = axes_of_cell(graph, cell, point)
                case = Case(cell, {name: value for name, value in point.items() if name in own})
                key = cell, tuple((name, repr(value)) for name, value in case.point.items())
                if key not in self._cases:
                    self._attempt(case, key, versions, {**self._given, **point}, copies)
                    reclaim()
                    self._keep(self.report)
        if self._errors:
            raise self._errors[0]

    def _note(self, *notes: str) -> None:
        self._report = replace(self._report, notes=(*self._report.notes, *notes))

    def _counters_note(self) -> str:
        if not self._settings.counters:
            return ""
        opened = open_counters()
        if isinstance(opened, Unavailable):
            self._settings = replace(self._settings, counters=False)
            return f"instructions and cache misses are not available: {opened.reason}"
        with opened:
            return ""

    # ---- one cell at one point ----

    def _attempt(
        self, case: Case, key: Any, versions: Sequence[Version], given: Mapping[str, Any], copies: Copies
    ) -> None:
        """Times a cell, or notes why it can't be: the others can be all the same."""
        try:
            self._refuse_after_crash(case.cell, versions[0], given)
            self._time(case, key, versions, given, copies)
        except (InputError, CellError) as error:
            self._errors.append(error)
            self._cases[key] = replace(case, problem=str(error).removeprefix(f"{case.cell}: "))
            if isinstance(error, (CellCrashed, CellTimedOut)):
                self._crashed.add(case.cell)

    def _refuse_after_crash(self, cell: str, version: Version, given: Mapping[str, Any]) -> None:
        """Raises InputError for a cell whose inputs come from one that crashed: they are computed in this process."""
        needed = version.notebook.graph.subgraph(
            [cell], [name for name in given if name in version.notebook.graph.nodes]
        )
        if crashed := sorted(self._crashed & set(needed.nodes) - {cell}):
            raise InputError(f"{cell} needs {', '.join(crashed)}, which crashed or took too long; give it with --set")

    def _time(
        self, case: Case, key: Any, versions: Sequence[Version], given: Mapping[str, Any], copies: Copies
    ) -> None:
        self._tell(f"{case.name}: building, computing its inputs and calling it")
        there = [i for i, version in enumerate(versions) if case.cell in version.notebook.model.cells]
        for i in set(range(len(versions))).difference(there):
            refuse_broken(versions[i])
        pairs = [(there.index(i), there.index(j)) for i, j in pairs_of(versions) if i in there and j in there]
        candidates, notes = _candidates(case.cell, [versions[i] for i in there], given, copies)
        notes += [f"{case.cell} is not in {v.label or NOW}" for i, v in enumerate(versions) if i not in there]
        case = replace(case, notes=tuple(notes))
        problem, doubts = self._unlike(candidates, pairs, copies)
        case = replace(case, notes=(*case.notes, *doubts), problem=problem)
        if problem:
            self._cases[key] = case
            return
        self._tell(f"{case.name}: timing")
        memory = ResultMemory()
        entrants = [_entrant(candidate, copies, memory) for candidate in candidates]
        begun: list[Measurement] = []
        try:
            measured = measure(entrants, pairs, self._settings, shuffle=memory.move, keep=begun.append)
            self._cases[key] = self._case_of(case, candidates, pairs, measured, self._count(entrants, measured))
        except KeyboardInterrupt:
            if begun and begun[0].complete:
                self._cases[key] = self._case_of(case, candidates, pairs, begun[0], [None] * len(entrants))
            raise

    def _unlike(
        self, candidates: Sequence[_Candidate], pairs: Sequence[tuple[int, int]], copies: Copies
    ) -> tuple[str, list[str]]:
        """Why results are not what they should be, as an error, and what there is to say without one."""
        settings, first = self._settings, candidates[0]
        if not pairs:
            return "", []
        if first.version.notebook.model.cells[first.cell.name].section.attributes.impure:
            return "", ["it is impure, so its results are not compared"]
        again = copies.load(first.cell.path, StateBlock(), np.empty)(*first.arguments)
        if difference(first.result, again, settings.rtol):
            return "", ["it gives other results each time it is called, so they are not compared"]
        texts = [
            f"{_name(candidates[j].version)} gives another result than {_name(candidates[i].version)}: {found}"
            for i, j in pairs
            if (found := difference(candidates[i].result, candidates[j].result, settings.rtol))
        ]
        return ("", texts) if settings.allow_different else ("; ".join(texts), [])

    def _count(self, entrants: Sequence[Entrant], measured: Measurement) -> list[Counts | None]:
        opened = open_counters() if self._settings.counters and measured.clock.alone else None
        if not isinstance(opened, Counters):
            return [None] * len(entrants)
        with opened:
            return [
                _counted(opened, entrant, inner)
                for entrant, inner in zip(entrants, measured.sampling.inner, strict=True)
            ]

    def _case_of(
        self,
        case: Case,
        candidates: Sequence[_Candidate],
        pairs: Sequence[tuple[int, int]],
        measured: Measurement,
        counts: Sequence[Counts | None],
    ) -> Case:
        several = zip(candidates, measured.samples, measured.sampling.inner, counts, strict=True)
        timings = tuple(_timing(it, samples, inner, measured, counted) for it, samples, inner, counted in several)
        comparisons = []
        for i, j in pairs:
            interval = interval_between(measured, (i, j), self._settings.seed)
            if interval is not None:
                same_build = candidates[i].cell.path == candidates[j].cell.path
                labels = candidates[i].version.label, candidates[j].version.label
                blocks = measured.complete
                comparisons.append(Comparison(*labels, interval, self._settings.margin, blocks, same_build))
        return replace(case, timings=timings, comparisons=tuple(comparisons))


_LENIENT: dict[str, Any] = {"ignore_cleanup_errors": True}
"""A file that is still open can't be removed on Windows."""


def _candidates(
    cell: str, versions: Sequence[Version], given: Mapping[str, Any], copies: Copies
) -> tuple[list[_Candidate], list[str]]:
    """The cell in all its versions, each called once on new memory."""
    loaded = [version.notebook.load(cell) for version in versions]
    inputs = inputs_of(versions, loaded, given)
    candidates = []
    for version, it, named in zip(versions, loaded, inputs.arguments, strict=True):
        try:  # with dimensions that arrays fix, so that those which do not fit are refused; timed is the call without
            try_out(version, it, named)
            result = copies.load(it.path, StateBlock(), np.empty)(**named)
        except CellError as error:
            if len(versions) > 1:
                error.args = (f"{error} (in {_name(version)})",)
            raise
        attributes = version.notebook.model.cells[cell].section.attributes
        arguments = tuple(value for name, value in named.items() if name in required_of(it))
        candidates.append(_Candidate(version, it, arguments, work_of(it.descriptor, attributes, named, result), result))
    notes = list(inputs.notes)
    if any(it.isolated for it in loaded):
        notes.append("it is isolated: its first call was made in a worker, what is timed runs in this process")
    return candidates, notes


def _entrant(candidate: _Candidate, copies: Copies, memory: ResultMemory) -> Entrant:
    """All its places share one memory (hp_state), which goes on from call to call as it does in a session."""
    state = StateBlock()
    calls = tuple(copies.load(candidate.cell.path, state, memory.empty) for _ in range(PLACES))
    return Entrant(calls, candidate.arguments)


def _timing(
    candidate: _Candidate, samples: Sequence[float], inner: int, measured: Measurement, counts: Counts | None
) -> Timing:
    cell = candidate.cell.descriptor
    return Timing(
        version=candidate.version.label,
        samples=tuple(samples),
        inner=inner,
        clock=measured.clock.name,
        compiler=cell.compiler,
        unit_key=cell.unit_key,
        work=candidate.work,
        counts=counts,
    )


def _counted(counters: Counters, entrant: Entrant, calls: int) -> Counts:
    call = partial(call_often, entrant.calls[0], entrant.arguments, calls)
    call()  # what a first call adds is counted for none
    return counters.count(call, calls)


def _remarks_notes(versions: Sequence[Version], remarks: Sequence[Diagnostic]) -> list[str]:
    whose = f" of {_name(versions[0])}" if len(versions) > 1 else ""
    none = f"no remarks about loops{whose}: there are none, or its flags do not vectorise"
    return [f"the remarks are{whose}" if remarks else none] if whose or not remarks else []


def _name(version: Version) -> str:
    return version.label or NOW
