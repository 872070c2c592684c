"""IsolatedCells: the workers of one notebook, made when the first cell asks for them."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hotplate.execute.abort import AbortHandle
    from hotplate.execute.process import ProcessBackend
    from hotplate.execute.workers.cell import IsolatedCell
    from hotplate.execute.workers.crash.report import Diagnosis
    from hotplate.execute.workers.policy import Policy
    from hotplate.execute.workers.pool import WorkerPool
    from hotplate.load import StateBlock
    from hotplate.toolchain import Artifact, Unit
    from hotplate.toolchain.toolchain import Toolchain


class IsolatedCells:
    """Where isolated cells are loaded and called. Thread-safe. Nothing of it is imported before it is used."""

    def __init__(self, toolchain: Toolchain, policy: Policy | None = None) -> None:
        """`policy` says what cells may do in a worker; None: anything, in a clean environment."""
        self._toolchain = toolchain
        self._policy = policy
        self._pool: WorkerPool | None = None
        self._backend: ProcessBackend | None = None
        self._lock = threading.Lock()

    @property
    def pool(self) -> WorkerPool:
        """The workers of native cells. Raises SettingError where there are none."""
        with self._lock:
            if self._pool is None:
                from hotplate.execute.workers.native import native_pool

                self._pool = native_pool(self._toolchain, self.policy)
            return self._pool

    @property
    def policy(self) -> Policy:
        """What cells may do in a worker."""
        from hotplate.execute.workers.policy import Policy

        return self._policy or Policy()

    @property
    def of_all(self) -> bool:
        """Whether every cell has to be isolated: one with sanitizers can't be loaded here, a confined one must not."""
        return self._policy is not None or bool(self._toolchain.sanitize)

    def load(
        self,
        artifact: Artifact,
        state: StateBlock,
        path: Path,
        text: str,
        unit: Callable[[Toolchain], Unit] | None = None,
    ) -> IsolatedCell:
        """The cell of a library that was built from the notebook at `path` with this text. Raises LoadError.

        `unit` makes its translation unit for another toolchain, so that a crash of it can be diagnosed.
        """
        from hotplate.execute.workers.cell import IsolatedCell

        sanitized = bool(self._toolchain.sanitize)
        if sanitized or sys.platform != "linux":  # it says all that can be said, or there are no sanitizers
            unit = None
        notebook = (path, text)
        return IsolatedCell(
            artifact.library, artifact.unit_key, state, self.pool, notebook, unit=unit, sanitized=sanitized
        )

    def diagnose(
        self, cell: IsolatedCell, arguments: Mapping[str, Any], abort: AbortHandle, seconds: float
    ) -> Diagnosis:
        """What sanitizers find when a cell is called again that crashed after so many seconds. See replay.diagnose."""
        from hotplate.execute.workers.sanitizers.replay import diagnose

        return diagnose(cell, arguments, toolchain=self._toolchain, policy=self.policy, abort=abort, seconds=seconds)

    def backend(self) -> ProcessBackend:
        """Calls them, and Python functions."""
        from hotplate.execute.process import ProcessBackend

        python = None
        if sys.platform == "linux":
            from hotplate.execute.workers.python.pool import PythonPool

            python = PythonPool(self.policy)
        self._backend = ProcessBackend(self.pool, python, self.policy, self.diagnose)
        return self._backend

    def kill(self) -> None:
        """Ends every worker that is at work, at once; their calls end as cancelled. Waits for nobody."""
        if (target := self._backend or self._pool) is not None:
            target.kill()
