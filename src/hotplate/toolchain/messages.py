"""Reads the forms in which compilers and linkers give their messages. Pure: text in, diagnostics out.

Columns come out in characters. gcc's JSON and clang's lines count bytes, so a reader is given the source lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from hotplate.diagnostic import Diagnostic, Severity

LineOf = Callable[[str, int], str]
"""The text of a line of a file; "" when it is not known."""

UNDEFINED = "undefined-symbol"
"""The rule of diagnostics about a symbol that the linker did not find."""

_SEVERITY = {
    "warning": Severity.WARNING,
    "note": Severity.NOTE,
    "none": Severity.NOTE,
}
_PLACED = re.compile(
    r"(?P<path>[^\s:][^:]*(?::[\\/][^:]*)?):(?P<line>\d+):(?:(?P<column>\d+):)?(?P<ranges>(?:\{[^}]*\})*):? ?"
    r"(?P<kind>fatal error|error|warning|note): (?P<message>.*?)(?: \[(?P<rule>-W[^\]\s]+)\])?$"
)
_INCLUDED = re.compile(r"(?:In file included|\s+) from (?P<path>(?:[A-Za-z]:)?[^:]+):(?P<line>\d+)(?::\d+)?[:,]?$")
_TOOL = re.compile(r"(?:[\w./+-]*/)?[\w.+-]+: (?:(?P<kind>fatal error|error|warning): )?(?P<message>.+)$")
_NOISE = re.compile(
    r"\s*\d* \|.*|\s*\^[~^]*\s*|\d+ (?:warning|error)s?(?: and \d+ errors?)? generated\.|compilation terminated\.|"
    r".*: In (?:member |static member |lambda )?(?:function|constructor|destructor|instantiation of) .*|"
    r".*: At global scope:|.*: in function [`'].*':|>>> .*|collect2: error: .*|.*linker command failed.*"
)
_UNDEFINED = re.compile(
    r"(?:(?P<path>/?[^\s:()][^:()]*):(?:(?P<line>\d+):|\(\.[^)]*\):) )?"
    r"(?:.*: )?undefined (?:reference to|symbol:?) ?[`'\"]?(?P<symbol>[^`'\"]+?)['\"]?$"
)
_REFERENCED = re.compile(r">>> referenced by (?P<name>(?:[A-Za-z]:)?[^:\s]+):(?P<line>\d+)(?: \((?P<path>.+):\d+\))?")
_CL = re.compile(
    r"(?P<path>.+?)\((?P<line>\d+)(?:,(?P<column>\d+))?\)\s?: "
    r"(?:(?P<kind>[^:']*?) ?\b(?P<rule>[CD]\d{4})|(?P<plain>fatal error|error|warning|note|message))\s?: "
    r"(?P<message>.*?)(?: \[(?P<option>-W[^\]\s]+)\])?$"
)
_CL_TOOL = re.compile(r"(?P<tool>[^:]+?) : (?P<kind>[^:]*?) ?\b(?P<rule>(?:LNK|[CD])\d{4})\s?: (?P<message>.+)$")
_CL_NOISE = re.compile(
    r"[^\\/:*?\"<>|]+\.(?:c|cpp)|Generating Code\.\.\.|Compiling\.\.\.|\s+Creating library .* and object .*|"
    r".* : [^:]*\bLNK(?:1120|1169)\s?: .*"
)
_UNRESOLVED = re.compile(r"unresolved external symbol (?:\"(?P<cxx>[^\"]+)\"|(?P<c>\S+))")


@dataclass(frozen=True, slots=True)
class Messages:
    """What was understood, and the lines that were not."""

    diagnostics: tuple[Diagnostic, ...]
    rest: tuple[str, ...]


def read_messages(text: str, line_of: LineOf) -> Messages:
    """Everything that a compiler and the linker behind it printed, whatever forms are mixed in it."""
    diagnostics: list[Diagnostic] = []
    lines: list[str] = []
    for line in text.splitlines():
        document = _document(line)
        if isinstance(document, list):
            diagnostics += (_from_json(node, line_of) for node in document)
        elif document is not None:
            diagnostics += _from_sarif(document, line_of)
        else:
            lines.append(line)
    from_text = _from_text(lines, line_of)
    return Messages((*diagnostics, *from_text.diagnostics), from_text.rest)


def _document(line: str) -> Any:
    if not line.startswith(("[", "{")):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None


# gcc 9 to 14: a list of nodes ------------------------------------------------------------------


def _from_json(node: dict[str, Any], line_of: LineOf) -> Diagnostic:
    first = (node.get("locations") or [{}])[0]
    caret = first.get("caret", {})
    finish = first.get("finish", caret)
    path, line = str(caret.get("file", "")), int(caret.get("line", 0))
    text = line_of(path, line)
    column = _characters(text, _byte_column(caret))
    same_line = finish.get("line") == line and finish.get("file") == caret.get("file")
    end = _characters(text, _byte_column(finish)) + 1 if same_line and column else 0
    return Diagnostic(
        severity=_SEVERITY.get(str(node.get("kind")), Severity.ERROR),
        message=_plain(str(node.get("message", ""))),
        path=path,
        line=line,
        column=column,
        end_column=max(end, column + 1) if column else 0,
        rule=str(node.get("option", "")),
        notes=tuple(_from_json(child, line_of) for child in node.get("children", ())),
    )


def _byte_column(place: dict[str, Any]) -> int:
    return int(place.get("byte-column", place.get("column", 0)))


# SARIF 2.1: gcc 15 and later -------------------------------------------------------------------


def _from_sarif(document: dict[str, Any], line_of: LineOf) -> Iterator[Diagnostic]:
    for run in document.get("runs", ()):
        in_bytes = run.get("columnKind") not in {"unicodeCodePoints", "utf16CodeUnits"}
        for result in run.get("results", ()):
            level = _SEVERITY.get(str(result.get("level", "error")), Severity.ERROR)
            rule = str(result.get("ruleId", ""))
            notes = [
                _sarif_place(where, Severity.NOTE, line_of, in_bytes) for where in result.get("relatedLocations", ())
            ]
            where = (result.get("locations") or [{}])[0]
            found = _sarif_place({**where, "message": result.get("message", {})}, level, line_of, in_bytes)
            yield replace(found, rule=rule if rule.startswith("-W") else "", notes=tuple(n for n in notes if n.message))


def _sarif_place(where: dict[str, Any], severity: Severity, line_of: LineOf, in_bytes: bool) -> Diagnostic:
    physical = where.get("physicalLocation", {})
    region = physical.get("region", {})
    uri = str(physical.get("artifactLocation", {}).get("uri", ""))
    path = unquote(urlsplit(uri).path if uri.startswith("file:") else uri)
    path = path[1:] if re.match(r"/[A-Za-z]:", path) else path  # file:///C:/work/n.c
    line, column = int(region.get("startLine", 0)), int(region.get("startColumn", 0))
    end = int(region.get("endColumn", 0)) if region.get("endLine", line) == line else 0
    if in_bytes:
        text = line_of(path, line)
        column, end = _characters(text, column), _characters(text, end)
    message = _plain(str(where.get("message", {}).get("text", "")))
    return Diagnostic(severity, message, path, line, column, max(end, column + 1) if column else 0)


# Lines: clang, zig, tcc, older gcc, and every linker --------------------------------------------


def _from_text(lines: Iterable[str], line_of: LineOf) -> Messages:
    found: list[Diagnostic] = []
    included: list[Diagnostic] = []
    rest: list[str] = []
    for line in lines:
        referenced = _REFERENCED.match(line)
        if match := _INCLUDED.match(line):
            included.append(Diagnostic(Severity.NOTE, "included from here", match["path"], int(match["line"])))
        elif referenced and found and found[-1].rule == UNDEFINED and not found[-1].path:
            path = referenced["path"] or referenced["name"]
            found[-1] = replace(found[-1], path=path, line=int(referenced["line"]))
        elif diagnostic := _diagnostic(line, line_of):
            if diagnostic.severity is Severity.NOTE and found:
                found[-1] = replace(found[-1], notes=(*found[-1].notes, diagnostic))
            else:
                found.append(replace(diagnostic, notes=tuple(included)))
                included = []
        elif line.strip() and not _NOISE.fullmatch(line) and not _CL_NOISE.fullmatch(line):
            rest.append(line)
    return Messages(tuple(dict.fromkeys(found)), tuple(rest))


def _diagnostic(line: str, line_of: LineOf) -> Diagnostic | None:
    if undefined := _UNDEFINED.search(line):
        return _undefined(undefined["symbol"].strip(), undefined["path"] or "", int(undefined["line"] or 0))
    if placed := _PLACED.match(line):
        return _placed(placed, line_of)
    if placed := _CL.match(line):
        return _placed_by_cl(placed, line_of)
    if _NOISE.fullmatch(line) or _CL_NOISE.fullmatch(line):
        return None
    return _told_by_tool(line)


def _told_by_tool(line: str) -> Diagnostic | None:
    if by_cl := _CL_TOOL.match(line):
        return _told_by_cl(by_cl)
    tool = _TOOL.match(line)
    if tool and tool["kind"]:
        return Diagnostic(_SEVERITY.get(tool["kind"], Severity.ERROR), line.strip())
    return None


def _undefined(symbol: str, path: str, line: int) -> Diagnostic:
    return Diagnostic(
        Severity.ERROR,
        f"undefined symbol '{symbol}': it is declared, but defined neither in the notebook nor in a linked library",
        # An object file's name says nothing to anyone.
        "" if path.endswith((".o", ".obj")) else path,
        line,
        rule=UNDEFINED,
        hint=f"define '{symbol}' in the notebook, or add the library that has it to the section's libs",
    )


def _placed(match: re.Match[str], line_of: LineOf) -> Diagnostic:
    path, line = match["path"], int(match["line"])
    text = line_of(path, line)
    at = int(match["column"] or 0)
    column = _characters(text, at)
    return Diagnostic(
        severity=_SEVERITY.get(match["kind"], Severity.ERROR),
        message=_plain(match["message"]),
        path=path,
        line=line,
        column=column,
        end_column=max(_characters(text, _range_end(match["ranges"], at)), column + 1) if column else 0,
        rule=match["rule"] or "",
    )


# cl and link: the words are the system's language's, the numbers are not ------------------------


def _placed_by_cl(match: re.Match[str], line_of: LineOf) -> Diagnostic:
    path, line, column = match["path"], int(match["line"]), int(match["column"] or 0)
    column = _characters(line_of(path, line), column)
    if match["rule"]:
        severity = _cl_severity(match["rule"])
    else:
        severity = _SEVERITY.get(match["plain"].replace("message", "note"), Severity.ERROR)
    message = _plain(match["message"])
    end = column + 1 if column else 0
    return Diagnostic(severity, message, path, line, column, end, rule=match["rule"] or match["option"] or "")


def _told_by_cl(match: re.Match[str]) -> Diagnostic:
    if match["rule"] in {"LNK2019", "LNK2001"} and (symbol := _UNRESOLVED.search(match["message"])):
        # "double __cdecl nope(double)" as the compiler's users know it: nope(double)
        name = symbol["c"] or re.sub(r".*__(?:cdecl|vectorcall|stdcall) ", "", symbol["cxx"])
        return _undefined(name.removeprefix("__imp_"), "", 0)
    return Diagnostic(_cl_severity(match["rule"]), f"{match['tool']}: {match['message']}", rule=match["rule"])


def _cl_severity(rule: str) -> Severity:
    letters, first = rule.rstrip("0123456789"), rule[-4]
    warnings = {"C": "45", "LNK": "4", "D": "9"}[letters]
    return Severity.WARNING if first in warnings else Severity.ERROR


def _range_end(ranges: str, column: int) -> int:
    """Where the marked range at a column ends. The lines of clang's ranges are of the generated file: not used."""
    for first, start, last, end in re.findall(r"\{(\d+):(\d+)-(\d+):(\d+)\}", ranges):
        if first == last and int(start) <= column < int(end):
            return int(end)
    return 0


def _characters(text: str, byte_column: int) -> int:
    if text.isascii():
        return byte_column
    return len(text.encode()[: max(byte_column - 1, 0)].decode("utf-8", "ignore")) + 1 if byte_column else 0


def _plain(message: str) -> str:
    r"""A message with ASCII quotes, and with the letters that gcc writes as \U000000e9 in the C locale."""
    message = message.translate({0x2018: "'", 0x2019: "'"}).replace("`", "'")
    return re.sub(r"\\U([0-9a-fA-F]{8})", lambda match: chr(int(match[1], 16)), message)
