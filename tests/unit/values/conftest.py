"""The cells of a test file: those of its text `C`, of its text `CPP`, or one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def notebooks(request: pytest.FixtureRequest, compiled: Callable[..., Any]) -> dict[str, Any]:
    return {"c": compiled(request.module.C), "c++": compiled(request.module.CPP, ".cpp")}


@pytest.fixture
def c(notebooks: dict[str, Any]) -> Callable[[str], Any]:
    """Loads a cell of `C`."""
    return notebooks["c"].load


@pytest.fixture(params=["c", "c++"])
def load(request: pytest.FixtureRequest, notebooks: dict[str, Any]) -> Callable[[str], Any]:
    """Loads a cell of either."""
    return notebooks[request.param].load
