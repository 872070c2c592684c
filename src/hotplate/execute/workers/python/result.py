"""What goes into a Python worker's call and what comes of it."""

from __future__ import annotations

import hashlib
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotplate._platform import signal_name
from hotplate.errors import HotplateError
from hotplate.execute.captured import NOTHING, Captured
from hotplate.execute.cooperation import NOBODY_ASKED

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.execute.backend import OutcomeKind
    from hotplate.execute.cooperation import Cooperation, Usage


class NotPortable(HotplateError):
    """A Python function or value can't be sent to another process."""


class RemoteTraceback(Exception):
    """Where in the worker an exception was raised: as a cause, it is printed with the exception."""

    def __str__(self) -> str:
        return "\n" + "".join(self.args)


@dataclass(frozen=True, slots=True)
class PortableFunction:
    """A function as a worker takes it: with the globals and closed-over values that it had when this was made."""

    key: bytes
    """Names the content: a worker is sent each once."""
    payload: bytes

    @classmethod
    def of(cls, function: Callable[..., Any]) -> PortableFunction:
        """Any function, also a lambda, a closure, or one of the main program. 15 to 70 µs. Raises NotPortable."""
        import cloudpickle  # type: ignore[import-untyped]  # it has no stubs

        try:
            payload = cloudpickle.dumps(function, protocol=5)
        except Exception as error:  # pickling runs the code of whatever the function refers to
            name = getattr(function, "__name__", "the function")
            raise NotPortable(f"{name} can't be sent to another process: {error}; {WAY_OUT}") from error
        return cls(hashlib.blake2b(payload, digest_size=16).digest(), payload)


WAY_OUT = "make it plain values and arrays, or run the cell in this process"


@dataclass(frozen=True, slots=True)
class PythonResult:
    """How one call ended. `started` is in seconds since the epoch, `seconds` the time from the call to its end."""

    kind: OutcomeKind
    value: Any = None
    reason: str = ""
    """For people, unless it is ok: `ValueError: no such thing`, `ended by SIGSEGV`."""
    exception: BaseException | None = None
    """What the function raised, with a RemoteTraceback as its cause; that alone where the exception can't travel."""
    traceback: str = ""
    """Of the exception or the crash, formatted in the worker."""
    exit_code: int | None = None
    """Of a worker that ended: minus the number of the signal, if one ended it."""
    killed: bool = False
    """Whether it did not stop when asked to, and was killed."""
    stdout: Captured = NOTHING
    stderr: Captured = NOTHING
    started: float = 0.0
    seconds: float = 0.0
    cooperation: Cooperation = NOBODY_ASKED
    usage: Usage | None = None
    """What the worker used in the meantime, if that was asked for; of one that ended also its peak memory."""


def describe_exit(code: int) -> str:
    """An exit code for people."""
    if code >= 0:
        return f"it ended its process with exit code {code}"
    name = signal_name(-code) or f"signal {-code}"
    if name == "SIGKILL":
        return f"its process was ended by {name}: somebody else's kill, or the system was out of memory"
    return f"its process was ended by {name} ({signal.strsignal(-code)})"
