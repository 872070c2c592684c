"""Runs the contests, hands their samples to pytest-benchmark, and prints them as ratios."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import pytest

from benchmarks.contest import Contest, Entrant, Outcome, facts_of, measure, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

_FOUGHT: dict[Contest, dict[str, Outcome]] = {}


class Replay:
    """A timer that gives pytest-benchmark times that were measured before: it subtracts what two calls return."""

    __name__ = "measured in turns"

    def __init__(self) -> None:
        self._ticks: deque[float] = deque()

    def load(self, durations: Iterable[float]) -> None:
        """Sets what the next pairs of calls will differ by."""
        self._ticks = deque(tick for duration in durations for tick in (0.0, duration))

    def __call__(self) -> float:
        return self._ticks.popleft()


_replay = Replay()


def pytest_configure(config: pytest.Config) -> None:
    # pytest-benchmark's own table has no ratios to a chosen baseline; -v brings it back.
    config.option.benchmark_quiet = True
    # Peers and what they import warn about their own affairs.
    config.addinivalue_line("filterwarnings", "ignore")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if entrant := entrant_of(item):
            item.add_marker(pytest.mark.benchmark(timer=_replay, group=entrant.contest.title))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for contest, outcomes in _FOUGHT.items():
        terminalreporter.write_line("")
        for line in table(contest, outcomes):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A build cache of this session, so that the first build of everything is a miss, and a place for recorded runs."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOTPLATE_CACHE_DIR", str(folder))
        patch.setenv("HOTPLATE_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        yield folder


@pytest.fixture
def take_part(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Entrant], None]:
    """Reports one contender. The first of a contest that comes along has all selected ones measured."""

    def report(entrant: Entrant) -> None:
        contest, contender = entrant
        if contest not in _FOUGHT:
            chosen = [
                other.contender.name
                for other in map(entrant_of, request.session.items)
                if other and other.contest is contest
            ]
            _FOUGHT[contest] = measure(contest, chosen, tmp_path_factory.mktemp("contest"))
        outcome = _FOUGHT[contest][contender.name]
        if outcome.skipped:
            pytest.skip(outcome.skipped)
        benchmark: BenchmarkFixture = request.getfixturevalue("benchmark")
        benchmark.extra_info.update(facts_of(contender, _FOUGHT[contest], contest))
        _replay.load(sample.seconds for sample in outcome.samples)
        benchmark.pedantic(lambda: None, rounds=len(outcome.samples))

    return report


def entrant_of(item: pytest.Item) -> Entrant | None:
    """What a test of a contest is about."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("entrant") if callspec else None
