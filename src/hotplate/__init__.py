"""hotplate runs C and C++ notebooks at native speed, and reloads them as you type.

nb = hotplate.open("heat.c")
run = nb.run(dt=1e-4, n=512)
run["u1"]                      # a NumPy array, read-only, no copy
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hotplate import errors
    from hotplate.execute.workers.policy import Level, Policy
    from hotplate.load import LoadedCell
    from hotplate.run import Run
    from hotplate.run.attempts import AttemptPolicy, ExponentialBackoff, FixedBackoff
    from hotplate.run.store import RunStore
    from hotplate.session import Notebook, inline, open

_HOMES = {
    "AttemptPolicy": "hotplate.run.attempts",
    "ExponentialBackoff": "hotplate.run.attempts",
    "FixedBackoff": "hotplate.run.attempts",
    "Level": "hotplate.execute.workers.policy",
    "LoadedCell": "hotplate.load",
    "Notebook": "hotplate.session",
    "Policy": "hotplate.execute.workers.policy",
    "Run": "hotplate.run",
    "RunStore": "hotplate.run.store",
    "inline": "hotplate.session",
    "open": "hotplate.session",
}

__all__ = [
    "AttemptPolicy",
    "ExponentialBackoff",
    "FixedBackoff",
    "Level",
    "LoadedCell",
    "Notebook",
    "Policy",
    "Run",
    "RunStore",
    "__version__",
    "errors",
    "inline",
    "open",
]


def load_ipython_extension(shell: Any) -> None:
    """Adds `%hotplate` and `%%hotplate` to IPython; for `%load_ext hotplate`."""
    from hotplate import jupyter

    jupyter.load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Takes them out again, and ends what is being watched; for `%unload_ext hotplate`."""
    from hotplate import jupyter

    jupyter.unload(shell)


def __getattr__(name: str) -> Any:
    # Imported when first used: `hotplate --help` and the errors need neither NumPy nor the native core.
    import importlib

    if name == "errors":
        return importlib.import_module("hotplate.errors")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(__all__)
