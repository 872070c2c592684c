"""The workers of a notebook's native cells: which program they run, in which environment, and where they print to."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from hotplate.errors import SettingError
from hotplate.execute.workers.pool import WorkerPool
from hotplate.execute.workers.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.toolchain.toolchain import Toolchain

_KEPT = ("HOME", "LANG", "LANGUAGE", "PATH", "TEMP", "TMP", "TMPDIR", "TZ", "USER")
_KEPT_PREFIXES = ("GOMP_", "KMP_", "LC_", "OMP_")


def native_pool(toolchain: Toolchain, size: int | None = None) -> WorkerPool:
    """The workers for cells that this toolchain builds; none is started yet, and their program is built with the first.

    Raises SettingError where there are no workers.
    """
    if not sys.platform.startswith("linux"):
        raise SettingError(
            f"cells can't be isolated on {sys.platform} yet; take isolate off, or choose another executor"
        )

    def start() -> Worker:
        program = toolchain.programs.worker()  # each time, for the cache may have let go of it
        return Worker([str(program.path)], clean_environment(os.environ), write_on)

    return WorkerPool(start, size)


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a worker gets of the environment: language, time zone, folders and OpenMP's settings; no secrets."""
    return {name: value for name, value in environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)}


def write_on(stream: int, data: bytes) -> None:
    """Writes to this process's stdout or stderr what a worker wrote to its own."""
    with contextlib.suppress(OSError):  # nobody listens any more
        while data:
            data = data[os.write(stream, data) :]
