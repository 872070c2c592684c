"""The workers of a notebook's native cells: which program they run, in which environment, and where they print to."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from hotplate.errors import SettingError
from hotplate.execute.workers.bubblewrap import wrapped
from hotplate.execute.workers.environment import clean_environment
from hotplate.execute.workers.pool import WorkerPool
from hotplate.execute.workers.worker import Worker

if TYPE_CHECKING:
    from hotplate.execute.workers.policy import Policy
    from hotplate.toolchain.toolchain import Toolchain


def native_pool(toolchain: Toolchain, policy: Policy, size: int | None = None) -> WorkerPool:
    """The workers for cells that this toolchain builds; none is started yet, and their program is built with the first.

    Raises SettingError where there are no workers.
    """
    if sys.platform not in ("linux", "win32"):
        raise SettingError(
            f"cells can't be isolated on {sys.platform} yet; take isolate off, or choose another executor"
        )
    if sys.platform == "win32" and policy.confines:
        raise SettingError("cells can't be sandboxed on Windows: leave the sandbox out; isolation works without it")

    def start() -> Worker:
        program = toolchain.programs.worker()  # each time, for the cache may have let go of it
        readable = (program.path, toolchain.cache.root)
        prefix = wrapped(policy, os.environ, readable)[0] if policy.confines else ()
        command = [*prefix, str(program.path)]
        policy_bytes = policy.pack(readable if policy.confines else ())
        return Worker(command, clean_environment(os.environ, policy), write_on, policy_bytes)

    return WorkerPool(start, size)


def write_on(stream: int, data: bytes) -> None:
    """Writes to this process's stdout or stderr what a worker wrote to its own."""
    with contextlib.suppress(OSError):  # nobody listens any more
        while data:
            data = data[os.write(stream, data) :]
