"""From what a compiler printed to diagnostics on the notebook's own lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.toolchain.hints import explained
from hotplate.toolchain.messages import UNDEFINED, read_messages
from hotplate.toolchain.spelling import line_marker, spelling

if TYPE_CHECKING:
    from collections.abc import Iterator

LinesByPath = Mapping[str, Sequence[str]]
"""The lines of files, the first line first. A line that is not known is empty."""


def parse_output(
    text: str,
    *,
    failed: bool,
    cell: str = "",
    lines_by_path: LinesByPath | None = None,
) -> tuple[Diagnostic, ...]:
    """What a compiler's output says about a cell. Nothing is lost: what is not understood is kept as it is.

    `lines_by_path` are the lines of source files, for columns in characters and for the text under each message.
    `failed`: the compiler did not deliver, so there is at least one error among the diagnostics.
    """
    known = lines_by_path or {}
    messages = read_messages(text, lambda path, line: _line(known, _known_name(known, path), line))
    placed = [_renamed(d, known) for d in messages.diagnostics]
    found = [replace(d, cell=cell) for d in _undefined_once(placed, known)]
    rest = "\n".join(messages.rest).strip()
    if failed and not any(d.severity is Severity.ERROR for d in found):
        found.append(Diagnostic(Severity.ERROR, rest or "the compiler failed and did not say why", cell=cell))
    elif rest:
        found.append(Diagnostic(Severity.NOTE, rest, cell=cell))
    return tuple(explained(attach_sources(found, known)))


def attach_sources(diagnostics: Sequence[Diagnostic], lines_by_path: LinesByPath) -> tuple[Diagnostic, ...]:
    """The same diagnostics, notes too, with the text of their lines where it is known."""
    return tuple(
        replace(
            d,
            source=d.source or _line(lines_by_path, d.path, d.line),
            notes=attach_sources(d.notes, lines_by_path),
        )
        for d in diagnostics
    )


def unit_lines(source: str, path: str) -> dict[str, list[str]]:
    """The lines of a translation unit by the file and number that its #line directives give them; `path` is its own."""
    found: dict[str, list[str]] = {}
    number = 1
    for text in source.splitlines():
        if directive := line_marker(text):
            number, path = directive
            continue
        lines = found.setdefault(path, [])
        lines += [""] * (number - len(lines))
        lines[number - 1] = text
        number += 1
    return found


def relocate(diagnostics: Sequence[Diagnostic], lines_by_path: LinesByPath) -> tuple[Diagnostic, ...]:
    """Kept diagnostics on the lines of today's text: a comment may have moved the code without building it again.

    One whose line is nowhere in the text is left without a place.
    """
    return tuple(_relocated(d, lines_by_path) for d in diagnostics)


def _relocated(diagnostic: Diagnostic, lines_by_path: LinesByPath) -> Diagnostic:
    notes = relocate(diagnostic.notes, lines_by_path)
    if not diagnostic.source or (diagnostic.path not in lines_by_path and Path(diagnostic.path).is_file()):
        return replace(diagnostic, notes=notes)
    places = [
        (abs(number - diagnostic.line), path != diagnostic.path, path, number)
        for path, lines in lines_by_path.items()
        for number, text in enumerate(lines, 1)
        if text == diagnostic.source
    ]
    if not places:
        return replace(diagnostic, notes=notes, path="", line=0, column=0, end_column=0)
    _, _, path, line = min(places)
    return replace(diagnostic, notes=notes, path=path, line=line)


def _renamed(diagnostic: Diagnostic, known: LinesByPath) -> Diagnostic:
    notes = tuple(_renamed(note, known) for note in diagnostic.notes)
    return replace(diagnostic, path=_known_name(known, diagnostic.path), notes=notes)


def _known_name(known: LinesByPath, path: str) -> str:
    """The path as the #line directive has it: compilers for Windows give it other slashes or letters back."""
    if not path or path in known:
        return path
    given = spelling(path)
    # What is no path, such as "<hotplate entry>", tcc takes for a file in the folder of the unit.
    same = (name for name in known if given == spelling(name) or (name[0] == "<" and given.endswith(f"/{name}")))
    return next(same, path)


def _undefined_once(diagnostics: Sequence[Diagnostic], known: LinesByPath) -> Iterator[Diagnostic]:
    """Each undefined symbol once, where the unit uses it: linkers name an object file, a bare file name or nothing."""
    seen = set()
    for diagnostic in diagnostics:
        if diagnostic.rule != UNDEFINED:
            yield diagnostic
        elif diagnostic.message not in seen:
            seen.add(diagnostic.message)
            yield _used_at(diagnostic, known)


def _used_at(diagnostic: Diagnostic, known: LinesByPath) -> Diagnostic:
    symbol = diagnostic.message.split("'")[1]
    use = re.compile(rf"\b{re.escape(symbol.split('(')[0].split('::')[-1])}\b")
    named = Path(diagnostic.path).name
    uses = [
        # Best: the line that the linker names. Else the last use in a real file, since a declaration stands first.
        ((Path(path).name == named and number == diagnostic.line, not path.startswith("<"), number), path, match)
        for path, lines in known.items()
        for number, text in enumerate(lines, 1)
        if (match := use.search(text))
    ]
    if not uses:
        return diagnostic
    (_, _, number), path, match = max(uses, key=lambda found: found[0])
    return replace(diagnostic, path=path, line=number, column=match.start() + 1, end_column=match.end() + 1)


def _line(known: LinesByPath, path: str, line: int) -> str:
    if path in known:
        return known[path][line - 1] if 0 < line <= len(known[path]) else ""
    if not line or not path:
        return ""
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            return next((text.rstrip("\r\n") for number, text in enumerate(file, 1) if number == line), "")
    except OSError:
        return ""
