"""Packages that only some tests need."""

from __future__ import annotations

import importlib
import os
import shutil
from typing import Any

import pytest


def module(name: str) -> Any:
    """A package of the extras `examples` and `browser`. Without it the tests of a file are skipped, but never in CI."""
    if os.environ.get("CI"):
        return importlib.import_module(name)
    return pytest.importorskip(name, reason=f"there is no {name}; `python3 build.py test` installs it")


def program(*names: str) -> str:
    """The first of these programs that is there. Without one the tests of a file are skipped, but never in CI."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None and not os.environ.get("CI"):
        pytest.skip(f"there is no {names[0]}", allow_module_level=True)
    assert found is not None, f"CI installs {names[0]}"
    return found
