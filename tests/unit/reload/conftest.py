"""A watcher over real files, and what it told."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from hotplate.reload import Watcher, watcher
from hotplate.reload.sources import ObserverSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_PATIENCE = 30.0  # s until a test gives up; nothing takes so long


class Told:
    """Collects what a watcher tells, and waits for it."""

    def __init__(self, fence: Path) -> None:
        self.reports: list[frozenset[Path]] = []
        self.content: dict[Path, bytes | None] = {}  # as it was when the file was last told
        self._news = threading.Condition()
        self._fence, self._numbers = fence, itertools.count()

    def __call__(self, files: frozenset[Path]) -> None:
        with self._news:
            self.content |= {file: file.read_bytes() if file.is_file() else None for file in files}
            self.reports.append(files)
            self._news.notify_all()

    def until(self, *files: Path) -> list[frozenset[Path]]:
        """Waits until all these files were told; gives all reports so far and begins anew."""
        with self._news:
            assert self._news.wait_for(lambda: self._all() >= set(files), _PATIENCE), f"{files} not in {self.reports}"
            reports, self.reports = self.reports, []
            return reports

    def up_to_now(self) -> set[Path]:
        """All files told so far: a file in the same folder is changed, and told after what happened before."""
        self._fence.write_text(str(next(self._numbers)))
        return set().union(*self.until(self._fence)) - {self._fence}

    def _all(self) -> set[Path]:
        return set().union(*self.reports)


@pytest.fixture
def fence(tmp_path: Path) -> Path:
    path = tmp_path / "fence"
    path.touch()
    return path


@pytest.fixture
def told(fence: Path) -> Told:
    return Told(fence)


@pytest.fixture(autouse=True)
def no_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told is told because of events, or of polling where that was asked for: that often here."""
    monkeypatch.setattr(watcher, "_SWEEP", 1e6)
    monkeypatch.setattr(watcher, "_POLL", 0.02)


@pytest.fixture
def watch(told: Told, fence: Path) -> Iterator[Callable[..., Watcher]]:
    """Starts a watcher of some files, and of the fence: `watch(file, quiet=...)`. It hears of all from then on."""
    with contextlib.ExitStack() as stack:

        def start(*files: Path, changed: Callable[[frozenset[Path]], None] = told, **settings: Any) -> Watcher:
            started = Watcher(changed, **{"quiet": 0.01, **settings})
            started.watch([*files, fence])
            stack.enter_context(started)
            told.up_to_now()
            return started

        yield start


@pytest.fixture(params=["inotify", "observer", "polling"])
def watch_anyhow(
    request: pytest.FixtureRequest, watch: Callable[..., Watcher], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Watcher]:
    """The same, by each way to learn of changes; `observer` is the one for systems other than Linux."""
    if request.param == "observer":
        monkeypatch.setattr(watcher, "open_source", ObserverSource)
    return lambda *files: watch(*files, polling=request.param == "polling")


@pytest.fixture(params=["inotify", "observer"])
def watch_by_events(
    request: pytest.FixtureRequest, watch: Callable[..., Watcher], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Watcher]:
    """The same, by each way to learn of changes from the system."""
    if request.param == "observer":
        monkeypatch.setattr(watcher, "open_source", ObserverSource)
    return watch


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Waits until something is true."""

    def wait(condition: Callable[[], object]) -> None:
        end = time.monotonic() + _PATIENCE
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.005)

    return wait
