"""Traps: which cells run after a failure, in what order, and why the others do not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.execute import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from hotplate.execute import Outcome
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.node import Node

__all__ = ["FAILURES", "TrapPlan", "fitting_traps", "plan_traps", "traps_of"]

FAILURES = frozenset({OutcomeKind.FAILED, OutcomeKind.CRASHED, OutcomeKind.TIMED_OUT, OutcomeKind.LOST})
"""What sets off a trap. A build that failed, a refusal and a request to stop do not: no cell was at work."""


@dataclass(frozen=True, slots=True)
class TrapPlan:
    """What becomes of the traps of a run when its other cells have ended."""

    fire: Mapping[str, str]
    """The traps to run, in their order, each with what to tell it: `u1: no convergence`."""
    skipped: Mapping[str, str]
    """The others, each with the reason."""


def traps_of(graph: Graph) -> tuple[str, ...]:
    """The traps of a graph in dependency order."""
    return tuple(name for name in graph.order if graph.nodes[name].trap is not None)


def plan_traps(
    graph: Graph, outcomes: Mapping[str, Outcome], given: Collection[str] = (), *, stopped: str = ""
) -> TrapPlan:
    """Decides about every trap of a graph, given how its other cells ended, in the order in which they did.

    `outcomes` has the overridden cells too, `given` the names of inputs. `stopped` says why somebody stopped the run,
    and is empty when nobody did; after that no trap runs.
    """
    failed = {name: outcome for name, outcome in outcomes.items() if outcome.kind in FAILURES}
    fire, skipped = {}, {}
    for name in traps_of(graph):
        node = graph.nodes[name]
        culprit = next((cell for cell in failed if not node.trap or cell in node.trap), None)
        if stopped:
            skipped[name] = f"the run was stopped: {stopped}"
        elif culprit is None:
            skipped[name] = _why_quiet(node, bool(failed))
        elif reason := next(_missing(graph, node, outcomes, given), ""):
            skipped[name] = reason
        else:
            fire[name] = _told(culprit, failed[culprit])
    return TrapPlan(fire, skipped)


def fitting_traps(graph: Graph, plan: Graph, given: Collection[str]) -> tuple[str, ...]:
    """The traps that go with a part of the graph: what they take, and a cell that they are set for, is in it."""
    return tuple(name for name in traps_of(graph) if _fits(graph, graph.nodes[name], plan, given))


def _fits(graph: Graph, node: Node, plan: Graph, given: Collection[str]) -> bool:
    if node.trap and plan.nodes.keys().isdisjoint(node.trap):
        return False
    sources = {(asked.name, graph.edges.get((node.name, asked.name))) for asked in node.asks if asked.required}
    return all(source.cell in plan.nodes or source.cell in given if source else name in given
               for name, source in sources)  # fmt: skip


def _why_quiet(node: Node, any_failed: bool) -> str:
    if not any_failed:
        return "nothing failed"
    names = " or ".join(node.trap or ())
    return f"it is set for {names}, and something else failed"


def _missing(graph: Graph, node: Node, outcomes: Mapping[str, Outcome], given: Collection[str]) -> Iterator[str]:
    """What the trap asks for and is not there."""
    for asked in node.asks:
        source = graph.edges.get((node.name, asked.name))
        if source is None:
            if asked.required and asked.name not in given:
                yield f"{asked.name} was not given"
        elif (outcome := outcomes.get(source.cell)) is None:
            yield f"{source.cell} has no value: it did not run"
        elif not outcome.ok:
            yield f"{source.cell} has no value: it {_ENDED.get(outcome.kind, f'ended as {outcome.kind}')}"


_ENDED = {
    OutcomeKind.FAILED: "failed",
    OutcomeKind.CRASHED: "crashed",
    OutcomeKind.TIMED_OUT: "timed out",
    OutcomeKind.LOST: "was lost",
    OutcomeKind.CANCELLED: "was cancelled",
    OutcomeKind.SKIPPED: "was skipped",
}


def _told(cell: str, outcome: Outcome) -> str:
    message = str(getattr(outcome.error, "message", None) or outcome.error or outcome.reason or outcome.kind)
    # NUL ends a C string, and a half of a surrogate pair is no UTF-8: neither may keep a trap from running.
    return f"{cell}: {message.removeprefix(f'{cell}: ')}".replace("\0", " ").encode("utf-8", "replace").decode()
