"""Processes of their own, for what needs a console."""

from __future__ import annotations

import os
import subprocess
import sys
from textwrap import dedent


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python with a console of its own, without which there is no Ctrl-C."""
    return subprocess.Popen(
        [sys.executable, "-c", dedent(code), *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        creationflags=subprocess.CREATE_NO_WINDOW,
    )
