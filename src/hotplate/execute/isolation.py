"""Isolation: the workers of one notebook, made when the first cell asks for them."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from hotplate.execute.process import ProcessBackend
    from hotplate.execute.workers.cell import IsolatedCell
    from hotplate.execute.workers.policy import Policy
    from hotplate.execute.workers.pool import WorkerPool
    from hotplate.load import StateBlock
    from hotplate.toolchain import Artifact
    from hotplate.toolchain.toolchain import Toolchain


class Isolation:
    """Where isolated cells are loaded and called. Thread-safe. Nothing of it is imported before it is used."""

    def __init__(self, toolchain: Toolchain, policy: Policy | None = None) -> None:
        """`policy` says what cells may do in a worker; None: anything, in a clean environment."""
        self._toolchain = toolchain
        self._policy = policy
        self._pool: WorkerPool | None = None
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

    def load(self, artifact: Artifact, state: StateBlock, path: Path, text: str) -> IsolatedCell:
        """The cell of a library that was built from the notebook at `path` with this text. Raises LoadError."""
        from hotplate.execute.workers.cell import IsolatedCell

        return IsolatedCell(artifact.library, artifact.unit_key, state, self.pool, (path, text))

    def backend(self) -> ProcessBackend:
        """Calls them, and Python functions."""
        from hotplate.execute.process import ProcessBackend

        if sys.platform != "linux":
            return ProcessBackend(self.pool, None, self.policy)
        from hotplate.execute.workers.python_pool import PythonPool

        return ProcessBackend(self.pool, PythonPool(self.policy), self.policy)
