"""Canary: code that is to run in this process has to come through in a worker first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hotplate.errors import HotplateError
from hotplate.execute import OutcomeKind
from hotplate.toolchain import Artifact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.reload.builds import Built
    from hotplate.reload.proposal import Proposal
    from hotplate.run import Run

_CAME_THROUGH = (OutcomeKind.OK, OutcomeKind.FAILED)
"""How a call ends that left its process as it was, whatever became of it."""
_DEADLY = (OutcomeKind.CRASHED, OutcomeKind.TIMED_OUT)


class Canary:
    """Knows which code has run. For one thread."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._keys: set[str] = set()
        """The build keys of code that came through."""

    def guarded(self, proposal: Proposal, built: Mapping[str, Built]) -> Proposal:
        """The proposal with all code isolated that has not run yet."""
        untried = [name for name, result in built.items() if self._wanted and _key(result) not in self._keys]
        return replace(proposal, untried=frozenset(name for name in untried if not proposal.isolates(name)))

    def learn(self, run: Run, built: Mapping[str, Built]) -> HotplateError | None:
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
