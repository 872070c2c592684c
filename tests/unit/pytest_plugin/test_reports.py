"""Failures in a pytest that is put together in another way."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def test_a_failure_needs_no_options_of_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it():\n    assert False\n")
    command = [sys.executable, "-m", "pytest", "-p", "hotplate.pytest_plugin", "-p", "no:terminal"]
    environ = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, **environ}, check=False, capture_output=True)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stderr
