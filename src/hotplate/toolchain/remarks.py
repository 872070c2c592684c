"""What a compiler says about the loops of a cell: which it vectorised, which not, and why not."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate.diagnostic import Diagnostic, Severity, sorted_once
from hotplate.errors import ToolchainError
from hotplate.toolchain.compiler import Family
from hotplate.toolchain.spelling import spelling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hotplate.notebook.model import NotebookModel
    from hotplate.toolchain.compiler import Compiler
    from hotplate.toolchain.toolchain import Toolchain

__all__ = ["parse_remarks", "remark_flags", "remarks_on"]

_FLAGS = {
    Family.GCC: ("-fopt-info-vec-optimized-missed",),
    Family.CLANG: tuple(f"-R{kind}=loop-vectorize" for kind in ("pass", "pass-missed", "pass-analysis")),
}
_GCC = re.compile(r"(?P<path>.+?):(?P<line>\d+):(?P<column>\d+): (?P<kind>optimized|missed): +(?P<message>.+)$")
_CLANG = re.compile(
    r"(?P<path>.+?):(?P<line>\d+):(?P<column>\d+):(?:\{[^}]*\})*:? remark: (?P<message>.+?) "
    r"\[-R(?P<kind>[\w-]+)=[^\]]*\]$"
)
_PLACE = re.compile(
    r".+?:\d+:\d+:.* note: could not determine the original source location for "
    r"(?P<path>.+):(?P<line>\d+):(?P<column>\d+)$"
)
"""What clang says after a remark on code that #line places elsewhere: it names the place, but does not point to it."""
_MISSED = "loop not vectorized"
_REASONS = 2
"""Notes that are kept of a loop: gcc goes on with one for each statement of it."""


def remarks_on(toolchain: Toolchain, model: NotebookModel, names: Iterable[str]) -> tuple[Diagnostic, ...]:
    """The remarks on the lines of these cells and of the helpers in them, by place, each once. Compiles them anew.

    Raises ToolchainError for a compiler that makes no such remarks, BuildError when it refuses a cell.
    """
    from hotplate.toolchain.unit import make_unit

    found: list[Diagnostic] = []
    for name in names:
        unit = make_unit(model, name, toolchain)
        output = toolchain.builder.told(unit, remark_flags(toolchain.compiler(unit.language)))
        others = [cell.span for cell in model.cells.values() if cell.name != name]
        found += [
            replace(remark, cell=name)
            for remark in parse_remarks(output, str(model.path), model.lines)
            if not any(span.line <= remark.line <= span.end_line for span in others)
        ]
    return sorted_once(found)


def remark_flags(compiler: Compiler) -> tuple[str, ...]:
    """What makes a compiler tell of vectorising. Raises ToolchainError when nothing does."""
    if compiler.family not in _FLAGS:
        raise ToolchainError(f"{compiler.name} makes no remarks on vectorising; gcc and clang do: --compiler gcc")
    return _FLAGS[compiler.family]


def parse_remarks(output: str, path: str, lines: Sequence[str]) -> tuple[Diagnostic, ...]:
    """What gcc or clang printed about loops of the file at `path`, whose text is `lines`. Pure.

    A loop that was vectorised is a note; one that was not is a warning, with the reason if there is one.
    """
    found: dict[tuple[int, int, bool], Diagnostic] = {}
    open_loop: tuple[int, int, bool] | None = None
    for made, done, message in _read(output, lines):
        if spelling(str(Path(path).parent / made.path)) != spelling(path):
            continue
        key = made.line, made.column, done
        if done:
            open_loop = None
            found.setdefault(key, replace(made, message=message))  # what follows is the rest of the same loop
        elif message in ("couldn't vectorize loop", _MISSED):
            open_loop = key
            if not any(line == made.line and not was_done for line, _, was_done in found):
                found[key] = replace(made, message=_MISSED)
        elif reason := _reason(message):
            place = open_loop if open_loop in found and found[open_loop].message == _MISSED else key
            found.setdefault(place, made)
            found[place] = replace(found[place], message=f"{_MISSED}: {reason}")
        elif open_loop in found and len(found[open_loop].notes) < _REASONS:
            note = replace(made, severity=Severity.NOTE, message=message)
            found[open_loop] = replace(found[open_loop], notes=(*found[open_loop].notes, note))
    return sorted_once(found.values())


def _reason(message: str) -> str:
    """Why a loop was not vectorised, if that is what the message says."""
    for head in (f"{_MISSED}: ", "not vectorized: "):
        if message.startswith(head):
            return message.removeprefix(head).rstrip(".")
    return ""


def _read(output: str, lines: Sequence[str]) -> Iterator[tuple[Diagnostic, bool, str]]:
    """Each remark: its place, whether it tells of a success, and its text."""
    for text, after in pairwise([*output.splitlines(), ""]):
        match = _GCC.match(text) or _CLANG.match(text)
        if match is None:
            continue
        at = _PLACE.match(after) or match
        number, done = int(at["line"]), match["kind"] in ("optimized", "pass")
        source = lines[number - 1] if 0 < number <= len(lines) else ""
        # Compilers count bytes.
        column = len(source.encode()[: int(at["column"]) - 1].decode("utf-8", "ignore")) + 1
        severity = Severity.NOTE if done else Severity.WARNING
        place = Diagnostic(severity, "", at["path"], number, column, column + 1, source, rule="vectorize")
        yield place, done, match["message"].strip()
