"""Every exception that hotplate raises on purpose.

    HotplateError
    ├── NotebookError        the notebook breaks a rule of the notation; has `diagnostics`
    ├── InputError           a value given to a cell or a run does not fit
    ├── SettingError         a setting, an attribute's value or an option makes no sense
    ├── ToolchainError       no usable compiler, or a tool it needs is missing
    │   └── BuildError       the compiler refused a cell; has `diagnostics`
    ├── CacheError           the build cache can't be read or written
    ├── StoreError           the store of recorded runs can't be used, or has no such run
    ├── LoadError            a built library can't be loaded
    │   └── HandshakeError   it was built for another version of the interface
    ├── CellError            a cell did not deliver; has `cell` and, in a run, `run`
    │   ├── CellFailed       it said so (hp_fail), threw, or filled no result
    │   ├── CellCrashed      its process died: a signal, an exit, no memory; has `report`
    │   ├── CellTimedOut     it ran longer than its `timeout`
    │   ├── CellRejected     the backend can't enforce what the cell asks for
    │   ├── LifecycleFailed  a lifecycle or a cleanup around its call raised
    │   └── AttemptsSpent    runs before a resumed one have used up its attempts
    ├── RunCancelled         a run or a call was interrupted; has `run`
    ├── Backpressure         a queue is full; has `capacity`
    └── ShutDown             a queue takes nothing any more

Each prints as one message that names what, where and the way out. `exit_code` is what the command line returns for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate.diagnostic import exit_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotplate.diagnostic import Diagnostic

__all__ = [
    "AttemptsSpent",
    "Backpressure",
    "BuildError",
    "CacheError",
    "CellCrashed",
    "CellError",
    "CellFailed",
    "CellRejected",
    "CellTimedOut",
    "HandshakeError",
    "HotplateError",
    "InputError",
    "LifecycleFailed",
    "LoadError",
    "NotebookError",
    "RunCancelled",
    "SettingError",
    "ShutDown",
    "StoreError",
    "ToolchainError",
]


class HotplateError(Exception):
    """Something went wrong that hotplate can explain."""

    exit_code: int = 2


class _Diagnosed(HotplateError):
    """An error that is made of diagnostics."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("\n".join(diagnostic.render() for diagnostic in diagnostics))
        self.diagnostics = tuple(diagnostics)
        self.exit_code = exit_code(diagnostics) or type(self).exit_code


class NotebookError(_Diagnosed):
    """The notebook breaks a rule of the notation."""


class InputError(HotplateError):
    """A value given to a cell or a run does not fit what it asks for."""


class SettingError(HotplateError):
    """A setting or an option makes no sense."""


class ToolchainError(HotplateError):
    """There is no usable compiler, or a tool that it needs is missing."""

    exit_code = 3


class BuildError(ToolchainError, _Diagnosed):
    """The compiler refused one or more cells."""


class CacheError(HotplateError):
    """The build cache can't be read or written."""

    exit_code = 3


class StoreError(HotplateError):
    """The store of recorded runs can't be read or written, or does not hold what was asked for."""


class LoadError(HotplateError):
    """A built library can't be loaded."""

    exit_code = 3


class HandshakeError(LoadError):
    """A library was built for another version of the interface, or is not the one that was asked for."""

    def __init__(self, what: str, *, wanted: str, offered: str, remedy: str) -> None:
        super().__init__(f"{what}: wanted {wanted}, offered {offered}; {remedy}")
        self.wanted = wanted
        self.offered = offered
        self.remedy = remedy


class CellError(HotplateError):
    """A cell did not deliver its results."""

    exit_code = 1

    def __init__(self, cell: str, message: str) -> None:
        super().__init__(f"{cell}: {message}")
        self.cell = cell
        self.message = message
        self.run: Any = None
        """The run it happened in, with the results of the other cells; None for a direct call."""


class CellFailed(CellError):
    """A cell reported a failure, threw an exception, or filled no result."""


class CellCrashed(CellError):
    """The process that a cell ran in died."""

    def __init__(self, report: Any) -> None:
        super().__init__(report.cell, report.message)
        self.report = report
        """The CrashReport: signal, calls, the line of the notebook, inputs, last output."""


class CellTimedOut(CellError):
    """A cell ran longer than its timeout."""


class CellRejected(CellError):
    """The backend can't enforce what the cell asks for, so nothing of it ran."""


class LifecycleFailed(CellError):
    """A lifecycle or a cleanup around a cell's call raised. The exception is the `__cause__`."""


class AttemptsSpent(CellError):
    """A resumed run has no attempt left for a cell: the runs before it have used up what its policy allows."""


class RunCancelled(HotplateError):
    """A run or a call was interrupted before it was done."""

    exit_code = 130

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.run: Any = None


class Backpressure(HotplateError):
    """A queue is full, and whoever adds to it did not want to wait."""

    def __init__(self, capacity: int) -> None:
        super().__init__(f"the queue is full: it holds {capacity}; try again later, or wait for room")
        self.capacity = capacity


class ShutDown(HotplateError):
    """A queue was shut down: what is in it is still done, and nothing is added."""

    def __init__(self) -> None:
        super().__init__("the queue was shut down and takes nothing any more")
