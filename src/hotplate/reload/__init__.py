"""Hot reload: from a change of the file to the newer version running, or to the reason why the last good one stays.

What lives here watches files, decides what a change asks for, and swaps versions. What a run then computes is `run`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate.reload.planner import Build, ReloadPlan, plan_reload
from hotplate.reload.proposal import Proposal
from hotplate.reload.reloader import HotReloader

if TYPE_CHECKING:
    from hotplate.reload.live import Live
    from hotplate.reload.status import LiveStatus, Reload
    from hotplate.reload.watcher import Watcher

_HOMES = {"Live": "live", "LiveStatus": "status", "Reload": "status", "Watcher": "watcher"}

__all__ = [
    "Build",
    "HotReloader",
    "Live",
    "LiveStatus",
    "Proposal",
    "Reload",
    "ReloadPlan",
    "Watcher",
    "plan_reload",
]


def __getattr__(name: str) -> Any:
    # Imported when first used: a plain run watches nothing.
    import importlib

    if name in _HOMES:
        return getattr(importlib.import_module(f"hotplate.reload.{_HOMES[name]}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
