"""Runs of Python functions over a backend that does what the test says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hotplate.execute import (
    AbortHandle,
    Backend,
    Capabilities,
    Isolation,
    LinearExecutor,
    Outcome,
    OutcomeKind,
    Request,
)
from hotplate.execute.backend import TimeoutKind
from hotplate.notebook import Attributes, Node, Parameter, build_graph
from hotplate.run import CellResult, Evaluation, Recorder, StateManager, Task, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hotplate.events import Event


class ScriptedBackend(Backend):
    """Ends each call of a cell as the next kind of its script says; the last one stays."""

    name = "scripted"
    capabilities = Capabilities(Isolation.IN_PROCESS, TimeoutKind.COOPERATIVE)

    def __init__(self) -> None:
        self.script: dict[str, list[OutcomeKind]] = {}
        self.requests: list[Request] = []

    def supports_language(self, language: str) -> bool:
        return language in ("c", "python")

    def execute(self, request: Request) -> Outcome:
        self.requests.append(request)
        kinds = self.script.get(request.cell, [OutcomeKind.OK])
        kind = kinds.pop(0) if len(kinds) > 1 else kinds[0]
        return Outcome(kind, request.call(**request.arguments) if kind is OutcomeKind.OK else None, attempts=1)


class Session:
    """Tasks, what they need by name, and the state that is kept from one run to the next."""

    def __init__(self) -> None:
        self.backend = ScriptedBackend()
        self.state = StateManager()
        self.nodes: list[Node] = []
        self.tasks: dict[str, Task] = {}
        self.events: list[Event] = []
        self.abort = AbortHandle()
        self.version = 0
        self.evaluation: Evaluation
        """Of the run that goes on, or the last one."""

    def add(
        self, name: str, call: Callable[..., Any], needs: Iterable[str] = (), *, key: str = "k1", **attributes: Any
    ) -> None:
        self.nodes = [node for node in self.nodes if node.name != name]
        self.nodes.append(Node(name, tuple(Parameter(need) for need in needs)))
        self.tasks[name] = Task(name, "python", call, key, Attributes(**attributes))

    def run(self, *, fresh: bool = False, keep_going: bool = False, **given: Any) -> dict[str, CellResult]:
        self.backend.requests.clear()
        self.events.clear()
        graph = build_graph(self.nodes)
        overridden = [name for name in given if name in graph.nodes]
        plan = graph.subgraph(graph.order, overridden)
        recorder = Recorder((self.events.append,))
        no_text: Any = None
        version = Version(self.version, no_text, plan, self.tasks, frozenset(overridden))
        self.evaluation = Evaluation(version, given, self.state, self.backend, recorder, self.abort)
        self.evaluation.run(LinearExecutor(), fresh=fresh, keep_going=keep_going)
        return self.evaluation.results

    @property
    def called(self) -> list[str]:
        return [request.cell for request in self.backend.requests]


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def chain(session: Session) -> Session:
    """`a` takes the input x, `b` takes a, `c` takes b; `other` takes nothing."""
    session.add("a", lambda x: x + 1, ["x"])
    session.add("b", lambda a: a + 1, ["a"])
    session.add("c", lambda b: b + 1, ["b"])
    session.add("other", lambda: 7)
    return session
