"""Task: a cell of either language, ready to be called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotplate.run.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.notebook.model import Attributes


@dataclass(frozen=True, slots=True)
class Task:
    """A cell that is ready to be called."""

    name: str
    language: str
    call: Callable[..., Any]
    key: str
    """What the result depends on besides the inputs: the build key, or the identity of a Python function."""
    attributes: Attributes
    polls: bool = False
    isolated: bool = False
    """Whether `call` runs in a worker."""
    build_seconds: float = 0.0
    compiler: str = ""

    @property
    def recorded_key(self) -> str | None:
        """The key in words that mean the same to every process; None where nobody can tell all of it."""
        return fingerprint(self.call) if self.language == "python" else self.key
