"""A watch for editors and other programs: one JSON object a line. Its keys are a promise; see docs/cli.md."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import hotplate
from hotplate.cli.reports import cell_document, diagnostic_list, error_document, line
from hotplate.diagnostic import Diagnostic
from hotplate.run import CellResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotplate.events import Event
    from hotplate.reload import LiveStatus

FORMAT = 1
"""Counts up when a key changes its meaning or goes away."""


class EventLines:
    """Every event, and the status whenever it has changed."""

    def __init__(self, notebook: str) -> None:
        self._notebook = notebook

    def hello(self) -> Iterable[str]:
        """The first line."""
        known = {"format": FORMAT, "hotplate": hotplate.__version__, "notebook": self._notebook, "pid": os.getpid()}
        yield line({"kind": "hello", **known})

    def message(self, text: str) -> Iterable[str]:
        """Something that a person should read."""
        yield line({"kind": "message", "message": text})

    def status(self, _before: LiveStatus | None, now: LiveStatus) -> Iterable[str]:
        """What holds from here on."""
        yield line(
            {
                "kind": "status",
                "version": now.version,
                "phase": now.phase,
                "notice": now.notice,
                "trouble": now.trouble,
                "diagnostics": diagnostic_list(now.diagnostics),
            }
        )

    def event(self, event: Event) -> Iterable[str]:
        """One event."""
        yield line(
            {
                "kind": str(event.kind),
                "run": event.run,
                "sequence": event.sequence,
                "time": event.time,
                "cell": event.cell,
                "attempt": event.attempt,
                "data": plain(event.data),
            }
        )


def plain(value: Any) -> Any:
    """Data of an event as JSON has it: results and diagnostics as the other documents show them, values by field."""
    for kind, document in _DOCUMENTS.items():
        if isinstance(value, kind):
            return document(value)
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case tuple() | list() | set() | frozenset():
            return [plain(item) for item in value]
    if is_dataclass(value):
        return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
    return str(value)


_DOCUMENTS: dict[type, Callable[[Any], Any]] = {
    CellResult: cell_document,
    Diagnostic: lambda found: diagnostic_list([found])[0],
    BaseException: error_document,
}
