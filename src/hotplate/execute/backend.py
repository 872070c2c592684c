"""Where one call runs: the Backend protocol and the values that go through it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hotplate.execute.captured import NOTHING, Captured
from hotplate.execute.cooperation import NOBODY_ASKED, Cooperation, Usage
from hotplate.frozen import quickly_made

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotplate.errors import LifecycleFailed
    from hotplate.execute.abort import AbortHandle
    from hotplate.execute.workers.enforced import EffectivePolicy


GRACE = 0.25
"""Seconds between the request to stop and the end of a call that does not answer it, unless the cell says otherwise."""


class Isolation(StrEnum):
    """What keeps a cell's crash from the session."""

    IN_PROCESS = "in_process"
    """Nothing."""
    PROCESS = "process"
    SANDBOXED = "sandboxed"


class TimeoutKind(StrEnum):
    """What happens to a cell that runs too long."""

    COOPERATIVE = "cooperative"
    """It is asked to stop, and ends if it looks."""
    HARD = "hard"
    """It is killed."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend enforces. False means that it does nothing about it."""

    isolation: Isolation
    timeout: TimeoutKind
    network: bool = False
    filesystem: bool = False
    environment: bool = False
    memory: bool = False
    persistent_workspace: bool = False
    structured_output: bool = False


class OutcomeKind(StrEnum):
    """How one cell ended."""

    OK = "ok"
    FAILED = "failed"
    """The cell said so, threw, or could not take its inputs."""
    BUILD_FAILED = "build_failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    CRASHED = "crashed"
    REJECTED = "rejected"
    """The backend can't enforce what was asked for; nothing ran."""
    LOST = "lost"
    SKIPPED = "skipped"
    """Something it needs did not end well."""


_OK = OutcomeKind.OK  # looked up once: until Python 3.12, to find a member of an enum takes 60 ns


@quickly_made
@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one call. `started` is in seconds since the epoch, `seconds` the time the call took."""

    kind: OutcomeKind
    value: Any = None
    error: BaseException | None = None
    reason: str = ""
    """For people, when there is no error: why it was run, skipped, cancelled or rejected."""
    started: float = 0.0
    seconds: float = 0.0
    attempts: int = 0
    stdout: Captured = NOTHING
    """What it wrote in a worker; what runs in this process is not captured."""
    stderr: Captured = NOTHING
    policy: EffectivePolicy | None = None
    """What was in force in the worker; None where nothing was."""
    cooperation: Cooperation = NOBODY_ASKED
    usage: Usage | None = None
    """What the call used; None where nobody asked or nobody can tell."""
    unkillable: bool = False
    """Whether the call goes on although its time is over: nothing in this process can end it."""
    around: ExceptionGroup[LifecycleFailed] | None = None
    """What lifecycles and cleanups raised around the call, however that ended."""

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.kind is _OK


@quickly_made
@dataclass(frozen=True, slots=True)
class Request:
    """One call that a backend is asked to make."""

    cell: str
    language: str
    """`c`, `c++` or `python`."""
    call: Callable[..., Any]
    arguments: Mapping[str, Any]
    abort: AbortHandle
    results: frozenset[str] = frozenset()
    """The arguments that are results of other cells: nobody writes to those any more."""
    timeout: float | None = None
    """Seconds; None means no limit."""
    grace: float = GRACE
    """Seconds that the cell has to answer a request to stop."""
    isolate: bool = False
    """Whether the call must not share the session's process."""
    clean_env: bool = False
    """Whether the call must not see the session's environment variables. Takes `isolate`."""
    polls: bool = False
    """Whether the cell looks for a request to stop."""
    output: Callable[[int, bytes], None] | None = None
    """Gets what the call writes in a worker to stdout (1) or stderr (2), as it comes, on any thread. It must be quick.

    What runs in this process writes to this process's own streams, and nobody can tell what is whose.
    """
    echo: bool = True
    """Whether what it writes in a worker goes on to this process's own streams as well."""
    measure: bool = False
    """Whether the outcome is to say what the call used (`Outcome.usage`)."""


class Backend(ABC):
    """Where one call runs. `execute` may be used from several threads at once.

    A backend enforces what its `capabilities` say and nothing else; a request that asks for more ends as REJECTED
    before any user code runs. Backends never retry.
    """

    name: str
    capabilities: Capabilities

    @abstractmethod
    def supports_language(self, language: str) -> bool:
        """Whether it can run cells written in `language` (`c`, `c++`, `python`)."""

    @abstractmethod
    def execute(self, request: Request) -> Outcome:
        """Makes the call and says how it went. Raises only what ends the whole run (KeyboardInterrupt)."""

    def diagnose(self, request: Request, outcome: Outcome) -> Outcome:  # noqa: ARG002 - for backends that can
        """The outcome of a call that crashed, with more about why where that can be found out."""
        return outcome

    async def execute_async(self, request: Request) -> Outcome:
        """`execute`, without blocking the event loop."""
        import asyncio  # 15 ms, for those who have an event loop anyway

        return await asyncio.to_thread(self.execute, request)

    def start(self) -> None:  # noqa: B027 - a lifecycle is optional
        """Gets ready. Nothing by default."""

    def stop(self) -> None:  # noqa: B027 - a lifecycle is optional
        """Lets go of what `start` took. Nothing by default."""

    def restart(self) -> None:
        """Stops, then starts again."""
        self.stop()
        self.start()

    @property
    def is_running(self) -> bool:
        """Whether it is ready; without a lifecycle always."""
        return True

    def progress(self) -> Mapping[str, tuple[int, int]]:
        """For each running cell that reports: how much is done, and of how much (0: unknown)."""
        return {}
