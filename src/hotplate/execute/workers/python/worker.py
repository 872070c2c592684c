"""PythonWorker: calls Python functions in a process of their own, which may crash and be killed.

Own rather than ProcessPoolExecutor, loky or Pebble: those capture no output, reach no process that a function started,
and send arrays through pipes (64 MiB there and back: 380 to 490 ms, here 87). cloudpickle does the functions.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from hotplate.execute.backend import OutcomeKind
from hotplate.execute.workers.python.result import PythonResult

if sys.platform == "linux":
    from hotplate.execute.workers.python.attempt import Attempt
    from hotplate.execute.workers.python.process import PythonProcess
    from hotplate.execute.workers.python.session import PythonSession

assert sys.platform == "linux", "Python workers need pidfds, sealed memfds and a signal when a pipe closes"

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from hotplate.execute.abort import AbortHandle
    from hotplate.execute.workers.python.result import PortableFunction
    from hotplate.execute.workers.python.wire import Shared


class PythonWorker:
    """A Python process that makes one call at a time, so that the blame for a crash is exact.

    `kill` may be called from any thread at any time; everything else by one thread at a time. After a call that cost
    the process, `start` brings up a new one.
    """

    def __init__(self, environment: Mapping[str, str], *, shared: Shared | None = None) -> None:
        """A worker that is not started. `environment` is all that it gets; arrays in `shared` memory are not copied."""
        self._environment = dict(environment)
        self._shared = shared
        self._session: PythonSession | None = None
        self.calls = 0
        """How many its process was given."""
        self._turn = threading.Lock()

    def start(self) -> None:
        """Starts the process unless one runs, and returns while it gets ready, in 130 ms. Raises OSError.

        A worker that has been started and waits is as good as a spare: the first call finds it ready.
        """
        if not self.alive:
            self.close()
            self.calls = 0
            process = PythonProcess(self._environment)
            self._session = PythonSession(process, self._shared)

    def call(
        self,
        function: PortableFunction,
        arguments: Mapping[str, Any],
        *,
        abort: AbortHandle,
        timeout: float | None = None,
        grace: float = 0.25,
        on_output: Callable[[str, bytes], None] | None = None,
        measure: bool = False,
    ) -> PythonResult:
        """Calls `function` with `arguments`, and says how that went.

        When `timeout` seconds have passed or `abort` is set, KeyboardInterrupt is raised in the function; `grace`
        seconds later the process is killed, with all that the function has started. What the function leaves running
        is killed when it returns. `on_output` gets what it writes, as it comes: `stdout` or `stderr`, and the bytes.
        What threads that it leaves behind write between two calls belongs to neither and is dropped. With `measure` the
        result says what the call used.

        Arrays arrive and return read-only. The result of an interrupted call that returned in time counts.
        Raises RuntimeError while another call runs; and whatever interrupts the wait, like KeyboardInterrupt or an
        error of `on_output`, once the process is killed.
        """
        if not self._turn.acquire(blocking=False):
            raise RuntimeError("this worker is making a call; a worker makes one at a time")
        try:
            self.calls += 1
            if abort.aborted:
                return PythonResult(OutcomeKind.CANCELLED, reason=abort.reason)
            if self._session is None:
                return PythonResult(OutcomeKind.LOST, reason="the worker has no process; start it")
            return Attempt(self._session, abort, timeout, grace, on_output, measure=measure).run(function, arguments)
        finally:
            self._turn.release()

    def kill(self) -> None:
        """Kills the process and all that descends from it, at once. A call under way ends as cancelled. Thread-safe."""
        session = self._session
        if session is not None:
            session.killed = True
            session.process.kill()

    def close(self) -> None:
        """Ends the process, if there is one, and lets go of all that it took."""
        session, self._session = self._session, None
        if session is not None:
            session.end()

    def disown(self) -> None:
        """Lets go of what a forked child has of its parent's process, which goes on."""
        session, self._session = self._session, None
        if session is not None:
            session.process.disown()

    @property
    def alive(self) -> bool:
        """Whether there is a process that can make calls."""
        return self._session is not None and self._session.process.runs

    @property
    def pid(self) -> int | None:
        """The process's number, if it was started."""
        return self._session.process.pid if self._session is not None else None

    def __enter__(self) -> PythonWorker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
