"""The workers of a notebook's native cells: which program they run, in which environment, and where they print to."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from hotplate.errors import SettingError
from hotplate.execute.captured import write_on
from hotplate.execute.workers.bubblewrap import wrapped
from hotplate.execute.workers.environment import clean_environment
from hotplate.execute.workers.pool import WorkerPool
from hotplate.execute.workers.sanitizers.settings import Unreported, sanitizer_settings, without_memory_limit
from hotplate.execute.workers.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.execute.workers.policy import Policy
    from hotplate.toolchain.toolchain import Toolchain


def native_pool(
    toolchain: Toolchain,
    policy: Policy,
    size: int | None = None,
    *,
    sink: Callable[[int, bytes], None] | None = None,
    halt: bool = True,
) -> WorkerPool:
    """The workers for cells that this toolchain builds; none is started yet, and their program is built with the first.

    What they print goes to `sink` (None: to this process's stdout and stderr). Where the toolchain builds with
    sanitizers, workers have them, too; `halt` says whether whatever UBSan finds ends them.

    Raises SettingError where there are no workers.
    """
    if sys.platform not in ("linux", "win32"):
        raise SettingError(
            f"cells can't be isolated on {sys.platform} yet; take isolate off, or choose another executor"
        )
    if sys.platform == "win32" and policy.confines:
        raise SettingError("cells can't be sandboxed on Windows: leave the sandbox out; isolation works without it")

    sanitize = toolchain.sanitize
    variables = sanitizer_settings(halt=halt) if sanitize else {}
    policy = without_memory_limit(policy) if sanitize else policy

    def start() -> Worker:
        program = toolchain.programs.worker(sanitize=sanitize)  # each time, for the cache may have let go of it
        readable = (program.path, toolchain.cache.root)
        prefix = wrapped(policy, os.environ, readable)[0] if policy.confines else ()
        command = [*prefix, str(program.path)]
        environment = {**clean_environment(os.environ, policy), **variables}
        passes = sink or (Unreported(write_on) if sanitize else write_on)
        packed = policy.pack(readable if policy.confines else ())
        worker = Worker(command, environment, passes, packed, wrapped=bool(prefix))
        worker.policy = worker.policy and worker.policy.with_environment(policy.environment)
        return worker

    return WorkerPool(start, size, spares=not sanitize)
