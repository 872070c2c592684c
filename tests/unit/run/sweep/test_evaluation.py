"""A sweep as a run: the evaluation takes its graph as any other."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hotplate.execute import AbortHandle, InProcessBackend, LinearExecutor, ParallelExecutor
from hotplate.notebook import Node, Parameter, build_graph
from hotplate.notebook.model import Attributes
from hotplate.run import Evaluation, Recorder, StateManager, Task, Version
from hotplate.run.sweep import SweepTable, axes_of, expand

if TYPE_CHECKING:
    from hotplate.execute import Executor


@pytest.mark.parametrize("executor", [LinearExecutor(), ParallelExecutor(2)], ids=["linear", "parallel"])
def test_a_thousand_points_share_what_does_not_depend_on_them(executor: Executor) -> None:
    calls: Counter[str] = Counter()

    def mesh() -> int:
        calls["mesh"] += 1
        return 100

    def heat(mesh: int, dt: int) -> int:
        calls["heat"] += 1
        return mesh + dt

    def total(heat: int, n: int, scale: int) -> int:
        calls["total"] += 1
        return (heat + n) * scale

    functions: dict[str, Any] = {"mesh": mesh, "heat": heat, "total": total}
    table = run(functions, executor, {"scale": 2}, dt=range(10), n=range(0, 1000, 10))
    assert calls == {"mesh": 1, "heat": 10, "total": 1000}
    assert table["total"].tolist() == [(100 + dt + n) * 2 for dt in range(10) for n in range(0, 1000, 10)]


def run(functions: dict[str, Any], executor: Executor, given: dict[str, Any], **swept: Any) -> SweepTable:
    graph = build_graph(
        [
            Node(name, tuple(map(Parameter, it.__code__.co_varnames[: it.__code__.co_argcount])))
            for name, it in functions.items()
        ]
    )
    sweep = expand(graph, axes_of(swept), given)
    tasks = {name: Task(name, "python", it, "k1", Attributes()) for name, it in functions.items()}
    no_text: Any = None
    version = Version(
        1, no_text, sweep.graph, {name: replace(tasks[cell], name=name) for name, cell in sweep.cells.items()},
        frozenset(sweep.values),
    )  # fmt: skip
    evaluation = Evaluation(
        version, {**given, **sweep.values}, StateManager(), InProcessBackend(), Recorder(), AbortHandle()
    )
    evaluation.run(executor, fresh=False, keep_going=True)
    return SweepTable.of(sweep, evaluation.results)
