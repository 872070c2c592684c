"""How a failure of a cell or a notebook is shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

_FIXTURES = {"hotplate_open", "hotplate_notebook", "hotplate_cell"}
_PACKAGE = Path(__file__).parents[1]


def speaks_for_itself(item: pytest.Item, error: pytest.ExceptionInfo[BaseException]) -> bool:
    """Whether hotplate raised it in a test that uses its fixtures, and nobody asked for a traceback."""
    option = item.config.getoption  # with defaults: both are the terminal's, which `-p no:terminal` leaves out
    if option("fulltrace", False) or option("tbstyle", "auto") != "auto" or "hotplate.errors" not in sys.modules:
        return False
    if _FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
        return False
    from hotplate.errors import HotplateError

    wrong_call = isinstance(error.value, TypeError) and _PACKAGE in Path(error.traceback[-1].path).parents
    return wrong_call or isinstance(error.value, HotplateError)


def in_its_words(item: pytest.Item, error: pytest.ExceptionInfo[BaseException]) -> Any:
    """The message, and where in the test's file the call was that raised."""
    shown: Any = error.getrepr(style="value", chain=False)
    place = next((entry for entry in reversed(error.traceback) if entry.path == item.path), None)
    if place is not None:
        shown.reprtraceback.reprentries[-1].lines += ["", f"{item.location[0]}:{place.lineno + 1}: {error.typename}"]
    if shown.reprcrash is not None:
        shown.reprcrash.message = f"{error.typename}: {str(error.value).partition(chr(10))[0]}"
    return shown
