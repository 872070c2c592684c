"""Lifecycles of other distributions, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeGuard

from hotplate.execute.plugins import PluginKind
from hotplate.run.lifecycles.lifecycle import API_VERSION, Lifecycle


def make_lifecycles(chosen: str | Lifecycle | Iterable[str | Lifecycle]) -> tuple[Lifecycle, ...]:
    """Those that were chosen, in that order: objects, or names in the entry-point group `hotplate.lifecycles`.

    Only the chosen ones are imported. Raises SettingError for the first that is not there or can't be used.
    """
    all_of_them = (chosen,) if isinstance(chosen, str) or not isinstance(chosen, Iterable) else chosen
    return tuple(_LIFECYCLES.make(one) if isinstance(one, str) else _LIFECYCLES.checked(one) for one in all_of_them)


def _is_lifecycle(thing: object) -> TypeGuard[Lifecycle]:
    # A class that derives from Lifecycle has its methods, but a name of its own or none.
    return isinstance(thing, Lifecycle) and isinstance(getattr(thing, "name", None), str)


_LIFECYCLES = PluginKind("lifecycle", "hotplate.lifecycles", API_VERSION, _is_lifecycle, ("name", "setup", "teardown"))
