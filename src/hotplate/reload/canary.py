"""Canary: code that is to run in this process has to come through in a worker first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hotplate.errors import HotplateError
from hotplate.execute import OutcomeKind
from hotplate.toolchain import Artifact

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from hotplate.reload.builds import Built
    from hotplate.reload.proposal import Proposal
    from hotplate.reload.reloader import HotReloader
    from hotplate.reload.runs import Runs
    from hotplate.run import Run, Version

_CAME_THROUGH = (OutcomeKind.OK, OutcomeKind.FAILED)
"""How a call ends that left its process as it was, whatever became of it."""
_DEADLY = (OutcomeKind.CRASHED, OutcomeKind.TIMED_OUT)


class Canary:
    """Has new code run in workers once, and knows which has. One thread asks for trials, another makes the runs."""

    def __init__(self, reloader: HotReloader, runs: Runs, changed: threading.Condition, *, wanted: bool) -> None:
        """`changed` is notified when `ended` was called, and when a trial may have to be given up."""
        self._reloader = reloader
        self._runs = runs
        self._changed = changed
        self._wanted = wanted
        self._keys: set[str] = set()
        """The build keys of code that came through."""
        self._version: Version | None = None
        """What is on trial, and its run once that has ended."""
        self._run: Run | None = None

    def tried(self, proposal: Proposal, built: Mapping[str, Built], given_up: Callable[[], bool]) -> Proposal | None:
        """Runs new code in workers, if that is wanted. In what it returns, code that did not come to run is isolated.

        None: the trial was `given_up`, or somebody else has made another version active meanwhile. Raises what a cell
        died of. The reloader's turn is left to others for the run.
        """
        guarded = self._guarded(proposal, built)
        if not guarded.untried:
            return proposal
        version = self._reloader.trial(guarded, built)
        run = self._run_of(version, given_up)
        if run is None:
            return None
        error = self._learn(run, built)
        if self._reloader.active is not version:
            return None
        if error is not None:
            raise error
        return self._guarded(proposal, built)

    def ended(self, version: Version, run: Run) -> None:
        """Told of every run. `changed` is held."""
        if version is self._version:
            self._run = run

    def _run_of(self, version: Version, given_up: Callable[[], bool]) -> Run | None:
        with self._changed:
            self._version, self._run = version, None
            self._runs.swap(version)
            self._runs.want("update")
        # Who has the turn to run, and waits for this one, would keep the trial from running.
        with self._reloader.stepping_aside(), self._changed:
            self._changed.wait_for(lambda: self._run is not None or given_up())
            run, self._version, self._run = self._run, None, None
        return run

    def _guarded(self, proposal: Proposal, built: Mapping[str, Built]) -> Proposal:
        """The proposal with all code isolated that has not run yet."""
        untried = [name for name, result in built.items() if self._wanted and _key(result) not in self._keys]
        return replace(proposal, untried=frozenset(name for name in untried if not proposal.isolates(name)))

    def _learn(self, run: Run, built: Mapping[str, Built]) -> HotplateError | None:
        """Notes which code came through a run; returns what the first cell died of that did not."""
        for name, cell in run.cells.items():
            if name in built and cell.outcome.kind in _CAME_THROUGH:
                self._keys.add(_key(built[name]))
        for name, cell in run.cells.items():
            error = cell.outcome.error
            if name in built and cell.outcome.kind in _DEADLY and isinstance(error, HotplateError):
                return error
        return None


def _key(result: Built) -> str:
    return result.build_key if isinstance(result, Artifact) else ""
