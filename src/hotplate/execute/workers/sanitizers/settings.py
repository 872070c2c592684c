"""Workers with AddressSanitizer and UBSan: how they report, and what they can't be denied."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hotplate.execute.workers.policy import Level
from hotplate.execute.workers.sanitizers.report import report_start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotplate.execute.workers.policy import Policy

STDERR = 2

_ADDRESS: dict[str, object] = {
    "abort_on_error": 0,
    "exitcode": 86,  # nobody else's
    "color": "never",
    "symbolize": 0,  # addresses are told apart here: symbolizers may be missing, and their texts differ
    "print_legend": 0,
    "detect_leaks": 0,  # memory that a cell keeps between calls is none
    "detect_odr_violation": 0,  # versions of a cell have the same names, each for itself
    "detect_stack_use_after_return": 1,
    "allocator_may_return_null": 1,  # as without sanitizers: the cell is told
    "handle_abort": 0,  # the worker's own handler says more
    "handle_segv": 1,
    "handle_sigbus": 1,
    "handle_sigfpe": 1,
    "handle_sigill": 1,
}
_UNDEFINED: dict[str, object] = {"print_stacktrace": 1, "color": "never", "symbolize": 0, "exitcode": 86}


def sanitizer_settings(*, halt: bool) -> dict[str, str]:
    """The environment that they read. `halt`: the first finding of UBSan ends the process, as all others do."""
    undefined = {**_UNDEFINED, "halt_on_error": int(halt)}
    return {"ASAN_OPTIONS": _written(_ADDRESS), "UBSAN_OPTIONS": _written(undefined)}


class Unreported:
    """A sink that passes on what a worker prints up to the first finding: that one will be told in other words."""

    def __init__(self, sink: Callable[[int, bytes], None]) -> None:
        self._sink = sink
        self._is_report = False

    def __call__(self, stream: int, data: bytes) -> None:
        """Takes what came, as a sink. The line that a report begins with is written at once, so it comes whole."""
        if stream == STDERR and not self._is_report and (begin := report_start(data)) is not None:
            self._is_report = True
            self._sink(stream, data[:begin])
        elif stream != STDERR or not self._is_report:
            self._sink(stream, data)


def without_memory_limit(policy: Policy) -> Policy:
    """The policy but for memory: AddressSanitizer reserves 16 TB of it to write down which bytes may be used."""
    return replace(policy, memory=Level.ALLOW, memory_bytes=None)


def _written(options: Mapping[str, object]) -> str:
    return ":".join(f"{name}={value}" for name, value in options.items())
