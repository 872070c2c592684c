"""What sanitizers found, in plain words and on the lines of the notebook."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.execute.workers.crash.backtrace import Frame, call_notes, frames_of, function_at, innermost
from hotplate.execute.workers.crash.report import Diagnosis
from hotplate.execute.workers.sanitizers.report import WRITTEN_INPUT, own_output, parse_report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hotplate.execute.workers.crash.report import CrashReport
    from hotplate.execute.workers.sanitizers.report import Call, Finding, Memory

_SHOWN = 5  # findings; what follows the first ones is mostly their consequence
_RECURSION = 4  # calls of one function among those that are known
_NULL = 0x10000  # Linux maps nothing below (vm.mmap_min_addr)
_HEADER = 64  # what the core puts before memory of hp_alloc and hp_state
_ALLOCATOR = "hp_memory_new"
_SIGNALS = {
    "FPE": "integer division by zero, or of the smallest integer by -1",
    "BUS": "access to memory that its file does not have",
    "ILL": "an instruction that the processor does not have",
}
_ENDED = {
    "heap-use-after-free": " that were freed",
    "stack-use-after-return": ", whose function has returned",
    "stack-use-after-scope": ", whose block has ended",
}
_WRAPPER = re.compile(r"_*(interceptor|asan|interceptor_trampoline)_+")
_ALONE = {
    "double-free": "memory is freed that was freed before",
    "stack-overflow": "the stack has no room left",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The cell that findings are about."""

    name: str
    library: Path
    notebook: Path
    text: str
    """The notebook's."""
    inputs: Sequence[str]
    outputs: Sequence[str]
    kinds: Mapping[str, str]
    """What the inputs are, by name: `float64[512]`."""


def explain_findings(findings: Sequence[Finding], subject: Subject) -> tuple[tuple[Diagnostic, ...], tuple[Frame, ...]]:
    """The findings as diagnostics, what ended the process first, and the calls that led to that one.

    Never raises; what can't be found out is left out.
    """
    explained = [_explained(finding, subject) for finding in findings]
    if not explained:
        return (), ()
    last, (diagnostic, frames) = findings[-1], explained[-1]
    before = [(found, told) for found, told in zip(findings[:-1], explained[:-1], strict=True)]
    here = [told for _, told in before if told[0].line == diagnostic.line]
    if last.is_signal and here:  # the other one says why
        diagnostic, frames = here[-1]
    others = [told for found, (told, _) in before if not (told.line == diagnostic.line and _is_echo(found))]
    kept = dict.fromkeys((diagnostic, *(told for told in others if told != diagnostic)))
    return tuple(kept)[:_SHOWN], frames


def report_with_findings(report: CrashReport, stdout: str, stderr: str, subject: Subject) -> CrashReport:
    """The report on a worker that had sanitizers, by what they wrote; as it was if they wrote nothing."""
    findings, frames = explain_findings(parse_report(stderr), subject)
    if not findings:
        return report
    first, others = findings[0], findings[1:]
    return replace(
        report,
        signal="",
        headline=f"crashed: {first.message}",
        address=None,
        frames=frames,
        where=first,
        output=own_output(stderr).strip("\n") or stdout,
        diagnosis=Diagnosis("before that:", others) if others else None,
    )


def _is_echo(finding: Finding) -> bool:
    """Whether UBSan says in general what AddressSanitizer then says in particular."""
    return "insufficient space for an object" in finding.kind


def _explained(finding: Finding, subject: Subject) -> tuple[Diagnostic, tuple[Frame, ...]]:
    frames = _frames(finding.calls, subject)
    found = Diagnostic(
        Severity.ERROR, _words(finding, frames, subject), str(subject.notebook), cell=subject.name, rule=finding.tool
    )
    first = innermost(frames)
    if first is not None:
        place = frames[first]
        found = replace(found, line=place.line, column=place.column, source=place.source)
    elif finding.path == str(subject.notebook):
        source = subject.text.split("\n")[finding.line - 1 : finding.line]
        found = replace(found, line=finding.line, column=finding.column, source="".join(source))
    outer = frames[first + 1 :] if first is not None else frames
    return replace(found, notes=(*call_notes(outer), *_history(finding, subject))), frames


