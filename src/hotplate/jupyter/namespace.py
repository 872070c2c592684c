"""Namespace: the user's variables, as the values that cells take and as the place where cells appear."""

from __future__ import annotations

import builtins
import inspect
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hotplate.jupyter.cells import NotebookCell
from hotplate.show.words import type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

MISSING = object()
"""There is no such variable, or nothing that a cell could take."""


class Namespace:
    """The variables of a shell. A name is looked up only when a cell asks for it. For the main thread."""

    def __init__(self, variables: MutableMapping[str, Any]) -> None:
        self._variables = variables
        self._told: dict[str, str] = {}
        """What was said last of names that stay what they are."""

    def value(self, name: str) -> Any:
        """What a cell is given for an input of this name; MISSING when that is nothing that a cell could take."""
        found = self._variables.get(name, MISSING)
        if isinstance(found, NotebookCell):
            try:
                return found.value
            except Exception:
                return MISSING
        return found if is_value(found) else MISSING

    def why_missing(self, name: str) -> str:
        """What is in the way of an input, and what to do about it."""
        if name not in self._variables:
            return f"set it in Python: {name} = ..."
        found = self._variables[name]
        if isinstance(found, NotebookCell):
            return f"{name} is a cell without a result: {found.state}"
        return f"{name} is a Python {_kind(found)}, which is no value for a cell"

    def values_of(self, names: Iterable[str]) -> dict[str, Any]:
        """The variables that stand for cells of these names: plain values that users put there."""
        found = {name: self._variables.get(name, MISSING) for name in names}
        return {name: value for name, value in found.items() if not isinstance(value, NotebookCell) and is_value(value)}

    def bind(self, cell: NotebookCell) -> str:
        """Makes a cell a variable, in place of an earlier one; or says, once, why the name stays what it is."""
        name, found = cell.__name__, self._variables.get(cell.__name__, MISSING)
        words = self._bind(cell)
        if found is MISSING or isinstance(found, NotebookCell):
            self._told.pop(name, None)
            return words
        before, self._told[name] = self._told.get(name, ""), words
        return "" if words == before else words

    def _bind(self, cell: NotebookCell) -> str:
        name = cell.__name__
        found = self._variables.get(name, MISSING)
        if found is MISSING:
            self._variables[name] = cell
            return f"{name} is the cell now; Python's own is builtins.{name}" if hasattr(builtins, name) else ""
        if isinstance(found, NotebookCell):
            self._variables[name] = cell
            if found is cell or not found.exists:
                return ""
            return f"{name} is another cell now; it was that of {found.state.place}"
        if is_value(found):
            return (
                f"{name} is a Python variable ({type_of(found)}): it is kept, and stands for the cell's result "
                f"wherever {name} is taken; `del {name}` and run this again to have the cell"
            )
        return (
            f"{name} is a Python {_kind(found)}, which is kept; the cell runs, and can be had as "
            f"`%hotplate run {name}`, or under its name after `del {name}`"
        )

    def unbind(self, cell: NotebookCell) -> None:
        """Takes a cell out that is gone; anything else of that name stays."""
        if self._variables.get(cell.__name__) is cell:
            del self._variables[cell.__name__]

    def cell(self, name: str) -> NotebookCell | None:
        """The cell that is the variable of that name."""
        found = self._variables.get(name)
        return found if isinstance(found, NotebookCell) else None


def is_value(found: Any) -> bool:
    """Whether a cell could take it: not functions, classes and modules. Whether it fits is for the cell to say."""
    if found is MISSING or found is None or isinstance(found, (ModuleType, type)):
        return False
    return not (callable(found) or inspect.isgenerator(found))


def _kind(found: Any) -> str:
    if isinstance(found, ModuleType):
        return "module"
    if isinstance(found, type):
        return "class"
    return "function" if callable(found) else type(found).__name__
