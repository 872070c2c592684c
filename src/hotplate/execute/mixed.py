"""MixedBackend: each cell in this process or in a worker, as it asks for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from hotplate.execute.backend import Backend, Capabilities, Isolation, Outcome, Request, TimeoutKind
from hotplate.execute.inprocess import InProcessBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotplate.execute.process import ProcessBackend


class MixedBackend(Backend):
    """Hands isolated cells to workers, which are started with the first of them, and calls the others here."""

    name = "mixed"
    capabilities = Capabilities(isolation=Isolation.IN_PROCESS, timeout=TimeoutKind.COOPERATIVE)

    def __init__(self, isolating: Callable[[], ProcessBackend]) -> None:
        """`isolating` makes the backend for isolated cells; it is called once."""
        self._here = InProcessBackend()
        self._isolating = isolating
        self._elsewhere: ProcessBackend | None = None
        self._lock = threading.Lock()

    def supports_language(self, language: str) -> bool:
        """All three: C, C++ and Python."""
        return self._here.supports_language(language)

    def execute(self, request: Request) -> Outcome:
        """See Backend.execute."""
        if not request.isolate:
            return self._here.execute(request)
        with self._lock:
            if self._elsewhere is None:
                self._elsewhere = self._isolating()
        return self._elsewhere.execute(request)

    def diagnose(self, request: Request, outcome: Outcome) -> Outcome:
        """See Backend.diagnose."""
        return outcome if self._elsewhere is None else self._elsewhere.diagnose(request, outcome)

    def progress(self) -> Mapping[str, tuple[int, int]]:
        """See Backend.progress."""
        return {**self._here.progress(), **(self._elsewhere.progress() if self._elsewhere else {})}

    def start(self) -> None:
        """See ProcessBackend.start."""
        if self._elsewhere is not None:
            self._elsewhere.start()

    def stop(self) -> None:
        """Ends every worker."""
        if self._elsewhere is not None:
            self._elsewhere.stop()