def _history(finding: Finding, subject: Subject) -> Iterator[Diagnostic]:
    """Where the memory was freed and allocated, as far as the notebook did it."""
    for what, calls in (("freed", finding.freed), ("allocated", finding.allocated)):
        frames = _frames(calls, subject)
        first = innermost(frames)
        if first is not None:
            at = frames[first]
            words = f"{what} here, in {at.described}"
            yield Diagnostic(Severity.NOTE, words, at.path, at.line, at.column, source=at.source)


def _frames(calls: Sequence[Call], subject: Subject) -> tuple[Frame, ...]:
    with suppress(Exception):  # a damaged library must not cost the rest
        places = [(call.path, call.offset) for call in calls]
        frames = frames_of(places, subject.library, subject.notebook, subject.text)
        return tuple(_as_called(frame) for frame in frames)
    return ()


def _as_called(frame: Frame) -> Frame:
    """What stands in for `memcpy` in the sanitizer's library, as the function that the cell has called."""
    wrapper = _WRAPPER.match(frame.function) if frame.library else None
    return replace(frame, function=frame.function[wrapper.end() :].partition(".")[0], library="") if wrapper else frame


# ---- words ----


def _words(finding: Finding, frames: Sequence[Frame], subject: Subject) -> str:
    kind = finding.kind
    if finding.tool == "undefined" or kind in _SIGNALS:
        return _SIGNALS.get(kind, kind)
    if said := _alone(finding, frames, subject):
        return f"{kind}: {said}"
    bytes_ = f" of {finding.size} bytes" if finding.size else ""
    access = f"{finding.access or 'access'}{bytes_}"
    if finding.memory is not None:
        return f"{kind}: {access}, {_where(finding, _without_header(finding), subject)}"
    if kind == "SEGV":
        return f"{access} at address {finding.address:#x}: {_pointer(finding.address)}"
    return f"{kind}: {access} at address {finding.address:#x}" if finding.address else kind


def _alone(finding: Finding, frames: Sequence[Frame], subject: Subject) -> str:
    """What is said of kinds that are not about the place of an address."""
    if finding.kind == WRITTEN_INPUT and finding.memory is not None:
        return f"it has written to {_name(finding.memory.name, subject)}, which other cells share"
    if finding.kind == "stack-overflow" and (function := _recursive(frames)):
        return f"the recursion of {function} is too deep"
    return _ALONE.get(finding.kind, "")


def _pointer(address: int) -> str:
    if address < _NULL:
        return "a null pointer" if address == 0 else "an element or a field of a null pointer"
    return "there is no memory, or none that may be used so"


def _where(finding: Finding, memory: Memory, subject: Subject) -> str:
    name = _name(memory.name, subject)
    what = f"the {memory.size} bytes of {name}" if name else f"{memory.size} bytes"
    if memory.side != "within":
        return f"{memory.distance} bytes {memory.side} {what}{'' if name else ' that were allocated'}"
    return f"{memory.distance} bytes into {what}{_ENDED.get(finding.kind, '')}"


def _name(name: str, subject: Subject) -> str:
    what, _, number = name.partition(" ")
    if what == "input" and number:
        port = subject.inputs[int(number)]
        return f"`{port}` ({subject.kinds[port]})" if port in subject.kinds else f"`{port}`"
    if what == "output" and number:
        return f"`{subject.outputs[int(number)]}`"
    return "its hp_state" if what == "state" and number else f"`{name}`" if name else ""


def _without_header(finding: Finding) -> Memory:
    """Memory of the heap as the cell knows it: hp_alloc has put something before it."""
    memory = finding.memory
    assert memory is not None
    if memory.name or not any(_allocates(call) for call in finding.allocated[1:3]):
        return memory
    shift = {"within": -_HEADER, "before": _HEADER}.get(memory.side, 0)
    return replace(memory, size=memory.size - _HEADER, distance=memory.distance + shift)


def _allocates(call: Call) -> bool:
    with suppress(Exception):  # as above
        return function_at(Path(call.path), call.offset) == _ALLOCATOR
    return False


def _recursive(frames: Sequence[Frame]) -> str:
    calls = Counter(frame.function for frame in frames if not frame.library)
    function, count = max(calls.items(), key=lambda item: item[1], default=("", 0))
    return function if count >= _RECURSION else ""
