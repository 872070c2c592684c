"""Plugins that can be imported and not used."""

from __future__ import annotations

from hotplate.run.lifecycles import Lifecycle


class Ahead(Lifecycle):
    """For a hotplate that is not there yet."""

    name = "ahead"
    api_version = 1000


class AheadExecutor:
    """For a hotplate that is not there yet."""

    name = "ahead"
    api_version = 1000

    def execute(self, *_: object, **__: object) -> None:
        raise AssertionError("it must not be used")


class Unrelated:
    """Neither a lifecycle nor an executor."""

    api_version = 1


def unlicensed() -> None:
    raise OSError("no licence was found")
