"""The environment of a worker: what it needs to compute, and nothing that may be a secret."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from hotplate.execute.workers.policy import Level, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

# How the C library speaks and tells time, where libraries are, how many threads there are, and what sanitizers do.
# Neither LD_PRELOAD and LD_AUDIT, which put code into the worker, nor HOTPLATE_*, which are the session's settings.
_NEEDED = re.compile(
    r"LANG|LC_[A-Z]+|LOCPATH|TZ|TZDIR|LD_LIBRARY_PATH"
    r"|(OMP|GOMP|KMP|OPENBLAS|GOTO|BLIS|MKL|NUMEXPR|VECLIB)_[A-Z_]+"
    r"|(CUDA|HIP|ROCR)_VISIBLE_DEVICES"
    r"|(A|L|M|T|UB)SAN_OPTIONS|ASAN_SYMBOLIZER_PATH"
)
_FOR_PROGRAMS = ("PATH",)
_FOR_FILES = ("HOME", "TMPDIR")
# Windows looks for libraries where it looks for programs, and finds its own parts by the others.
_FOR_WINDOWS = ("PATH", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "TEMP", "TMP", "NUMBER_OF_PROCESSORS")


def clean_environment(environ: Mapping[str, str], policy: Policy) -> dict[str, str]:
    """The variables that a worker is started with.

    Language, time zone, library path, and the settings of OpenMP, BLAS, accelerators and sanitizers always; PATH where
    it may start programs; HOME and TMPDIR where it may open any file; on Windows, what its own parts need; besides,
    what `policy.variables` names. All of them where `policy.environment` is allow.
    """
    if policy.environment is Level.ALLOW:
        return dict(environ)
    named = {*policy.variables, *(_FOR_WINDOWS if sys.platform == "win32" else ())}
    if policy.processes is Level.ALLOW:
        named |= {*_FOR_PROGRAMS}
    if policy.filesystem is Level.ALLOW:
        named |= {*_FOR_FILES}
    return {name: value for name, value in environ.items() if name in named or _NEEDED.fullmatch(name)}
