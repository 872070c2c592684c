"""LoadedCell: one version of one cell, ready to be called."""

from __future__ import annotations

import inspect
import keyword
from typing import TYPE_CHECKING, Any, NoReturn

from hotplate.abi import lib
from hotplate.errors import InputError, LoadError
from hotplate.load.caller import Caller
from hotplate.load.library import Library, opening, reclaim
from hotplate.load.plan import open_calls
from hotplate.load.state import StateBlock
from hotplate.show import Shown
from hotplate.values import describe_type, numpy_dtype

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

    from hotplate.load.plan import Callee
    from hotplate.show import Picture


class LoadedCell(Caller, Shown):
    """A loaded cell, called like a function.

    Positional arguments follow the parameters, without the context, the outputs, and dimensions that arrays fix; each
    may be given by keyword. Arrays must have the exact dtype, rank and layout (C order, in C++ any strides): they are
    passed as they are, never copied. Results are new read-only arrays, Python numbers, text, or a named tuple of
    several.

    Raises InputError for a value that does not fit, TypeError for wrong arguments, CellFailed when the cell reports a
    failure or throws, KeyboardInterrupt when Ctrl-C ended it. Threads may call it at the same time: the interpreter
    lock is free while native code runs.

    The object is a lease: its library stays loaded until `close` or until the object is gone.
    """

    isolated = False
    """Whether it runs in a worker."""

    def __init__(
        self,
        path: Path,
        unit_key: str | None = None,
        state: StateBlock | None = None,
        empty: Callable[..., Any] | None = None,
    ) -> None:
        """Loads the library at `path`; `state` is what hp_state gives the cell (None: a new one of its own).

        `empty(shape, dtype)` makes the arrays of results (None: NumPy does).
        """
        with opening:  # nobody may unload the library before the cell holds its lease
            library = Library.open(path, unit_key)
            self._open(library, library.path, state or StateBlock(), empty)

    def _open(self, library: Callee, path: Path, state: StateBlock, empty: Callable[..., Any] | None = None) -> None:
        self._derived = open_calls(self, library, state, empty)
        self.descriptor = library.descriptor
        self.path = path
        self.closed = False
        """Whether `close` was called."""
        self.__name__ = self.descriptor.name
        self.__doc__ = f"{self.descriptor.signature}\n\nA cell; LoadedCell says how it is called."

    @property
    def name(self) -> str:
        """The cell's name."""
        return self.descriptor.name

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the inputs, in order."""
        return tuple(port.name for port in self.descriptor.inputs)

    @property
    def optional(self) -> frozenset[str]:
        """The inputs that may be left out: dimensions that arrays fix."""
        return frozenset(self.descriptor.inputs[i].name for i in self._derived)

    @property
    def __signature__(self) -> inspect.Signature:
        kind = inspect.Parameter
        # inspect refuses Python's own words; `lambda` is a common parameter in C.
        shown = [f"{name}_" if keyword.iskeyword(name) else name for name in self.parameters]
        given = [kind(name, kind.POSITIONAL_OR_KEYWORD) for i, name in enumerate(shown) if i not in self._derived]
        fixed = [kind(shown[i], kind.KEYWORD_ONLY, default=None) for i in sorted(self._derived)]
        return inspect.Signature(given + fixed)

    def dtype(self, port: str) -> np.dtype[Any]:
        """The NumPy dtype of an input or a result by name, a structured one for a struct."""
        for candidate in self.descriptor.inputs + self.descriptor.outputs:
            if candidate.name == port:
                return numpy_dtype(candidate.dtype, candidate.record)
        known = ", ".join(p.name for p in self.descriptor.inputs + self.descriptor.outputs)
        message = f"{self.name} has no port {port}; it has {known}"
        raise InputError(message)

    def close(self) -> None:
        """Gives the lease back. Calls in progress end normally; later ones raise LoadError."""
        self.closed = True
        lib.hp_caller_close(id(self))
        reclaim()

    def _refuse(self) -> NoReturn:
        """The core calls this instead of a cell that it no longer has."""
        message = f"{self.name} was closed; load it again with nb.load({self.name!r})"
        raise LoadError(message)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{port.name}: {describe_type(port)}" for port in self.descriptor.inputs)
        outputs = ", ".join(describe_type(port) for port in self.descriptor.outputs) or "nothing"
        return f"<LoadedCell {self.name}({inputs}) -> {outputs}>"

    def _picture(self) -> Picture:
        from hotplate.load.picture import cell_picture

        return cell_picture(self)
