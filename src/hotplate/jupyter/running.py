"""A run over several languages: each notebook computes its part, and is given what the other one has computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotplate.errors import HotplateError, RunCancelled
from hotplate.jupyter.interrupting import REASON, stopped_words, was_stopped
from hotplate.values import field_value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from hotplate.execute import AbortHandle
    from hotplate.jupyter.language import LanguageNotebook
    from hotplate.jupyter.places import Places
    from hotplate.jupyter.plan import Plan
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import Language
    from hotplate.run import CellResult


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run. Immutable."""

    results: Mapping[str, CellResult]
    missing: Mapping[str, tuple[str, ...]]
    error: BaseException | None = None
    """The first failure, or the interrupt."""
    problems: tuple[str, ...] = ()
    """What there is to say of failures, with the lines of Jupyter cells."""


def run_plan(
    plan: Plan,
    graph: Graph,
    notebooks: Mapping[Language, LanguageNotebook],
    places: Places,
    *,
    abort: AbortHandle | None = None,
    **options: Any,
) -> Ran:
    """Runs a plan. `options` are those of Notebook.run. Failures are in what it returns, an interrupt too."""
    results: dict[str, CellResult] = {}
    error: BaseException | None = None
    for language, names in plan.groups:
        wanted = [name for name in names if _is_computable(name, graph, results, plan)]
        if not wanted or isinstance(error, KeyboardInterrupt):
            continue
        notebook = notebooks[language]
        given, before = _given(notebook, wanted, graph, plan, results), notebook.notebook.last_run
        try:
            results |= notebook.run(*wanted, inputs=given, keep_going=True, abort=abort, **options).cells
        except (HotplateError, KeyboardInterrupt) as raised:
            run = notebook.notebook.last_run
            if run is not None and (before is None or run.id != before.id):  # else none had begun
                results |= run.cells
            error = KeyboardInterrupt(REASON) if isinstance(raised, RunCancelled) else error or raised
    if abort is not None and abort.aborted and not isinstance(error, KeyboardInterrupt):
        error = KeyboardInterrupt(REASON)
    return Ran(results, plan.missing, error, tuple(_problems(results, error, places)))


def _is_computable(name: str, graph: Graph, results: Mapping[str, CellResult], plan: Plan) -> bool:
    """Whether nothing that it needs has failed in this run."""
    sources = [source for source in graph.dependencies(name) if source not in plan.overridden]
    return all(source not in results or results[source].outcome.ok for source in sources)


def _given(
    notebook: LanguageNotebook, names: Collection[str], graph: Graph, plan: Plan, results: Mapping[str, CellResult]
) -> dict[str, Any]:
    """What a notebook is given: variables, and results from the other language."""
    whole = notebook.notebook.graph
    part = whole.subgraph(names, plan.overridden & whole.nodes.keys())
    taken = {*part.inputs, *(source.cell for source in part.edges.values())}
    given = {name: plan.inputs[name] for name in taken if name in plan.inputs}
    for name, users in part.inputs.items():
        source = graph.edges.get((users[0][0], name))
        if source is not None and name not in given:
            value = plan.inputs[source.cell] if source.cell in plan.inputs else results[source.cell].value
            given[name] = value if source.field is None else field_value(value, source.field)
    return given


def _problems(results: Mapping[str, CellResult], error: BaseException | None, places: Places) -> Iterator[str]:
    told = set()
    stopped = [name for name, result in results.items() if was_stopped(result) and isinstance(error, KeyboardInterrupt)]
    for name in stopped:  # first, for it is what ended the run
        told.add(id(results[name].outcome.error))
        yield stopped_words(name, results[name].outcome)
    for name, result in results.items():
        failed = result.outcome.error
        if name not in stopped and failed is not None:
            told.add(id(failed))
            yield places.error(failed)
    if error is not None and id(error) not in told and not told and not isinstance(error, KeyboardInterrupt):
        yield places.error(error)
