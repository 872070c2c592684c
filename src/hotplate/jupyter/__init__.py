"""hotplate in IPython and Jupyter: `%load_ext hotplate`, `%%hotplate` and `%hotplate`.

What lives here turns Jupyter cells into the cells of a notebook, the user's variables into inputs, and what comes of a
run into what a notebook shows. Building, reloading and running are `session`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate.errors import SettingError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load", "unload"]


def load(shell: InteractiveShell) -> None:
    """Registers the magics in a shell. Raises SettingError where there is no IPython."""
    try:
        from hotplate.jupyter.magics import HotplateMagics
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("IPython", "traitlets"):
            raise
        message = "hotplate's magics run in IPython, which is not installed here: pip install 'hotplate[jupyter]'"
        raise SettingError(message) from None
    if not hasattr(shell, "register_magics"):
        message = "hotplate's magics run in IPython alone; elsewhere use hotplate.open and hotplate.inline"
        raise SettingError(message)
    magics = HotplateMagics(shell)
    shell.register_magics(magics)
    magics.attach()


def unload(shell: Any) -> None:
    """Takes the magics out again, and ends what is being watched. The cells stay in the namespace."""
    from hotplate.jupyter.magics import HotplateMagics

    magics = shell.magics_manager.registry.pop(HotplateMagics.__name__, None)
    if magics is not None:
        magics.detach()
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop("hotplate", None)
