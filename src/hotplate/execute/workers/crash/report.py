"""What is said of a cell whose worker is gone: what it died of, where in the notebook, with which inputs."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.execute.workers.crash.backtrace import Frame, backtrace, call_notes, here, innermost
from hotplate.execute.workers.crash.causes import cause_of, is_stack_overflow
from hotplate.execute.workers.crash.record import MOST_FRAMES, read_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hotplate.execute.workers.crash.causes import Cause
    from hotplate.execute.workers.crash.record import CrashRecord

__all__ = ["CrashReport", "Diagnosis", "Frame", "Stage", "explain_death", "kind_of"]

_LAST_LINES = 10  # of what the cell printed; it has been shown already
_RECURSION = 4  # calls of one function among the last 32
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Stage(StrEnum):
    """What a worker was at when it died."""

    OPEN = "open"
    """Opening the cell's library."""
    INIT = "init"
    """Setting up its global variables."""
    RUN = "run"
    """Calling the cell."""
    PUBLISH = "publish"
    """Handing over its results."""
    DESTRUCTOR = "destructor"
    """Closing the library, or leaving."""


_STAGES = {
    Stage.OPEN: " while its library was opened",
    Stage.INIT: " while its global variables were set up",
    Stage.RUN: "",
    Stage.PUBLISH: " while its results were handed over",
    Stage.DESTRUCTOR: " while its library was closed",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What came of another call on the same inputs, under AddressSanitizer and UBSan."""

    words: str
    """In one line."""
    findings: tuple[Diagnostic, ...] = ()
    """What is wrong, on the lines of the notebook, what ended the cell first."""

    @property
    def message(self) -> str:
        """All of it, for people."""
        return "\n".join([self.words, *(found.render() for found in self.findings)])


@dataclass(frozen=True, slots=True)
class CrashReport:
    """The end of a worker, as far as it can be known afterwards."""

    cell: str
    stage: Stage
    signal: str
    """`SIGSEGV` and so on; "" when the process left by itself."""
    headline: str
    """What happened, in one line: `crashed: read at address 0x0: a null pointer (SIGSEGV)`."""
    address: int | None
    """The faulting address; None where there is none."""
    frames: tuple[Frame, ...]
    """The calls that led there, the innermost first, up to the cell; () when they are not known."""
    where: Diagnostic
    """The line of the notebook, with the calls as notes; without a line when none is known."""
    inputs: Mapping[str, str]
    """For each input its type and shape: `float64[512]`."""
    output: str
    """The end of what the cell printed."""
    diagnosis: Diagnosis | None = None
    """What the sanitizers said, if they were asked."""
    traceback: str = ""
    """Where a Python cell was, as Python itself says it; "" for others, and when it could not."""
    hint: str = ""
    """How to find out more, one sentence; "" when there is no way, or it has been taken."""

    @property
    def is_fault(self) -> bool:
        """Whether the cell did something that can't be done; not when it called exit, or somebody killed it."""
        return self.headline.startswith("crashed")

    @property
    def message(self) -> str:
        """All of it, for people: lines as from a compiler."""
        lines = [self.headline, *filter(None, [self.traceback.rstrip()])]
        if self.frames:
            lines.append(replace(self.where, message=here(self.frames), rule="").render())
        if self.diagnosis is not None:
            lines.append(self.diagnosis.message)
        if self.inputs:
            lines.append("inputs: " + ", ".join(f"{name}: {kind}" for name, kind in self.inputs.items()))
        if self.output.strip():
            lines += ["last output:", *(f"    {line}" for line in self.output.rstrip().split("\n")[-_LAST_LINES:])]
        if self.hint:
            lines.append(f"help: {self.hint}")
        return "\n".join(lines)


def explain_death(
    cell: str,
    returncode: int,
    *,
    notebook: Path,
    text: str,
    stage: Stage = Stage.RUN,
    record: bytes | bytearray | memoryview = b"",
    libraries: Mapping[int, Path] = MappingProxyType({}),
    inputs: Mapping[str, str] = _NOTHING,
    output: str = "",
    out_of_memory: bool = False,
) -> CrashReport:
    """Says why a worker is gone. Never raises; what can't be found out is left out.

    `returncode` is negative for a signal (os.waitstatus_to_exitcode). `record` are the bytes of the worker's hp_crash,
    `libraries` the files behind its module slots, `text` the notebook that they were built from. `out_of_memory` says
    that the kernel ended a process for memory meanwhile (`oom_kills`).
    """
    found = read_record(record, -returncode)
    frames: tuple[Frame, ...] = ()
    code = b""
    if found is not None:
        with suppress(Exception):  # a damaged library, or a record that a cell wrote over, must not cost the rest
            frames, code = backtrace(found, notebook, text, libraries)
    cause = cause_of(returncode, found, out_of_memory=out_of_memory, code=code)
    if found is not None and is_stack_overflow(found):
        cause = replace(cause, words=f"{cause.words}: {_overflow(found, frames)}")
    return CrashReport(
        cell=cell,
        stage=stage,
        signal=cause.signal,
        headline=_headline(cause, stage, found),
        address=found.address if found is not None and not found.sender else None,
        frames=frames,
        where=_where(cell, cause, frames, notebook, cut=found is not None and len(found.frames) == MOST_FRAMES),
        inputs=MappingProxyType(dict(inputs)),
        output=output,
    )


def kind_of(value: Any) -> str:
    """The type and shape of an array, and what else there is as it is, for people."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}[{', '.join(map(str, value.shape))}]"
    return f"{value!r}"[:40]


def _headline(cause: Cause, stage: Stage, record: CrashRecord | None) -> str:
    thread = " in a thread that it started" if record is not None and not record.main_thread else ""
    name = f" ({cause.signal})" if cause.signal else ""
    return f"{cause.verb}{thread}{_STAGES[stage]}: {cause.words}{name}"


def _overflow(record: CrashRecord, frames: Sequence[Frame]) -> str:
    calls = Counter(frame.function for frame in frames if not frame.library)
    function, count = max(calls.items(), key=lambda item: item[1], default=("", 0))
    if count >= _RECURSION:
        return f"the recursion of {function} is too deep"
    room = (
        f" into the {round((record.stack_high - record.stack_low) / 2**20)} MiB that it has"
        if record.stack_high
        else ""
    )
    return f"the local variables{f' of {function}' if function else ''} do not fit{room}; allocate them (hp_alloc)"


def _where(cell: str, cause: Cause, frames: Sequence[Frame], notebook: Path, *, cut: bool) -> Diagnostic:
    blank = Diagnostic(Severity.ERROR, f"{cause.verb}: {cause.words}", str(notebook), cell=cell, rule=cause.signal)
    first = innermost(frames)
    if first is None:
        return replace(blank, notes=tuple(call_notes(frames[1:], cut=cut)))
    shown, notes = frames[first], tuple(call_notes(frames[first + 1 :], cut=cut))
    return replace(blank, line=shown.line, column=shown.column, source=shown.source, notes=notes)
