"""NotebookCell: a cell as users have it in their namespace, callable and with its latest value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hotplate.errors import HotplateError, InputError
from hotplate.show import Picture, Shown
from hotplate.show.pages import escape, page
from hotplate.show.values import figure
from hotplate.show.words import preview
from hotplate.values import describe_type

if TYPE_CHECKING:
    import inspect
    from collections.abc import Mapping, Sequence

    from hotplate.jupyter.status import CellState
    from hotplate.load import LoadedCell


class Home(Protocol):
    """Where a cell comes from: the session's notebook of its language, or a file that is watched."""

    def has(self, name: str) -> bool:
        """Whether it still has the cell."""

    def value(self, name: str) -> Any:
        """The latest result. Raises KeyError when there is none."""

    def state(self, name: str) -> CellState:
        """How the cell stands."""

    def loaded(self, name: str) -> LoadedCell:
        """What a direct call of it calls now. Raises what building and loading it raises."""

    def call(self, name: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Makes a direct call."""

    def source(self, name: str) -> str:
        """Its text."""

    def doc(self, name: str) -> str:
        """The comment above it."""


class NotebookCell(Shown):
    """A C or C++ cell: call it with arguments of your own, or take its latest result as `.value`.

    It stays the same object when the cell is edited, so whoever has it calls the newest version that works. Where an
    array or a number is expected (`np.asarray(u)`, `float(dx)`, `plt.plot(u)`), and as an argument of another cell, it
    stands for its value.
    """

    def __init__(self, name: str, home: Home) -> None:
        self.__name__ = name
        self._home = home

    @property
    def home(self) -> Home:
        """Where it comes from."""
        return self._home

    @property
    def exists(self) -> bool:
        """Whether the code that defines it is still there."""
        return self._home.has(self.__name__)

    def move(self, home: Home) -> None:
        """It is another notebook's now."""
        self._home = home

    @property
    def value(self) -> Any:
        """The latest result; `state` says whether it is that of the newest code and inputs. Raises InputError."""
        try:
            return self._home.value(self.__name__)
        except KeyError:
            raise InputError(f"{self.__name__} has no result yet: {self.state}") from None

    @property
    def state(self) -> CellState:
        """How the cell stands: version, status, and why its value is not what the newest code gives, if so."""
        return self._home.state(self.__name__)

    @property
    def source(self) -> str:
        """The text of the cell."""
        return self._home.source(self.__name__)

    @property
    def loaded(self) -> LoadedCell:
        """The function behind it, of the version that is active now: for loops in which each 0.1 µs counts."""
        return self._home.loaded(self.__name__)

    def __call__(self, /, *arguments: Any, **named: Any) -> Any:
        """Runs the cell once with these arguments; nothing is kept of that, and other cells don't see it."""
        given = [_plain(argument) for argument in arguments]
        try:
            return self._home.call(self.__name__, given, {name: _plain(value) for name, value in named.items()})
        except (HotplateError, TypeError, KeyboardInterrupt) as error:
            raise error.with_traceback(None) from error.__cause__  # the way inside is no help to who called it

    @property
    def __signature__(self) -> inspect.Signature:
        return self.loaded.__signature__

    @property
    def __doc__(self) -> str:  # type: ignore[override]  # each has its own
        if not self.exists:
            return f"{self.__name__} is not there any more."
        try:
            loaded = self.loaded
        except HotplateError:  # `?` is asked of what does not work above all
            return "\n\n".join(filter(None, [self.__name__, self._home.doc(self.__name__), str(self.state)]))
        ports = [f"  {port.name}: {describe_type(port)}" for port in loaded.descriptor.inputs]
        gives = ", ".join(
            describe_type(port) if port.name in ("", "out", "value") else f"{port.name}: {describe_type(port)}"
            for port in loaded.descriptor.outputs
        )
        takes = ["takes", *ports] if ports else ["takes nothing"]
        doc = self._home.doc(self.__name__)
        parts = [loaded.descriptor.signature, doc, "\n".join(takes), f"gives {gives or 'nothing'}", str(self.state)]
        return "\n\n".join(filter(None, parts))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.value, dtype=dtype, copy=copy)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __complex__(self) -> complex:
        return complex(self.value)

    def __index__(self) -> int:
        value = self.value
        if not isinstance(value, (int, np.integer)):
            raise TypeError(f"the value of {self.__name__} is a {type(value).__name__}, not an integer")
        return int(value)

    def __dir__(self) -> list[str]:
        return ["exists", "loaded", "source", "state", "value"]

    def __repr__(self) -> str:
        return self._words(self.state)

    def _words(self, state: CellState) -> str:
        if not self.exists:
            return f"<{self.__name__}: not there any more>"
        try:
            shown = f" = {preview(self._home.value(self.__name__))}"
        except KeyError:
            shown = ""
        return f"<{self._signature()}{shown}; {state}>"

    def _signature(self) -> str:
        try:
            return repr(self.loaded).removeprefix("<LoadedCell ").removesuffix(">")
        except HotplateError:  # it can't be built any more: a compiler is gone, a header has changed
            return self.__name__

    def _picture(self) -> Picture:
        if not self.exists:
            return Picture(page(f'<div class="hp-dim">{escape(repr(self))}</div>'), repr(self))
        try:
            body = figure(self._home.value(self.__name__))
        except KeyError:
            body = ""
        state = self.state  # looks at the content of all variables that it takes
        head, foot = (
            f'<div class="hp-code">{escape(self._signature())}</div>',
            f'<div class="hp-dim">{escape(state)}</div>',
        )
        return Picture(page(head + body + foot), self._words(state))


def _plain(argument: Any) -> Any:
    """What a cell is given for an argument."""
    return argument.value if isinstance(argument, NotebookCell) else argument
