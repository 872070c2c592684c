"""Which lifecycles surround the cells of a run."""

from __future__ import annotations

from typing import Any

import pytest

from hotplate.errors import SettingError
from hotplate.run.lifecycles import Lifecycle
from hotplate.run.lifecycles.registry import make_lifecycles


class Mine(Lifecycle):
    def __init__(self, name: str) -> None:
        self.name = name


class Nameless(Lifecycle):
    pass


class Unrelated:
    """One that is written without Lifecycle."""

    name = "unrelated"

    def setup(self, context: Any) -> None: ...

    def teardown(self, context: Any, outcome: Any) -> None: ...


def test_objects_stay_in_their_order() -> None:
    first, second, third = Mine("first"), Unrelated(), Mine("third")
    assert make_lifecycles([first, second, third]) == (first, second, third)


def test_there_may_be_none() -> None:
    assert make_lifecycles([]) == ()


@pytest.mark.parametrize(
    ("other", "lacks"),
    [(7, "`name`, `setup` and `teardown`"), (Nameless(), "`name`")],  # type: ignore[abstract]
    ids=["another type", "without a name"],
)
def test_what_is_no_lifecycle_is_an_error(other: Any, lacks: str) -> None:
    with pytest.raises(SettingError, match=rf"is no lifecycle: .* has no {lacks}$"):
        make_lifecycles([other])


@pytest.mark.parametrize("chosen", ["nothing-like-this", ["nothing-like-this"]])
def test_an_unknown_name_is_an_error(chosen: str | list[str]) -> None:
    with pytest.raises(SettingError, match="there is no lifecycle nothing-like-this"):
        make_lifecycles(chosen)
